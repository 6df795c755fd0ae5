"""What was said in one go is read as one, and the words shown are those of the turns."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill import Evidence, Suggestion, suggest
from asr.prefill.passages import as_one, passages_of
from asr.transcript import Speaker, Turn

CALLER, AGENT = Speaker.CALLER, Speaker.AGENT


def turn(seg: int, speaker: Speaker, text: str, start_s: float, *, final: bool = True) -> Turn:
    return Turn(seg=seg, rev=1, speaker=speaker, text=text, start_s=start_s, end_s=start_s + 1.0, final=final)


def texts(*turns: Turn) -> list[str]:
    return [one.text for one in passages_of(turns).turns]


def test_who_goes_on_after_a_breath_is_read_as_one() -> None:
    passages = passages_of([turn(4, CALLER, "我在丹河湾", 0.0), turn(6, CALLER, "二期五号楼。", 1.6)])
    (whole,) = passages.turns
    assert (whole.seg, whole.text, whole.start_s, whole.end_s) == (4, "我在丹河湾，二期五号楼。", 0.0, 2.6)


def test_each_part_is_found_where_it_begins() -> None:
    assert as_one(["我在丹河湾", "二期五号楼。", "三单元"]) == ("我在丹河湾，二期五号楼。三单元", [0, 6, 12])
    assert as_one([]) == ("", [])


def test_a_sentence_that_has_ended_needs_no_comma() -> None:
    assert texts(turn(1, CALLER, "我姓柴。", 0.0), turn(2, CALLER, "电话记一下", 1.5)) == ["我姓柴。电话记一下"]


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param(
            [turn(1, CALLER, "喂", 0.0), turn(2, AGENT, "您好", 1.2), turn(3, CALLER, "我家", 2.4)], id="spoken"
        ),
        pytest.param([turn(1, CALLER, "喂", 0.0), turn(2, CALLER, "还在吗", 3.1)], id="silent for long"),
        pytest.param([turn(1, CALLER, "水" * 200, 0.0), turn(2, CALLER, "水" * 50, 1.2)], id="a monologue"),
    ],
)
def test_what_is_said_apart_is_read_apart(turns: list[Turn]) -> None:
    assert list(passages_of(turns).turns) == turns


def test_turns_that_are_not_final_or_say_nothing_part_nobody() -> None:
    turns = [
        turn(1, CALLER, "我家", 0.0),
        turn(2, AGENT, "嗯", 1.1, final=False),
        turn(3, AGENT, " ", 1.2),
        turn(4, CALLER, "漏水", 1.5),
    ]
    assert texts(*turns) == ["我家，漏水"]


def test_words_across_a_breath_are_shown_in_both_turns() -> None:
    passages = passages_of([turn(1, CALLER, "我住丹河湾", 0.0), turn(2, CALLER, "二期五号楼", 1.5)])
    whole = Suggestion(field="address", value="", confidence=0.9, evidence=(Evidence(seg=1, start=2, end=8),))
    assert passages.told(whole).evidence == (Evidence(seg=1, start=2, end=5), Evidence(seg=2, start=0, end=2))


def test_a_number_in_two_breaths_is_one_number() -> None:
    turns = [
        turn(1, AGENT, "您的电话是多少？", 0.0),
        turn(2, CALLER, "我的电话是幺五四", 1.5),
        turn(5, CALLER, "三三零六幺七零九", 3.2),
    ]
    phone = next(
        one for one in suggest(turns, caller_number="", lexicon=Lexicon.load()) if one.field == "contact_phone"
    )
    said = {one.seg: one.text for one in turns}
    assert phone.value == "15433061709"
    assert [said[item.seg][item.start : item.end] for item in phone.evidence] == ["幺五四", "三三零六幺七零九"]


def test_the_answer_to_a_call_back_does_not_go_on_with_its_opening() -> None:
    turns = [
        turn(1, CALLER, "泽安12345回访，您反映的路灯修好了吗", 0.0),
        turn(2, CALLER, "修好了", 1.2),
        turn(3, CALLER, "挺亮的", 2.4),
    ]
    assert texts(*turns) == ["泽安12345回访，您反映的路灯修好了吗", "修好了，挺亮的"]
