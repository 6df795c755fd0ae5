"""Models to channel data."""

from __future__ import annotations

from api.live.views import segment, with_segment
from asr.transcript import Speaker, Turn


def turn(seg: int, rev: int, text: str, *, final: bool = False) -> Turn:
    return Turn(seg=seg, rev=rev, speaker=Speaker.AGENT, text=text, start_s=1.2345, end_s=2.0, final=final)


def test_a_segment_has_the_shape_of_the_protocol() -> None:
    assert segment(turn(3, 2, "您好", final=True)) == {
        "seg": 3,
        "rev": 2,
        "who": "agent",
        "text": "您好",
        "t0": 1.23,
        "t1": 2.0,
        "final": True,
    }


def test_segments_stay_in_order_and_only_a_newer_revision_replaces() -> None:
    transcript = with_segment((), segment(turn(2, 1, "二")))
    transcript = with_segment(transcript, segment(turn(0, 1, "零")))
    transcript = with_segment(transcript, segment(turn(1, 1, "一")))
    assert [item["text"] for item in transcript] == ["零", "一", "二"]
    transcript = with_segment(transcript, segment(turn(1, 3, "一三", final=True)))
    transcript = with_segment(transcript, segment(turn(1, 2, "一二")))
    transcript = with_segment(transcript, segment(turn(1, 9, "太晚")))
    assert [item["text"] for item in transcript] == ["零", "一三", "二"]
