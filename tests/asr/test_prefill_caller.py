"""Name, gender, phone, confidential and anonymous, as callers say them."""

from __future__ import annotations

import pytest

from tests.asr.talks import OWN_NUMBER, understood, value, words

ASKED = "好的，请问您贵姓？"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我姓郝", "郝"),
        ("免贵姓尹。", "尹"),
        ("我姓马，叫马建军。", "马建军"),
        ("我姓苗，苗雨彤，上学生。", "苗雨彤"),
        ("我叫李卫东。", "李卫东"),
        ("我叫张丽华电话一五四二二零三三四四五", "张丽华"),
        ("叫我小宋吧，宋佳怡。", "宋佳怡"),
        ("就写郝女士吧", "郝"),
        ("姓欧阳，欧阳修的欧阳。", "欧阳"),
        ("王，三横王。", "王"),
        ("张国强。", "张国强"),
        ("我是王建国。", "王建国"),
    ],
)
def test_the_caller_says_the_name_when_asked(said: str, name: str) -> None:
    assert value("caller_name", "我家停水了。", ASKED, said) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("免贵姓柴，柴火的柴，柴秀兰。", "柴秀兰"),
        ("免贵姓才，柴火的柴。", "柴"),
        ("我叫施情，施工的施，晴天的晴。", "施晴"),
        ("我姓章，弓长张。", "张"),
        ("我姓里，木子李。", "李"),
        ("姓佘，不是余，是佘太君的佘。", "佘"),
        ("姓郗，就是希望的希那边加个耳朵旁。", "郗"),
    ],
)
def test_spelling_talk_decides_between_names_that_sound_alike(said: str, name: str) -> None:
    assert value("caller_name", "我家停水了。", ASKED, said) == name


def test_the_operator_may_ask_which_character_later() -> None:
    lines = ("我家停水了。", ASKED, "我叫王静。", "哪个静？", "安静的静。")
    assert value("caller_name", *lines) == "王静"


@pytest.mark.parametrize(
    "said",
    [
        "饭店经理姓尉迟，复姓尉迟，叫尉迟刚。",
        "户主姓韩，我不知道名字。",
        "有个小姑娘叫于婷婷，人特别好。",
        "他姓刘，在二楼住。",
        "我叫了物业，没人来。",
        "我是外地的，来旅游的。",
        "我是高二学生的家长。",
        "我是房东，租客跑了。",
        "我叫救护车叫不来。",
        "包工头叫孟大奎，电话也不接。",
    ],
)
def test_other_people_and_other_words_are_not_the_callers_name(said: str) -> None:
    assert value("caller_name", said) is None


def test_the_answer_to_what_the_old_man_is_called_is_not_the_callers_name() -> None:
    lines = ("我替楼下老人问低保。", "老人叫什么，住哪里？", "叫崔美兰，我住她楼上，我姓古，古代的古。")
    assert value("caller_name", *lines) == "古"


def test_a_corrected_name_wins() -> None:
    lines = ("我家停水了。", ASKED, "姓程，不对，姓陈，耳东陈。")
    assert value("caller_name", *lines) == "陈"


def test_the_operators_address_raises_confidence_and_shows_the_gender() -> None:
    alone = understood("我家停水了。", ASKED, "我姓郭。")
    echoed = understood("我家停水了。", ASKED, "我姓郭。", "郭先生您好。")
    assert echoed["caller_name"].confidence > alone["caller_name"].confidence
    assert "caller_gender" not in alone
    assert echoed["caller_gender"].value == "男"


def test_an_old_lady_is_addressed_as_one() -> None:
    assert value("caller_gender", "我问养老金认证。", "大娘您听我说，可以让家里人办。", "哦。") == "女"


def test_relatives_only_hint_at_the_gender() -> None:
    assert understood("我老公把钱转走了。")["caller_gender"].confidence < 0.75


