"""Names of which only the sounds were heard: the answer, its explanation and the read-back say them together."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill.given_names import usual_given_name
from asr.prefill.surname_votes import likeness, sounding
from asr.prefill.surname_words import explanations, surnames_with_part
from tests.asr.talks import value

ASKED = "好的，您贵姓？"
MATTER = "我家楼下路灯不亮。"


@pytest.mark.parametrize(
    ("heard", "read_back", "name"),
    [
        ("信盐，颜王爷的盐。", "盐大言，给您登记。", "阎"),
        ("我秀乌，屋鸭的乌，右边一个二刀。", "五女士15400112233对吗", "邬"),
        ("现落，落陀的落，电话就这个。", "好的洛先声，请稍等。", "骆"),
        ("姓陈，陈餐的陈。", "好的。", "岑"),
        ("姓腾，腾王阁的腾。", "好的。", "滕"),
        ("兴记，河北省的季。", "好的。", "冀"),
        ("幸如，草字头底下一个如。", "如女士您好。", "茹"),
        ("心力，令香如的力。", "好的。", "蔺"),
        ("庆台，台湾的台，加个二朵旁。", "台先生，对吗？", "邰"),
        ("富行司马，司马光的司马。", "好的。", "司马"),
        ("燃立民，燃燃升起的燃，建立的立，人民的民。", "好的染女士。", "冉立民"),
        ("现章，章师傅，就这个号。", "好的。", "张"),
        ("我姓贾，古代的古。", "好的。", "古"),
    ],
)
def test_a_surname_is_known_by_all_that_was_heard_of_it(heard: str, read_back: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, heard, read_back) == name


@pytest.mark.parametrize(
    ("heard", "after_a_breath", "name"),
    [
        ("我姓贾", "古代的古。", "古"),
        ("姓毛", "毛主席的毛。", "毛"),
        ("我姓贾", "就打这个电话。", "贾"),
    ],
)
def test_a_surname_is_explained_across_a_breath(heard: str, after_a_breath: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, heard, "", after_a_breath, "好的。") == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("姓陈，耳东陈。", "陈"),
        ("姓路，马路的路。", "路"),
        ("姓苟，不是猫狗的狗，一丝不苟的苟。", "苟"),
        ("姓毛，毛主席的毛。", "毛"),
        ("就打这个电话，白天都行。", None),
        ("我住三楼，阳台的那边。", None),
    ],
)
def test_what_was_said_clearly_stays(said: str, name: str | None) -> None:
    assert value("caller_name", MATTER, ASKED, said, "好的。") == name


def test_an_office_named_before_the_question_is_not_asked_for_its_name() -> None:
    asked = "好的，我给您转交通部门和公交公司您贵姓？"
    assert value("caller_name", MATTER, asked, "信耿，耿直的耿。") == "耿"


def test_an_aunt_alone_has_no_surname() -> None:
    assert value("caller_name", MATTER, "好的，阿姨，我给您登记。", "行。") is None


@pytest.mark.parametrize(
    ("greeting", "gender"),
    [("大元您好，请问是哪个小区？", "男"), ("谢先生154对吧", "男"), ("好的白女是，电话用这个可以吗", "女")],
)
def test_a_title_is_known_by_its_sound(greeting: str, gender: str) -> None:
    assert value("caller_gender", MATTER, greeting, "嗯。") == gender


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫王可心，新上的新。", "王可欣"),
        ("我叫王新，新旧的新。", "王新"),
        ("我叫刘桂馥，馥郁的馥。", "刘桂馥"),
        ("姓刘，刘桂馥，桂花的桂，馥是馥郁的馥。", "刘桂馥"),
        ("我姓章，立早章，章手林，大叔的叔，树林的林。", "章树林"),
    ],
)
def test_a_given_name_is_put_right_by_a_word_that_sounds_so(said: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, said) == name


def test_sounds() -> None:
    lexicon = Lexicon.load()
    assert likeness("燃", "冉") == 1
    assert likeness("兰", "冉") < likeness("燃", "冉")
    assert "邬" in sounding(lexicon, "五")
    assert "阮" in surnames_with_part("二朵旁加一个元")
    assert ("岳飞", "岳") in {(each.word, each.surname) for each in explanations(lexicon)}
    assert usual_given_name(lexicon, "字强") == "志强"


@pytest.mark.parametrize(
    ("asked", "heard", "name"),
    [
        ("好的，民贵性。", "姓卞，卞志强，电话就这个。", "卞志强"),
        ("在么成虎？", "姓谢，写出来是解放的解。", "解"),
        ("您贵姓？", "姓童，可不是儿童那个童，上头一个人字，底下一个公。", "仝"),
        ("您怎么称呼？", "免贵姓姚，摇文静，电话就这个。", "姚文静"),
    ],
)
def test_a_name_is_asked_for_and_explained_by_sound(asked: str, heard: str, name: str) -> None:
    assert value("caller_name", MATTER, asked, heard, "好的。") == name


@pytest.mark.parametrize(
    ("heard", "read_back", "name"),
    [
        ("姓栗，蔺相如的栗", "好的您稍等", "蔺"),
        ("燕红梅，冉冉升起的冉，红色的红，梅花的梅", "好的冉女士", "冉红梅"),
        ("我姓冉，耳朵旁一个元", "好的冉先生", "阮"),
        ("我姓好", "好女士，给您登记", "郝"),
        ("我是他外甥，沙明行，沙子的沙，明天的明，航空的行", "好的", "沙明航"),
        ("我也姓孙，桂枝", "好的", "孙桂枝"),
    ],
)
def test_an_engine_of_whole_words_writes_right_what_explains_and_another_word_for_the_name(
    heard: str, read_back: str, name: str
) -> None:
    assert value("caller_name", MATTER, ASKED, heard, read_back) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("姓仝，上头一个人，底下一个工。", "仝"),
        ("姓林，双木林，不是蔺相如的蔺。", "林"),
        ("我姓孙，就这个号。", "孙"),
        ("我姓冉，再见的再没有横。", "冉"),
    ],
)
def test_a_surname_heard_well_is_not_taken_for_another_that_sounds_so(said: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, said, "好的。") == name


@pytest.mark.parametrize(
    ("asked", "said", "read_back", "name"),
    [
        ("您怎么称呼？", "缝果冻，国家的国，栋梁的栋，就这个手机", "冯先生，给您登记了", "冯国栋"),
        ("需要保密吗？", "不用，我就是实名，我叫人国栋，容易的容，国家的国，栋梁的栋", "好的", "容国栋"),
        ("您贵姓，电话是座机吗？", "记手机，姓路，走这儿一个录音的录右半边", "路女士，对吗？", "逯"),
        ("您贵姓？", "我姓庞，走之底那个旁不是庞大的庞，电话就打这个", "好的", "逄"),
        ("您贵姓？", "姓都，首都的等，电话就这个", "好的", "都"),
        ("您怎么称呼？", "我姓丰，就那个风都城的丰", "好的", "酆"),
        ("您希望怎么处理？", "查查，我一退休教师，姓喻，比喻的喻", "好的", "喻"),
        ("您希望怎么处理？", "查查，我们经理，姓喻，比喻的喻", "好的", None),
        ("您怎么称呼？", "姓尹没错，就这个号", "好的", "尹"),
    ],
)
def test_a_rare_name_is_put_right_by_what_explains_it(asked: str, said: str, read_back: str, name: str | None) -> None:
    assert value("caller_name", MATTER, asked, said, read_back) == name


def test_as_many_words_as_the_name_has_characters_explain_it_in_order() -> None:
    talk = ("路灯不亮", "您怎么称呼？", "我叫英子子，应该的应，孔子的曾，涵养的涵", "好的")
    assert value("caller_name", *talk) == "应子涵"
    assert value("caller_name", *talk[:2], "我叫路文斌，道路的路，文武的文", "好的") == "路文斌"


@pytest.mark.parametrize("line", ["我姓祝，祝福", "我姓祝，祝福，不的住"])
def test_the_word_that_explains_a_surname_is_no_given_name(line: str) -> None:
    assert value("caller_name", "路灯不亮", "您怎么称呼？", line, "祝老师，好的") == "祝"
