"""Who wants to stay unknown, asked or not, and who does not mind."""

from __future__ import annotations

import pytest

from tests.asr.talks import understood, value

MATTER = "我家楼下饭店油烟大。"
ASKS = "您的个人信息需要保密吗？"


@pytest.mark.parametrize(
    "said",
    [
        "我举报个事，可不能让村主任晓得是我打的。",
        "到时候来人别说是有人投诉的，就说日常检查。",
        "你们查归查，别把我给抖搂出来啊。",
        "我怕他回头给我使绊子。",
        "厂里要是知道是我，饭碗就没了。",
        "我这信息不会给他们看吧？",
        "名字电话你们自己留着，别给施工方。",
        "我孩子还在他班上呢，千万别提孩子名字。",
        "这个电话打了，老板不会知道吧？",
        "我不方便露面。",
    ],
)
def test_a_caller_says_unasked_that_nobody_is_to_know(said: str) -> None:
    assert value("confidential", said) == "true"


@pytest.mark.parametrize(
    "answer",
    [
        "那最好了。",
        "保吧，都是街坊。",
        "你给我选上吧。",
        "哎呀，这个……还是要吧。",
        "能不说就不说。",
        "我姓王，要保密的。",
        "不用吧……算了，还是保密，天天见面。",
    ],
)
def test_asked_the_caller_wants_it(answer: str) -> None:
    assert value("confidential", MATTER, ASKS, answer) == "true"


@pytest.mark.parametrize(
    "answer",
    [
        "保啥密啊，全村都知道。",
        "保密就不必了，一看就知道是我。",
        "没事，你写上我名字。",
        "我又没做亏心事，怕啥。",
        "爱咋咋地，无所谓。",
        "我姓周，不用。",
        "不怕，他还能把我怎么着。",
        "公开就行。",
        "就让他知道是我告的。",
    ],
)
def test_asked_the_caller_does_not_mind(answer: str) -> None:
    assert value("confidential", MATTER, ASKS, answer) == "false"


@pytest.mark.parametrize(
    "said",
    [
        "别给我说什么设备检修。",
        "物业不让业主知道账目。",
        "我之前投诉过，物业找我麻烦，停我的水。",
        "骗子让我别告诉家里人。",
        "查到是谁家漏的水了吗？",
        "我的电话别记错了。",
        "能不能看到我的养老金？",
        "他们不登记名字就放人进。",
    ],
)
def test_what_others_hide_and_mere_words_of_hiding_are_no_wish(said: str) -> None:
    assert value("confidential", said) != "true"
    assert value("anonymous", said) != "true"


def test_the_operator_who_ticks_the_box_says_what_was_agreed() -> None:
    lines = ("校车超员。", "您向学校反映过吗？", "可别报我孙女的名儿。")
    assert value("confidential", *lines, "好的，给您选上保密。") == "true"
    assert value("confidential", MATTER, "您贵姓？", "姓周。", "好的，那就不做保密了。") == "false"
    offered = (MATTER, "您可以要求保密，请问是哪家饭店？", "老马家。")
    assert value("confidential", *offered) != "true"
    assert value("confidential", MATTER, "您可以要求保密，请讲。", "那行，我说。") == "true"


def test_asked_the_other_way_round_a_yes_is_openness() -> None:
    asks = "您的电话可以告诉商家吗？"
    assert value("confidential", MATTER, asks, "可以，让他打给我。") == "false"
    assert value("confidential", MATTER, asks, "不可以，别告诉他。") == "true"


@pytest.mark.parametrize(
    "answer", ["能不能不说？", "你就写热心市民吧。", "叫什么不重要，你们去查就行。", "名字空着吧。", "这个我不能说。"]
)
def test_who_gives_no_name_at_all_is_anonymous(answer: str) -> None:
    assert value("anonymous", "我举报有人赌博。", "您贵姓？", answer) == "true"


@pytest.mark.parametrize(
    "answer", ["姓王，名字就不用写了吧。", "叫我陈先生吧，耳东陈，名字就免了。", "免贵姓赵，全名不方便说。"]
)
def test_who_tells_a_surname_withholds_only_the_rest(answer: str) -> None:
    found = understood("昨天有人烧秸秆。", "您贵姓？", answer)
    assert "anonymous" not in found
    assert "caller_name" in found


def test_a_surname_told_to_be_left_out_too_is_anonymous() -> None:
    assert value("anonymous", "我姓王，匿名举报个事。") == "true"
    lines = ("我举报收费。", "您贵姓？", "姓王……算了，匿名吧。", "好的，按匿名登记。")
    assert value("anonymous", *lines) == "true"


def test_who_is_in_a_hurry_hides_nothing() -> None:
    assert value("anonymous", "路塌了，水往外喷。", "方便留个称呼吗？", "先别管我叫啥了，快来人。") != "true"


def test_who_asks_first_not_to_be_put_down_stays_out() -> None:
    lines = ("我举报一个厂子，你们先说，能不能不留我的号？", "可以匿名，您请讲。", "半夜偷着冒烟。")
    assert (value("anonymous", *lines), value("confidential", *lines)) == ("true", "true")


def test_who_only_asks_and_leaves_no_name_hides_nothing() -> None:
    lines = ("我问个政策，高龄补贴怎么领？", "方便留一下您的姓名吗？", "不用留了吧，我就问问。")
    assert value("anonymous", *lines) != "true"


def test_to_have_been_forgotten_is_no_secret() -> None:
    assert value("confidential", "到底是谁把俺漏了，得有人给查一查。") != "true"
    assert value("confidential", "要是谁把我说出去可不行。") == "true"