def test_evidence_of_a_name_is_the_name() -> None:
    lines = ("我家停水了。", ASKED, "免贵姓柴，柴火的柴，柴秀兰。")
    assert words(understood(*lines)["caller_name"], *lines) == ["柴", "柴秀兰"]


# phone ----------------------------------------------------------------------------------------------------------------
ASKED_PHONE = "请问您的联系电话是多少？"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("幺五四，三三零六，幺七零九。", "15433061709"),
        ("15433061709", "15433061709"),
        ("要五四三三零六要七零九", "15433061709"),
        ("1 5 4 3 3 0 6 1 7 0 9", "15433061709"),
        ("零三九九，五五五，六零一二", "03995556012"),
        ("你记一下，一五四，嗯，二二八三，七七一四", "15422837714"),
        ("一五四二二八三七七一四，一五四二二八三七七一四", "15422837714"),
        ("１５４２２８３７７１４", "15422837714"),
    ],
)
def test_a_number_is_taken_as_said_in_groups(said: str, number: str) -> None:
    assert value("contact_phone", "我家停水了。", ASKED_PHONE, said) == number


def test_a_number_cut_over_several_turns_is_one() -> None:
    lines = ("我家停电了。", ASKED_PHONE, "幺六四", "嗯", "九零三三", "好的", "二二七八")
    suggestion = understood(*lines)["contact_phone"]
    assert suggestion.value == "16490332278"
    assert words(suggestion, *lines) == ["幺六四", "九零三三", "二二七八"]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("电话幺六四……哎不是，那是我老公的，你记我的，幺五四，二二九零，四四四七。", "15422904447"),
        ("15433008812，不对，最后是二一，15433008821。", "15433008821"),
        ("一五四二二九零四四四七，哦不对，后四位是四四四八。", "15422904448"),
    ],
)
def test_a_corrected_number_wins(said: str, number: str) -> None:
    assert value("contact_phone", "我家停水了。", ASKED_PHONE, said) == number


@pytest.mark.parametrize(
    "said",
    [
        "快递单号是七七零二三五九九一零四八八，没收到。",
        "骗子的电话是一五四二二八三七七一四。",
        "他们医院电话是零三九九五五二零零零零，没人接。",
        "我打过一二三四五，也打过一一零。",
        "身份证号是一四零五零二一九八零零一零一一二三四。",
        "工单号二零二五零五零六零零三七。",
        "一共一万五千四百块钱。",
    ],
)
def test_other_numbers_are_no_number_to_call_back(said: str) -> None:
    assert value("contact_phone", said) == OWN_NUMBER


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("联系电话就是您现在打的这个吗？", "对。"),
        (ASKED_PHONE, "就这个号。"),
        (ASKED_PHONE, "就打这个吧。"),
        ("电话留谁的合适？", "留我的吧，就打这个，她接不着。"),
        ("就用您现在的座机吗？", "对，座机，家里一直有人。"),
    ],
)
def test_this_number_means_the_caller_id(question: str, answer: str) -> None:
    suggestion = understood("我家停水了。", question, answer)["contact_phone"]
    assert suggestion.value == OWN_NUMBER
    assert suggestion.confidence > 0.9
    assert suggestion.evidence


def test_the_caller_id_serves_until_another_number_is_said() -> None:
    suggestion = understood("我家停水了。", caller_number="+86 154 0011 2233")["contact_phone"]
    assert suggestion.value == OWN_NUMBER
    assert suggestion.evidence == ()
    assert 0.75 <= suggestion.confidence < 0.9


def test_a_refused_caller_id_is_only_offered() -> None:
    lines = ("我家停水了。", "联系电话是您现在打的这个吗？", "不是，这是公司电话。")
    assert understood(*lines)["contact_phone"].confidence < 0.5


def test_half_a_number_leaves_doubt_about_the_caller_id() -> None:
    assert understood("我家停水了。", ASKED_PHONE, "幺五四二二零三三四")["contact_phone"].confidence < 0.75


