"""Whatever is said: nothing is raised, evidence lies inside its turn, and time is short."""

from __future__ import annotations

import json
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.lexicon import APPEAL_TYPES, URGENCIES, Lexicon
from asr.prefill import Suggestion, suggest
from asr.transcript import Speaker, Turn
from tests.asr.talks import turns, understood

RECORDED = Path(__file__).parents[1] / "recorded" / "dialogues.json"
WORDS = """
    锦绣花园 三号楼 二单元 六零二 幺五四 三三零六 幺七零九 不对 ， 。 ？ … 我姓 柴 王建国 免贵姓 木子李 的 是 不是
    电话 就这个号 保密 匿名 天天 晚上六点 到 上礼拜三 叫 老马家 饭店 油烟 着火 投诉 𠮷 😀 A １２ 女士 对吗 贵姓
    哪个小区 您希望 两三天 文昌路 和 中兴街 路口 永清镇 东庄 激警 机井坏了
"""
PIECES = [*WORDS.split(), "1 5 4 8", " ", "\u3000", "\n"]
SAID = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
TALK = st.lists(st.tuples(st.sampled_from(list(Speaker)), SAID, st.booleans()), max_size=6)


def talk_of(spoken: list[tuple[Speaker, str, bool]]) -> list[Turn]:
    return [
        Turn(seg=seg * 3 + 1, rev=1, speaker=who, text=text, start_s=float(seg), end_s=seg + 1.0, final=final)
        for seg, (who, text, final) in enumerate(spoken)
    ]


def check(talk: list[Turn], found: tuple[Suggestion, ...]) -> None:
    texts = {turn.seg: turn.text for turn in talk if turn.final}
    for suggestion in found:
        assert suggestion.value
        assert 0 <= suggestion.confidence <= 1
        for item in suggestion.evidence:
            assert 0 <= item.start < item.end <= len(texts[item.seg])
        assert suggestion.evidence or suggestion.field == "contact_phone"
    values = {suggestion.field: suggestion.value for suggestion in found}
    assert len(values) == len(found)
    assert values.get("appeal_type", "其他") in APPEAL_TYPES
    assert values.get("urgency", "一般") in URGENCIES
    assert values.get("confidential", "true") in ("true", "false")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TALK, st.sampled_from(["", "15400112233", "+8603995551234", "x"]))
def test_any_text_gives_suggestions_whose_evidence_lies_inside_its_turn(
    spoken: list[tuple[Speaker, str, bool]], caller_number: str
) -> None:
    talk = talk_of(spoken)
    check(talk, suggest(talk, caller_number=caller_number, lexicon=Lexicon.load()))


def test_the_recorded_dialogues_are_well_formed_after_every_turn() -> None:
    for dialogue in json.loads(RECORDED.read_text(encoding="utf-8")):
        talk = talk_of([(Speaker(who), text, True) for who, text in dialogue["turns"]])
        for last in range(len(talk) + 1):
            check(talk[:last], suggest(talk[:last], caller_number="15400112233", lexicon=Lexicon.load()))


def test_open_turns_and_partner_centres_fill_nothing() -> None:
    spoken = [(Speaker.CALLER, "我姓柴，锦绣花园停水了", False), (Speaker.CENTRE, "我是110，我姓王，锦绣花园", True)]
    found = suggest(talk_of(spoken), caller_number="", lexicon=Lexicon.load())
    assert not [suggestion for suggestion in found if suggestion.field in ("caller_name", "address")]


def test_spaces_between_characters_do_not_matter() -> None:
    plain = understood("我家在锦绣花园三号楼停水了")
    spaced = understood("我 家 在 锦绣 花园 三 号 楼 停水 了")
    assert {name: item.value for name, item in plain.items()} == {name: item.value for name, item in spaced.items()}


def test_turns_may_come_in_any_order() -> None:
    talk = turns("锦绣花园停水了。", "您贵姓？", "我姓柴。")
    lexicon = Lexicon.load()
    assert suggest(talk, caller_number="", lexicon=lexicon) == suggest(talk[::-1], caller_number="", lexicon=lexicon)


def test_a_long_monologue_is_read_in_reasonable_time() -> None:
    lexicon = Lexicon.load()
    suggest(turns("热身。"), caller_number="", lexicon=lexicon)
    for piece in ("一", "幺五四，", "锦绣花园三号楼", "不对，", "1", "我家停水了，"):
        text = piece * (1500 // len(piece))
        began = time.perf_counter()
        suggest(turns(text), caller_number="", lexicon=lexicon)
        assert time.perf_counter() - began < 5


def test_a_village_without_its_last_word_may_end_the_turn() -> None:
    said = "老屋在永清镇东庄"
    found = understood(said)
    check(turns(said), tuple(found.values()))
    assert found["town"].value == "永清镇"


def test_words_known_by_their_sound_stand_behind_digits_set_apart() -> None:
    said = "1 5 4 8 0 8 8 0 8 1 1，激警坏了没有水浇地"
    found = understood(said)
    check(turns(said), tuple(found.values()))
    evidence = found["category_code"].evidence[0]
    assert said[evidence.start : evidence.end].strip()
