"""Rare and double surnames, spelling talk, names the operator gives, and whose name it is."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.lexicon.urgency import Urgency
from asr.prefill.spelling import built, spellings
from asr.transcript import Speaker, Turn
from asr.understanding import REVISIT, understand
from tests.asr.talks import understood, value

ASKED = "好的，请问您贵姓？"
MATTER = "我家楼下路灯不亮。"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("姓昝，上面一个处理的处，下面一个日，昝金凤。", "昝金凤"),
        ("免贵姓闫，门里一个三横那个闫，闫丽华。", "闫丽华"),
        ("我姓靳，革字旁加个一斤两斤的斤，靳有福。", "靳有福"),
        ("复姓，闾丘，门里头双口吕那个闾，丘陵的丘，我叫闾丘梅。", "闾丘梅"),
        ("我复姓欧阳，单名一个靖字。", "欧阳靖"),
        ("俺姓岳，岳飞那个岳，岳双喜。", "岳双喜"),
        ("姓岳，岳飞那个岳。", "岳"),
        ("贺兰，复姓贺兰，贺兰敏。", "贺兰敏"),
        ("姓钭，就写这个钭吧，姓钭。", "钭"),
        ("付，付钱的付，不是师傅的傅，付明。", "付明"),
        ("我叫柏青，柏树的柏，青草的青。", "柏青"),
        ("记王姐就行。", "王"),
        ("我是中学的老师，姓宁，宁静的宁。", "宁"),
        ("我是他侄子，也姓武，武小军。", "武小军"),
        ("姓要，要求的要。", "要"),
        ("姓都，首都的都，电话就这个。", "都"),
        ("我姓章，立早章，章子晴，写成弓长张我查不着。", "章子晴"),
        ("复姓司马，司马光的司马，别写成姓司。", "司马"),
        ("我叫禹春月，春天的春，月亮的月。", "禹春月"),
        ("我叫尹䶮，䶮字是上面一个龙，下面一个天。", "尹䶮"),
        ("免贵姓陈，陈𬭚。", "陈𬭚"),
    ],
)
def test_a_name_is_told_in_many_ways(said: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, said) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫柴秀蓝。", "柴秀兰"),
        ("我姓苗苗语同上学生电话写我妈的吧", "苗雨彤"),
        ("我姓妙，妙语同，电话就这个。", "苗雨彤"),
        ("我姓苗，苗与同，上学生。", "苗雨彤"),
        ("我叫柴秀蓝，蓝天的蓝。", "柴秀蓝"),
        ("姓要，要求的要，要建国。", "要建国"),
        ("我叫柴可心。", "柴可心"),
        ("我叫柴玉美。", "柴玉美"),
    ],
)
def test_a_given_name_that_nobody_has_is_the_one_that_sounds_so_unless_it_is_explained(said: str, name: str) -> None:
    assert value("caller_name", MATTER, ASKED, said) == name


def test_which_character_it_is_may_be_asked_after_the_name() -> None:
    lines = (MATTER, ASKED, "姓张。", "弓长张吗？", "不是不是，立早章，章翼，翅膀那个翼。")
    assert value("caller_name", *lines) == "章翼"


def test_a_relatives_name_is_told_beside_ones_own() -> None:
    lines = ("我替我爸问补贴。", "老人叫什么？", "夏侯长河，长短的长。", "夏女士，对吗？")
    assert value("caller_name", *lines, "不是姓夏，是夏侯，我也姓这个，夏侯敏，敏捷的敏。") == "夏侯敏"


@pytest.mark.parametrize(
    ("asked", "answer", "name"),
    [
        ("您好，您是反映过噪音的赵敏女士吗？", "对，是我。", "赵敏"),
        ("您这个号码登记过，留的是暴立冬，是您本人吗？", "是我是我。", "暴立冬"),
        ("系统显示您姓秦，是吗？", "对对。", "秦"),
        ("以前登记的是陶女士，还用这个号吗？", "哦对，能接。", "陶"),
        ("请问是王建国先生吗？", "我是他儿子，他不在。", None),
        ("您是业主本人吗？", "是啊。", None),
        ("核对一下，您是段小雨段女士，就用来电这个号码？", "对，能打通。", "段小雨"),
        ("联系人姚阿姨，我记下了。", "好。", None),
    ],
)
def test_a_name_the_operator_gives_counts_once_it_is_let_stand(asked: str, answer: str, name: str | None) -> None:
    assert value("caller_name", MATTER, asked, answer) == name


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ((MATTER, "请问怎么联系您？", "我是出纳，姓耿，耿直的耿，耿小梅。"), "耿小梅"),
        ((MATTER, "请问怎么联系您？", "找他们队长，姓耿，耿直的耿。"), None),
        ((MATTER, "您的姓名电话我们不外传，请讲。", "那行。姓逄，写对啊。", "逄女士，记下了。"), "逄"),
        (("我是明远家具厂的，货款要不回来。", "怎么联系您？", "打来电就行。"), None),
    ],
)
def test_a_name_told_with_the_number_is_the_callers(lines: tuple[str, ...], name: str | None) -> None:
    assert value("caller_name", *lines) == name


@pytest.mark.parametrize(
    ("opening", "name", "gender"),
    [
        ("您好，泽安12345回访，请问是康先生吗？", "康", "男"),
        ("您好，12345回访，邢女士是吧？", "邢", "女"),
        ("您好，回访一下，请问是西沟村的李秀荣，李阿姨吗？", "李秀荣", "女"),
    ],
)
def test_a_call_back_begins_with_the_name(opening: str, name: str, gender: str) -> None:
    spoken = [(Speaker.AGENT, opening), (Speaker.CALLER, "是我，还没修呢。")]
    turns = [
        Turn(seg=seg, rev=1, speaker=who, text=text, start_s=float(seg), end_s=seg + 1.0, final=True)
        for seg, (who, text) in enumerate(spoken)
    ]
    found = understand(turns, caller_number="", lexicon=Lexicon.load(), urgency=Urgency.load(), call_type=REVISIT)
    told = {one.field: one.value for one in found.suggestions}
    assert (told["caller_name"], told["caller_gender"]) == (name, gender)


def test_to_be_asked_how_it_went_is_no_call_again() -> None:
    spoken = [(Speaker.AGENT, "您好，12345回访，邢女士是吧？"), (Speaker.CALLER, "是我，之前打过两回，还没修呢。")]
    turns = [
        Turn(seg=seg, rev=1, speaker=who, text=text, start_s=float(seg), end_s=seg + 1.0, final=True)
        for seg, (who, text) in enumerate(spoken)
    ]

    def repeated(call_type: str) -> bool:
        found = understand(turns, caller_number="", lexicon=Lexicon.load(), urgency=Urgency.load(), call_type=call_type)
        return any(one.field == "is_repeat" for one in found.suggestions)

    assert repeated("inbound")
    assert not repeated(REVISIT)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("栋梁那个梁", [("栋梁", "梁")]),
        ("底下一个以为的以", []),
        ("可不是儿童那个童", []),
        ("台上的台，右边挂个耳朵", []),
        ("别写成感谢那个谢", []),
    ],
)
def test_only_the_whole_character_is_an_explanation(said: str, told: list[tuple[str, str]]) -> None:
    assert list(spellings(said)) == told


def test_a_surname_is_put_together_of_its_parts() -> None:
    assert built("姓台，台上的台，右边挂个耳朵", "台") == "邰"
    assert built("姓台，台上的台", "台") is None
    assert value("caller_name", MATTER, ASKED, "姓茹，草字头底下一个如果的如。") == "茹"


@pytest.mark.parametrize(
    ("lines", "gender"),
    [
        (("我是孩子他爸，学校乱收费。",), "男"),
        (("我是老人的女儿，她走丢了。",), "女"),
        ((MATTER, ASKED, "姓贠。", "贠大哥，电话用这个？"), "男"),
        ((MATTER, "您贵姓，怎么登记？", "写先生就行。"), "男"),
        ((MATTER, "大姐，您慢慢说。", "好。"), "女"),
        ((MATTER, ASKED, "我幸好就先好女士吧。"), "女"),
        ((MATTER, "老板贵姓？", "不知道，都喊薛先生。"), None),
        ((MATTER, ASKED, "我姓郭。", "郭老师，记下了。"), None),
        (("我婆婆摔了，我公公也八十了。",), None),
    ],
)
def test_the_gender_is_what_titles_and_own_words_say(lines: tuple[str, ...], gender: str | None) -> None:
    assert value("caller_gender", *lines) == gender


def test_whose_husband_it_is_is_only_offered() -> None:
    assert understood("我老公的工资没发。")["caller_gender"].confidence < 0.5
