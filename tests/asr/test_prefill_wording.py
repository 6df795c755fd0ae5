"""What is written down reads as a clerk writes it, and matters are known without their keywords."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.lexicon import PHRASINGS_FILE, Lexicon, LexiconError
from asr.prefill import prepare, rank_categories
from asr.prefill.clerk import written
from asr.prefill.likeness import likeness_of
from tests.asr.talks import turns, value


@pytest.mark.parametrize(
    ("said", "paper"),
    [
        ("我妈天天在那儿等着呢", "其母亲每天在那儿等着"),
        ("俺男人干了半年", "其丈夫干了半年"),
        ("我家窗户都不敢开", "其家窗户都不敢开"),
        ("就是我们小区没人扫", "小区没人扫"),
        ("头一回是礼拜三", "第一次是周三"),
    ],
)
def test_a_clause_is_written_in_the_third_person(said: str, paper: str) -> None:
    assert written(said, first=True) == paper


def test_every_category_but_emergencies_has_ways_people_put_it() -> None:
    lexicon = Lexicon.load()
    matters = [category.code for category in lexicon.categories if not category.code.startswith("90")]
    assert {code for code, lines in lexicon.phrasings.items() if len(set(lines)) >= 12} == set(matters)
    assert all(category.demand for category in lexicon.categories)


def test_a_matter_is_known_without_its_keywords() -> None:
    said = "屋里冷得像冰窖，老人盖两床被子，片子摸着冰凉"
    assert rank_categories(turns(said), Lexicon.load())[0][0] == "0304"


def test_too_few_words_are_no_matter_yet() -> None:
    assert rank_categories(turns("你好"), Lexicon.load()) == []


def test_what_is_learnt_from_the_phrasings_is_the_same_each_time() -> None:
    lexicon = Lexicon.load()
    prepare(lexicon)
    first = likeness_of(lexicon)
    likeness_of.cache_clear()
    again = likeness_of(lexicon)
    assert first is not None
    assert again is not None
    assert first is not again
    assert (first.weights == again.weights).all()


def test_a_line_under_no_category_is_refused(tmp_path: Path) -> None:
    (tmp_path / PHRASINGS_FILE).write_text("没有类别的一行\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="line 1"):
        Lexicon.from_dir(tmp_path)


def test_the_operators_wording_of_the_place_is_kept() -> None:
    lines = ("文昌路往东走，快到头了，有个盖大棚的。", "文昌路东头，蓝色铁皮大门的工地。怎么了？", "他们半夜还在打桩。")
    assert value("address", *lines) == "文昌路东头蓝色铁皮大门工地"


def test_a_refused_door_number_does_not_take_the_place_away() -> None:
    lines = ("还是暖气不热。", "登记的是怡景苑五号楼三单元五零二，对吗？", "错了，我家是五号楼，二单元，五零二。")
    assert value("address", *lines) == "怡景苑5号楼2单元502"
    assert value("town", *lines) == "西关街道"


def test_what_is_kept_from_ones_own_father_is_no_secret_from_the_office() -> None:
    lines = ("我爸他们村停水了。", "让他们直接找老人行吗？", "行，别跟他说我打的，我爸嫌我多事。")
    assert value("confidential", *lines) != "true"
    other = ("老板欠我工资。", "您希望怎么处理？", "让他发工资，别跟他说我打的。")
    assert value("confidential", *other) == "true"


def test_a_number_for_when_nobody_answers_is_not_the_one_to_call() -> None:
    lines = (
        "我妈走丢了。",
        "您贵姓，这个电话能通吗？",
        "姓阎，就这个号，没电了就打我兄弟的，幺六四，三三九零，二幺七七。",
    )
    assert value("contact_phone", *lines) == "15400112233"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("姓逯，不是陆地的陆，是录音的录加个走之底，逯海峰。", "逯海峰"),
        ("我也姓zhāng，不过我是弓长张，张弛，一张一弛的弛。", "张弛"),
        ("我姓阎，阎王的阎，不是严肃的严，阎秀芳。", "阎秀芳"),
    ],
)
def test_a_name_explained_by_what_it_is_not(said: str, name: str) -> None:
    assert value("caller_name", "路灯不亮。", "您怎么称呼？", said) == name


def test_a_question_has_no_time_of_its_own() -> None:
    assert value("occur_time", "你好，我想问问给小孩上户口要拿啥？上个月二十六号生的。") is None


def test_the_amount_said_and_read_back_wins() -> None:
    lines = (
        "交了九千六，要退。",
        "那您要求退剩下的六千元，对吗？",
        "不是六千，是六千五百块。",
        "好的，6500元。",
        "对。",
    )
    assert value("amount_yuan", *lines) == "6500"
