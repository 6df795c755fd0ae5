"""Sequence, ring and replay of one channel."""

from __future__ import annotations

import json
from typing import Any

from api.live.feeds import RING_PATCHES, RING_S, Feed


def feed(**data: Any) -> Feed:
    return Feed(channel="queue", variant="counts", epoch="e1", data=data, last_value=True)


def test_each_change_gets_the_next_number_and_no_change_gets_none() -> None:
    line = feed(n=0)
    first = line.advance({"n": 1}, now_s=0, ts_ms=5)
    assert first is not None
    assert json.loads(first.text) == {"t": "p", "ch": "queue", "seq": 1, "ts": 5, "ops": [["set", "n", 1]]}
    assert line.advance({"n": 1}, now_s=1, ts_ms=6) is None
    second = line.advance({"n": 2}, now_s=1, ts_ms=6)
    assert second is not None
    assert second.seq == 2


def test_a_reader_that_missed_some_gets_exactly_those() -> None:
    line = feed(n=0)
    for n in range(1, 6):
        line.advance({"n": n}, now_s=n, ts_ms=n)
    missed = line.replay("e1", 3)
    assert missed is not None
    assert [patch.seq for patch in missed] == [4, 5]
    assert line.replay("e1", 5) == ()


def test_another_epoch_or_a_number_from_the_future_gets_a_snapshot() -> None:
    line = feed(n=0)
    line.advance({"n": 1}, now_s=0, ts_ms=0)
    assert line.replay("e0", 0) is None
    assert line.replay(None, None) is None
    assert line.replay("e1", 2) is None


def test_the_ring_forgets_after_512_patches() -> None:
    line = feed(n=0)
    for n in range(1, RING_PATCHES + 11):
        line.advance({"n": n}, now_s=0, ts_ms=0)
    assert len(line.ring) == RING_PATCHES
    assert line.replay("e1", 9) is None
    oldest = line.replay("e1", 10)
    assert oldest is not None
    assert len(oldest) == RING_PATCHES


def test_the_ring_forgets_after_a_minute() -> None:
    line = feed(n=0)
    line.advance({"n": 1}, now_s=0, ts_ms=0)
    line.advance({"n": 2}, now_s=RING_S + 1, ts_ms=0)
    assert [patch.seq for patch in line.ring] == [2]
    assert line.replay("e1", 0) is None


def test_the_snapshot_is_encoded_once_for_each_number() -> None:
    line = feed(n=0)
    assert line.snapshot() is line.snapshot()
    line.advance({"n": 1}, now_s=0, ts_ms=0)
    assert json.loads(line.snapshot()) == {"t": "snap", "ch": "queue", "epoch": "e1", "seq": 1, "data": {"n": 1}}
