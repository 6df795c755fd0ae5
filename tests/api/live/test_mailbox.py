"""A mailbox is bounded: last values may be skipped, a call may not."""

from __future__ import annotations

import json

from api.live.feeds import Feed, Patch
from api.live.mailbox import BATCH_PATCHES, Mailbox


def feed(channel: str, *, last_value: bool) -> Feed:
    return Feed(channel=channel, variant="masked", epoch="e1", data={"n": 0}, last_value=last_value)


def advance(line: Feed) -> Patch:
    patch = line.advance({"n": line.data["n"] + 1}, now_s=0, ts_ms=0)
    assert patch is not None
    return patch


def test_patches_that_wait_together_go_as_one_batch_in_order() -> None:
    box, queue, call = Mailbox(), feed("queue", last_value=True), feed("call/1.1", last_value=False)
    for line in (queue, call, queue):
        assert box.put_patch(line, advance(line))
    text = box.take()
    assert text is not None
    batch = json.loads(text)
    assert batch["t"] == "b"
    assert [(patch["ch"], patch["seq"]) for patch in batch["p"]] == [("queue", 1), ("call/1.1", 1), ("queue", 2)]
    assert box.take() is None
    assert box.size == 0


def test_a_single_patch_goes_as_itself_and_a_batch_never_jumps_over_another_message() -> None:
    box, queue = Mailbox(), feed("queue", last_value=True)
    box.put_patch(queue, advance(queue))
    box.put('{"t":"hb"}')
    box.put_patch(queue, advance(queue))
    kinds = [json.loads(text)["t"] for text in iter(box.take, None)]
    assert kinds == ["p", "hb", "p"]


def test_a_batch_has_a_limit() -> None:
    box, call = Mailbox(), feed("call/1.1", last_value=False)
    for _ in range(BATCH_PATCHES + 1):
        box.put_patch(call, advance(call))
    first, second = box.take(), box.take()
    assert first is not None
    assert second is not None
    assert len(json.loads(first)["p"]) == BATCH_PATCHES
    assert json.loads(second)["t"] == "p"


def test_a_full_box_drops_the_backlog_of_a_last_value_channel_for_one_snapshot() -> None:
    box, queue = Mailbox(max_messages=4), feed("queue", last_value=True)
    for _ in range(50):
        assert box.put_patch(queue, advance(queue))
    texts = [json.loads(text) for text in iter(box.take, None)]
    assert [(text["t"], text["seq"]) for text in texts] == [("snap", 50)]
    assert box.put_patch(queue, advance(queue))
    text = box.take()
    assert text is not None
    assert json.loads(text)["seq"] == 51


def test_a_call_survives_the_dropping_of_last_values_and_overflows_only_by_itself() -> None:
    box, queue, call = Mailbox(max_messages=4), feed("queue", last_value=True), feed("call/1.1", last_value=False)
    for _ in range(4):
        box.put_patch(queue, advance(queue))
    results = [box.put_patch(call, advance(call)) for _ in range(5)]
    assert results == [True, True, True, True, False]


def test_the_bytes_are_bounded_too() -> None:
    call = feed("call/1.1", last_value=False)
    patch = advance(call)
    box = Mailbox(max_bytes=patch.size * 2)
    assert [box.put_patch(call, patch) for _ in range(3)] == [True, True, False]


def test_a_snapshot_larger_than_the_box_still_goes_when_nothing_else_waits() -> None:
    box, call = Mailbox(max_bytes=10), feed("call/1.1", last_value=False)
    assert box.put_snapshot(call)
    assert box.take() is not None


def test_a_forgotten_feed_sends_nothing_more() -> None:
    box, queue, call = Mailbox(max_messages=2), feed("queue", last_value=True), feed("call/1.1", last_value=False)
    for _ in range(4):
        box.put_patch(queue, advance(queue))
    box.put_patch(call, advance(call))
    box.forget(queue)
    texts = [json.loads(text)["ch"] for text in iter(box.take, None)]
    assert texts == ["call/1.1"]
