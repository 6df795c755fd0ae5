"""What a recogniser makes of names and places still fills the ticket, and fills nothing that nobody said."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill.half_heard import half_heard
from asr.prefill.reading import read
from tests.asr.talks import turns, understood, value


def test_a_garbled_place_with_a_door_is_the_one_name_that_fits() -> None:
    assert value("address", "我要反映一下，岁风国记三号楼没有电") == "瑞丰国际3号楼"


def test_a_garbled_place_is_known_by_the_operators_words() -> None:
    lines = ("单河万那边电梯坏了", "但河湾电梯坏了，我记下了", "对")
    assert value("address", *lines) in ("丹河湾", "丹河湾电梯")
    assert value("district", *lines) == "丹河区"
    assert value("town", *lines) == "丹河街道"


def test_a_place_only_half_heard_is_offered_not_filled() -> None:
    assert understood("岁风国记三号楼没有电")["address"].confidence < 0.75


def test_once_and_without_question_or_door_it_is_nothing() -> None:
    assert value("address", "我妈议住院了，想问报销") is None


def test_a_clear_place_leaves_no_room_for_a_garbled_one() -> None:
    talk = read(turns("锦绣花园漏水", "在哪里", "岁风国记三号楼也漏"), Lexicon.load())
    assert half_heard(talk) == {}


def test_two_names_that_fit_alike_are_neither_taken() -> None:
    talk = read(turns("我在某某小区三号楼"), Lexicon.load())
    assert half_heard(talk) == {}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("信其，委屈的其", "屈"),
        ("免贵姓财，财火的财", "柴"),
        ("我姓苦，苦代的苦", "古"),
        ("我欣赏，像雨的像", "项"),
        ("信息委屈的其", "屈"),
        ("我新养，白养的羊", "杨"),
        ("请入，前程的成，成吗", "程"),
        ("金路，祝呵的贺", "贺"),
        ("进入庄家的装，电话你记", "庄"),
        ("我心里头着急", None),
        ("我叫段敬静止的静", "段静"),
    ],
)
def test_the_word_that_explains_a_surname_is_known_by_its_sound(said: str, name: str | None) -> None:
    assert value("caller_name", "路灯不亮", "请问您贵姓", said) == name


def test_a_surname_all_three_times_garbled_needs_no_question() -> None:
    assert value("caller_name", "路灯不亮", "在哪里", "行就快点来，我信旁，庞达文旁") == "庞"
    assert value("caller_name", "路灯不亮", "在哪里", "我信箱，信箱里全是广告") is None


def test_a_word_without_the_sound_of_a_name_explains_none() -> None:
    assert value("caller_name", "信其，天气的其") is None


def test_the_operators_title_tells_a_man_even_if_the_surname_is_lost() -> None:
    assert value("caller_gender", "路灯不亮", "七先生，已经登记", "好") == "男"


def test_a_caller_of_whom_only_a_mark_was_heard_breaks_nothing() -> None:
    assert "category_code" in understood(".", "贵")


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("今天早上7.20公交车甩站", "当日7:20"),
        ("昨天晚上11.30还在施工", "昨晚23:30"),
        ("今天早上7.20元一斤的菜", "当日早上"),
        ("今天早上7.20时时路过车站甩站", "当日7:20"),
    ],
)
def test_a_time_of_day_may_be_written_as_a_number(said: str, when: str) -> None:
    assert value("occur_time", said) == when


def test_doors_are_known_by_the_words_beside_them() -> None:
    assert value("address", "我住学院小区三号龙一旦圆腰零二，停水了") == "学院小区3号楼1单元102"
