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


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("别让隔壁那帮人对上号。", True),
        ("要让车间主任知道谁告的状，我就干不下去了。", True),
        ("转的时候把我的号码抹了行不行？", True),
        ("这事只能你们知道。", True),
        ("你们能查到是谁家漏的吗？", False),
        ("图纸、配方这些商业秘密要保密多少年？", False),
    ],
)
def test_it_is_the_act_that_counts(said: str, wanted: bool) -> None:
    assert (value("confidential", said) == "true") is wanted


def test_asked_back_the_question_stays_open() -> None:
    for answer, wish in (("那选吧。", "true"), ("哦，那不用。", "false")):
        assert value("confidential", MATTER, ASKS, "选了影响办理不？", "不影响。", answer) == wish
    lines = (MATTER, "您贵姓？", "这个可以不填吗？", "可以的。", "那就不填。")
    assert value("anonymous", *lines) == "true"


def test_who_wants_to_know_what_it_is_wants_nothing_else() -> None:
    lines = ("实名举报和匿名举报有什么不同？", "匿名不留姓名，不回复结果。", "明白了。")
    assert (value("anonymous", *lines), value("confidential", *lines)) == (None, None)
    asked = ("你们打电话都保密的吧？", "可以要求保密。")
    assert value("confidential", *asked, "知道了，没别的事。") != "true"
    assert value("confidential", *asked, "那好，镇上那家加油站往油里兑水，夜里两点来车卸货。") == "true"


def test_what_was_wished_is_taken_back() -> None:
    lines = ("这事要保密。", "好的，给您保密。什么事？", MATTER, "还有吗？", "保密取消吧，他们已经知道了。")
    assert value("confidential", *lines) == "false"
    lines = ("我要匿名。", "匿名的话没法回复您。", "那就写我姓蒋，给我回话。")
    assert value("anonymous", *lines) == "false"


def test_which_of_two_is_said_by_its_place() -> None:
    assert value("confidential", MATTER, "您看是保密还是公开？", "前面那个。") == "true"
    assert value("confidential", MATTER, "您看是保密还是公开？", "第二种。") == "false"
    assert value("confidential", MATTER, "您介意承办单位知道您的姓名吗？", "介意。") == "true"


def test_a_box_is_ticked_or_left() -> None:
    asks = "给您登记成保密件可以吧？"
    assert value("confidential", MATTER, asks, "可以可以。") == "true"
    assert value("confidential", MATTER, asks, "不用登成保密，正常转。") == "false"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("不登记我的信息可以吧？我说个黑诊所，在东关菜市场里头。", True), ("有人在群里匿名造谣，说我偷电。", False)],
)
def test_who_is_nameless_is_the_caller(said: str, wanted: bool) -> None:
    assert (value("anonymous", said) == "true") is wanted


@pytest.mark.parametrize(
    "said",
    [
        "店长不敢说是谁打的孩子。",
        "你们可别给我传错了单位。",
        "老板打击报复我，把我调去看大门。",
        "学校说不能透露监控内容。",
        "我怕得罪谁啊，你尽管查！",
    ],
)
def test_what_others_will_not_tell_and_harm_done_are_no_wish(said: str) -> None:
    assert value("confidential", said) != "true"


@pytest.mark.parametrize(
    "said",
    [
        "让他们别说出去就成，我还得在那摆摊。",
        "别让他们看出来是冲着举报去的。",
        "这个话不能从我嘴里出去。",
        "名字可以记，但别给菜市场的人。",
    ],
)
def test_what_the_caller_wants_others_not_to_tell_is_his_wish(said: str) -> None:
    assert value("confidential", said) == "true"


@pytest.mark.parametrize("answer", ["真名我就不给你了。", "叫我好心人就行。", "没名没姓，一个老百姓。"])
def test_who_gives_another_word_for_the_name_is_anonymous(answer: str) -> None:
    assert value("anonymous", MATTER, "您贵姓？", answer) == "true"
    assert value("anonymous", MATTER, "您贵姓？", "不用记那么细，小邵就行。") != "true"


def test_who_would_rather_not_be_written_down_and_then_tells_the_name_is_named_in_confidence() -> None:
    wish = "能不能不写我名字？我妈下个月还得去复查。"
    lines = (MATTER, "您希望怎么处理？", wish, "可以保密。您贵姓？", "姓蔺，蔺相如的蔺。")
    assert (value("anonymous", *lines), value("confidential", *lines)) == (None, "true")
    assert value("anonymous", *lines[:3]) == "true"


def test_who_gives_no_name_and_wants_to_be_called_is_not_nameless() -> None:
    asked = "好的，请问您贵姓？"
    assert value("anonymous", MATTER, asked, "名字就算了，留电话还不够吗，给我回话就行。") is None
    assert value("anonymous", MATTER, asked, "名字就算了。") == "true"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((MATTER, "给您设成宝蜜，您贵姓？", "姓周。"), "true"),
        ((MATTER, "好，给您写上保命，电话多少？", "就这个。"), "true"),
        ((MATTER, "您的信息需要宝蜜吗？", "保傻蜜呀，全村都知道。"), "false"),
    ],
)
def test_secrecy_is_known_by_its_sound(lines: tuple[str, ...], wanted: str) -> None:
    assert value("confidential", *lines) == wanted


def test_the_nameless_are_known_by_their_sound() -> None:
    assert value("anonymous", MATTER, "按泥名登记，来电号码不显示，可以吗？", "可以。") == "true"
    assert value("anonymous", "我想移民，护照在哪儿办？", "可以移民的手续请问出入境。", "好。") is None
