"""What an engine of whole words writes, which leaves out the marks: its particles, numbers and words for names."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill.heard_times import put_right
from asr.prefill.landmarks import reheard, reheard_reading
from asr.prefill.reading import read, reading_of
from tests.asr.talks import turns, understood, value, words

WHERE = "请问在什么位置？"
MATTER = "你好，我家漏水"
WHO = "司机叫什么名字？"


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("接，阳新城南边那个工地", "，金阳新城南边那个工地"),
        ("我住在碧水云天小区等，三号楼", "我住在碧水云天小区的，三号楼"),
        ("是下柳村满，井坏了多久", "是下柳村吗，井坏了多久"),
        ("就是地期实验小学", "就是第七实验小学"),
        ("村里接，阳台上的水管", "村里接，阳台上的水管"),
        ("我们地区医院", "我们地区医院"),
    ],
)
def test_words_of_place_are_put_right(heard: str, meant: str) -> None:
    assert reheard_reading(reading_of(heard, Lexicon.load()), answer=False).text == meant


def test_a_village_is_known_by_its_sound_where_the_talk_names_its_town() -> None:
    talk = reheard(read(turns("石盘乡这边没信号", "请问是哪个村？", "就是后柳村没信号"), Lexicon.load()))
    assert [said.text for said in talk.caller][-1] == "就是后岭村没信号"
    other = reheard(read(turns("手机没信号", "请问是哪个村？", "就是后柳村没信号"), Lexicon.load()))
    assert [said.text for said in other.caller][-1] == "就是后柳村没信号"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("和顺家园八号楼二单元四百零二", "和顺家园8号楼2单元402"),
        ("和顺家园八号楼二单元，交了三百零五元", "和顺家园8号楼2单元"),
        ("和顺家园八号楼二单元一千一百户", "和顺家园8号楼2单元"),
    ],
)
def test_a_room_is_counted_behind_its_unit(said: str, address: str) -> None:
    assert value("address", MATTER, WHERE, said, "好的") == address


def test_a_corner_put_right_stands_across_a_filler() -> None:
    lines = (
        "科创街跟环城路那个十字路口全是违停的车",
        "科创街与环城路十字路口，东南角，对吗？",
        "我没说东南角，的，是西南角，有个包子铺那边",
        "西南角，包子铺那边，给您改过来了",
    )
    assert "西南角" in (value("address", *lines) or "")


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("黑了有两个礼拜文", "黑了有两个礼拜了"),
        ("停水有两周没，对吗", "停水有两周了，对吗"),
        ("拖了半年问", "拖了半年了"),
        ("等了三天没人来", "等了三天没人来"),
        ("问了两个月问谁谁不管", "问了两个月问谁谁不管"),
    ],
)
def test_what_ends_a_span_of_time_is_its_particle(heard: str, meant: str) -> None:
    assert put_right(heard) == meant


def test_a_name_is_put_right_by_the_words_that_explain_it() -> None:
    lines = ("我想表扬一个公交司机", WHO, "叫程建名，建设的建，人民的民", "好的，已经记下了")
    assert value("subject", *lines) == "程建民"
    assert words(understood(*lines)["subject"], *lines) == ["程建名"]
    assert value("subject", *lines[:2], "叫程建名，名字的名", lines[3]) == "程建名"


def test_a_nickname_is_put_right_by_the_surname_it_was_explained_as() -> None:
    asked = "您知道经营人叫什么吗？"
    lines = ("我举报个没有证的诊所", asked, "都管它叫老天，薛宝钗的薛", "好的")
    assert value("subject", *lines) == "老薛"
    assert value("subject", *lines[:2], "都管他叫老田，种地的田", lines[3]) == "老田"


def test_the_end_put_right_of_a_number_that_only_the_operator_said_whole() -> None:
    lines = (
        "我家漏水",
        "您电话留一个？",
        "幺三八，二零幺按，零九三六",
        "我复述一下，幺三八二零幺二零九六三",
        "末尾是三六，不是六三",
        "好的，零九三六，已更正",
    )
    assert value("contact_phone", *lines) == "13820120936"


def test_a_title_before_a_stray_particle_tells_the_gender() -> None:
    lines = ("我家漏水", "您怎么称呼？", "免贵姓柴，柴火的柴", "单女士的，您稍等")
    assert value("caller_gender", *lines) == "女"


def test_a_name_whose_surname_only_is_explained() -> None:
    lines = ("我想表扬窗口那个小姑娘", "她叫什么名字？", "好像叫什么来着，与婷婷，年年有余的余", "好的")
    assert value("subject", *lines) == "余婷婷"


def test_whoever_another_centre_is_told_of_is_not_addressed() -> None:
    lines = ("我问一下产假的事", "热线转接，魏女士产假期间单位不续合同", "喂您好")
    assert value("caller_name", *lines) is None


def test_which_number_of_a_road_is_no_date() -> None:
    lines = ("昨晚上门口的树倒了", "活动中心是新市街几号", "是十六号", "好的")
    assert "16" not in (value("occur_time", *lines) or "")


def test_a_firm_with_a_word_of_grammar_in_its_name_is_called_as_it_was_read_back() -> None:
    lines = ("有个健身房关门了不退钱", "请问是哪家健身房？", "叫不动健身，在三楼", "文昌路三楼搏动健身，对吗？")
    assert value("subject", *lines) == "搏动健身"
