"""Spoken numbers become digits where they are meant exactly, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.numerals import digit_groups, numerals, value_of, with_digits


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("幺三八零零幺三八零零零", "13800138000"),
        ("电话幺五四，三三零六，幺七零九", "电话154，3306，1709"),
        ("零三五六二零二四五六七", "03562024567"),
        ("车尾号零三八七", "车尾号0387"),
        ("二零二五零五零六，零零三七", "20250506，0037"),
        ("二零二五年", "2025年"),
    ],
)
def test_spelled_out_runs_become_digits_with_their_leading_zeros(said: str, shown: str) -> None:
    assert with_digits(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("要五四三三零六要七零九", "15433061709"),
        ("要五四，三三零六，要七零九", "154，3306，1709"),
        ("腰五四九零腰腰三三二六", "15490113326"),
        ("我要五百", "我要500"),
        ("要三号楼的", "要3号楼的"),
        ("我爸要一二零", "我爸要120"),
    ],
)
def test_yao_as_recognisers_write_it_is_a_one_only_inside_a_phone(said: str, shown: str) -> None:
    assert with_digits(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("三号楼二单元六零二", "3号楼2单元602"),
        ("五号楼三单元一二零一", "5号楼3单元1201"),
        ("十八号楼二十二层", "18号楼22层"),
        ("二栋楼下", "2栋楼下"),
        ("一号楼一单元幺零二", "1号楼1单元102"),
        ("十九号窗口", "19号窗口"),
        ("四年级", "4年级"),
    ],
)
def test_door_numbers_are_exact(said: str, shown: str) -> None:
    assert with_digits(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("三月十五号下午四点二十", "3月15号下午4点20"),
        ("早上七点半", "早上7点半"),
        ("下午一点半", "下午1点半"),
        ("八点零五分", "8点05分"),
        ("七点半到八点十分吧", "7点半到8点10分吧"),
        ("晚上八点二十分开门", "晚上8点20分开门"),
        ("晚上八点十分热闹", "晚上8点十分热闹"),
        ("二十三号晚上", "23号晚上"),
        ("四点来钟", "4点来钟"),
    ],
)
def test_dates_and_hours(said: str, shown: str) -> None:
    assert with_digits(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("三千八百元", "3800元"),
        ("七万二", "72000"),
        ("一亿三千万", "130000000"),
        ("三亿五", "350000000"),
        ("八千七百四", "8740"),
        ("老师让交三百八", "老师让交380"),
        ("一百零五块", "105块"),
        ("三万零五十", "30050"),
        ("百分之二十", "20%"),
        ("3千8百块", "3800块"),
        ("第三次了", "第3次了"),
        ("九十岁", "90岁"),
    ],
)
def test_amounts_ages_and_ordinals(said: str, shown: str) -> None:
    assert with_digits(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "两三天",
        "七八个人",
        "三五个",
        "十几个",
        "二十来个",
        "一千九百多",
        "三四千",
        "二三百斤",
        "两三点",
        "好几百",
        "我们一起去",
        "一共",
        "一点儿都不",
        "一直",
        "万一",
        "千万别",
        "十分生气",
        "七上八下",
        "礼拜三",
        "上礼拜一",
        "第七实验小学",
        "三三两两",
    ],
)
def test_guesses_and_fixed_words_stay_as_said(said: str) -> None:
    assert with_digits(said) == said


def test_roads_named_for_a_day_keep_their_name() -> None:
    assert with_digits("五一路十一号") == "五一路11号"
    assert with_digits("八一街三号楼") == "八一街3号楼"


def test_protected_spans_are_left_alone() -> None:
    text = "三里河二号楼"
    assert with_digits(text, [(0, 3)]) == "三里河2号楼"


def test_spans_point_at_the_words() -> None:
    text = "我住三号楼，电话幺五四三三零六幺七零九"
    assert [(text[n.start : n.end], n.digits) for n in numerals(text)] == [
        ("三", "3"),
        ("幺五四三三零六幺七零九", "15433061709"),
    ]


def test_digit_groups_keep_the_pauses_apart() -> None:
    assert [group.digits for group in digit_groups("幺六四，八八零二，七七幺三。白天打")] == ["164", "8802", "7713"]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("十二", 12),
        ("二十", 20),
        ("一百一", 110),
        ("一千零五", 1005),
        ("两万二", 22_000),
        ("一亿", 10**8),
        ("一二", None),
    ],
)
def test_counted_values(said: str, value: int | None) -> None:
    assert value_of(said) == value


SPOKEN = st.text(alphabet="零一二两三四五六七八九十百千万亿幺要点号楼单元第年月日个块，。 我0123456789", max_size=40)


@given(SPOKEN)
def test_spans_lie_inside_in_order_and_apart_for_any_text(text: str) -> None:
    at = 0
    for numeral in numerals(text):
        assert at <= numeral.start < numeral.end <= len(text)
        assert numeral.digits.rstrip("%").isdecimal()
        at = numeral.end
    for group in digit_groups(text):
        assert 0 <= group.start < group.end <= len(text)
        assert group.digits.isdecimal()


@given(SPOKEN)
def test_what_is_digits_already_is_not_touched_again(text: str) -> None:
    once = with_digits(text)
    assert len(with_digits(once)) <= len(once) + 10