@pytest.mark.parametrize("withheld", ["", "anonymous", "unknown", "110"])
def test_a_withheld_caller_id_gives_no_phone(withheld: str) -> None:
    assert value("contact_phone", "我家停水了。", caller_number=withheld) is None


def test_what_the_operator_read_back_helps_where_a_digit_was_lost() -> None:
    lines = ("我家停水了。", ASKED_PHONE, "幺五四三三零六幺七零", "幺五四三三零六幺七零九，对吗？", "对。")
    assert value("contact_phone", *lines) == "15433061709"


def test_a_read_back_number_is_surer_and_a_different_one_less_sure() -> None:
    said = ("我家停水了。", ASKED_PHONE, "幺五四三三零六幺七零九")
    plain = understood(*said)["contact_phone"].confidence
    assert understood(*said, "幺五四三三零六幺七零九，好的。")["contact_phone"].confidence > plain
    assert understood(*said, "幺五四三三零六幺七零八，好的。")["contact_phone"].confidence < plain


# confidential, anonymous ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "给我保密啊，别让厂里知道。",
        "你们可千万不敢跟他说是谁反映的。",
        "别告诉他们是我说的。",
        "学校能知道是谁打的不？",
        "怕老师给孩子穿小鞋。",
        "不要透露我的电话。",
        "我怕他打击报复。",
    ],
)
def test_who_fears_to_be_known_is_confidential(said: str) -> None:
    assert value("confidential", "我反映个事。", "请讲。", said) == "true"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("需要。", "true"),
        ("要，最好保密。", "true"),
        ("不用保密。", "false"),
        ("不需要。", "false"),
        ("没啥可保密的。", "false"),
    ],
)
def test_asked_about_confidence_yes_and_no_count(answer: str, wanted: str) -> None:
    assert value("confidential", "我家停水了。", "您的个人信息需要保密吗？", answer) == wanted


@pytest.mark.parametrize(
    "said",
    ["我在保密局上班，想问社保。", "合同里有保密协议。", "骗子打的匿名电话。", "我家停水了。", "我不怕他报复。"],
)
def test_talk_of_secrets_is_not_a_wish_for_one(said: str) -> None:
    assert value("confidential", said) in (None, "false")
    assert value("anonymous", said) in (None, "false")


@pytest.mark.parametrize(
    "said",
    [
        "我举报个事儿，能不能不留名？",
        "我匿名举报，有人赌博。",
        "姓什么就不用写了吧。",
        "我姓什么也先别写。",
        "名字就不说了。",
        "我不方便透露姓名。",
    ],
)
def test_who_gives_no_name_is_anonymous_and_confidential_and_has_no_phone(said: str) -> None:
    found = understood("有人赌博。", ASKED, said)
    assert found["anonymous"].value == "true"
    assert found["confidential"].value == "true"
    assert "contact_phone" not in found
    assert "caller_name" not in found


def test_an_anonymous_caller_who_wants_an_answer_keeps_the_number() -> None:
    lines = ("我举报学校收费，我姓什么先别写。", "需要回复吗？", "要，给我发短信吧，就这个号。")
    found = understood(*lines)
    assert found["anonymous"].value == "true"
    assert found["contact_phone"].value == OWN_NUMBER


def test_who_reports_under_their_name_is_not_anonymous() -> None:
    found = understood("我实名举报，厂子偷排。", ASKED, "我叫裴海涛。")
    assert found["caller_name"].value == "裴海涛"
    assert found.get("anonymous") is None or found["anonymous"].value == "false"


def test_who_declines_to_say_the_name_is_anonymous() -> None:
    found = understood("村里路上晒玉米。", "您贵姓？", "不说了吧，都是一个村的。")
    assert found["anonymous"].value == "true"


def test_the_name_of_someone_praised_is_not_the_callers() -> None:
    assert value("caller_name", "我要感谢一个护士。", "您知道她的姓名吗？", "田慧敏。") is None
