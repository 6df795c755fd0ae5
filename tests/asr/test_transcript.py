"""Segments of several legs become one list of turns."""

from __future__ import annotations

from asr.recognizer import Final, Partial
from asr.transcript import Speaker, Transcript


def partial(seg: int, rev: int, text: str, start_s: float = 0.0) -> Partial:
    return Partial(seg=seg, rev=rev, text=text, start_s=start_s, end_s=start_s + 1)


def final(seg: int, rev: int, text: str, start_s: float = 0.0) -> Final:
    return Final(seg=seg, rev=rev, text=text, start_s=start_s, end_s=start_s + 2, latency_ms=400)


def test_the_same_segment_number_of_two_streams_gives_two_turns() -> None:
    transcript = Transcript()
    ours = transcript.apply(Speaker.AGENT, "operator", final(0, 1, "您好"), 0.0)
    theirs = transcript.apply(Speaker.CALLER, "caller", final(0, 1, "喂"), 0.0)
    assert ours.seg != theirs.seg
    assert [turn.text for turn in transcript.turns] == ["您好", "喂"]


def test_a_final_replaces_the_partials_of_its_segment_and_keeps_the_number() -> None:
    transcript = Transcript()
    first = transcript.apply(Speaker.CALLER, "caller", partial(0, 1, "我家"), 0.0)
    second = transcript.apply(Speaker.CALLER, "caller", partial(0, 2, "我家停"), 0.0)
    last = transcript.apply(Speaker.CALLER, "caller", final(0, 2, "我家停水"), 0.0)
    assert first.seg == second.seg == last.seg
    assert first.rev < second.rev < last.rev
    assert transcript.turns == (last,)
    assert transcript.finals == (last,)


def test_a_final_turn_never_changes() -> None:
    transcript = Transcript()
    said = transcript.apply(Speaker.CALLER, "caller", final(0, 3, "我家停水"), 0.0)
    assert transcript.apply(Speaker.CALLER, "caller", partial(0, 9, "我"), 0.0) == said
    assert transcript.apply(Speaker.CALLER, "caller", final(0, 10, "别的"), 0.0) == said
    assert transcript.turns == (said,)


def test_a_partial_that_comes_late_changes_nothing() -> None:
    transcript = Transcript()
    newer = transcript.apply(Speaker.CALLER, "caller", partial(0, 5, "我家停水"), 0.0)
    assert transcript.apply(Speaker.CALLER, "caller", partial(0, 4, "我家停"), 0.0) == newer


def test_turns_are_in_the_order_they_began_on_the_calls_clock() -> None:
    transcript = Transcript()
    transcript.apply(Speaker.CALLER, "caller", final(0, 1, "后说的", start_s=5.0), 0.0)
    transcript.apply(Speaker.AGENT, "operator", final(0, 1, "先说的", start_s=1.0), 0.5)
    assert [(turn.text, turn.start_s, turn.end_s) for turn in transcript.turns] == [
        ("先说的", 1.5, 3.5),
        ("后说的", 5.0, 7.0),
    ]


def test_a_leg_tapped_again_under_a_new_stream_does_not_disturb_the_old_turns() -> None:
    transcript = Transcript()
    before = transcript.apply(Speaker.CALLER, "caller", final(0, 1, "第一段"), 0.0)
    after = transcript.apply(Speaker.CALLER, "caller-2", final(0, 1, "第二段"), 30.0)
    assert transcript.turns == (before, after)


def test_open_turns_are_not_among_the_finals() -> None:
    transcript = Transcript()
    transcript.apply(Speaker.CALLER, "caller", partial(0, 1, "我"), 0.0)
    assert transcript.finals == ()
