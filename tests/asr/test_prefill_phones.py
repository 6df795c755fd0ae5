"""Numbers put right in the middle, taken back, spare ones, somebody else's, and those the operator holds."""

from __future__ import annotations

import pytest

from tests.asr.talks import OWN_NUMBER, understood, value, words

MATTER = "我家楼下路灯不亮。"
ASKED = "您的联系电话是多少？"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("幺六四，三三幺二……错了错了，三三二幺，六零五四。", "16433216054"),
        ("幺五四，六三三……等我看看背面，幺五四，六三三二，八零九五。", "15463328095"),
        ("幺六四五五零九，七幺……七二八二。", "16455097282"),
        ("幺六四五五零九七幺八三，啊不，幺八二。", "16455097182"),
        ("幺六四五五零九七幺八三，最后一位是二，不是三。", "16455097182"),
        ("幺六四，五五零，六六，三个八。", "16455066888"),
        ("幺六四五五零九七幺八二，这是我的；对方的是幺五四三三零六幺七零九。", "16455097182"),
        ("这是公司座机，下班没人接，你打我手机，幺五四六六二零幺零三四。", "15466201034"),
        ("就打这个，打不通再打我手机，幺五四六六二零幺零三四。", OWN_NUMBER),
        ("你就打俺这个，打不通就打支书李大牛的，幺五四六零四七二二九三。", OWN_NUMBER),
        ("记另外一个，幺六四，零五五，二七七，八四，不对，那个停机了，还是这个，你们显示的这个。", OWN_NUMBER),
    ],
)
def test_the_number_meant_in_the_end_is_taken(said: str, number: str) -> None:
    assert value("contact_phone", MATTER, ASKED, said) == number


def test_a_number_on_the_operators_screen_counts_once_agreed_to() -> None:
    asked = "您登记的电话是幺六四五五零九七幺八二，对吗？"
    assert value("contact_phone", MATTER, asked, "对。") == "16455097182"
    assert value("contact_phone", MATTER, asked, "不是，就打现在这个号。") == OWN_NUMBER


def test_a_spare_number_the_operator_repeats_stays_a_spare_one() -> None:
    lines = (MATTER, ASKED, "就打俺这个，打不通就打村长老李的，幺五四六零四七二二九三。")
    assert value("contact_phone", *lines, "先打您这个，备用是幺五四六零四七二二九三。") == OWN_NUMBER


def test_what_the_operator_reads_back_whole_is_the_number_unless_put_right() -> None:
    said = "幺五四，七七九二，八三三幺……等会儿啊，末了是三一，幺三三幺。"
    read = "幺五四七七九二幺三三幺，对吗？"
    assert value("contact_phone", MATTER, ASKED, said, read, "对。") == "15477921331"
    assert value("contact_phone", MATTER, ASKED, "幺五四七七九二八三三幺。", read, "后四位八三三幺。") == "15477928331"


def test_a_digit_that_was_missing_is_heard_by_the_operator() -> None:
    lines = (MATTER, ASKED, "幺五四，七七零二，三三六。", "这才十位，好像少一位？", "哦，末了还有个八，三三六八。")
    assert value("contact_phone", *lines, "幺五四七七零二三三六八，齐了。") == "15477023368"


def test_an_answer_to_this_number_names_it_and_a_borrowed_phone_is_no_callers() -> None:
    assert value("contact_phone", MATTER, "结果怎么告诉您？", "写匿名，查完给这号发条短信。") == OWN_NUMBER
    lines = (
        MATTER,
        "怎么称呼您？",
        "匿名吧，别打过来，这是我同学的手机。",
        "好的，不回电，也不显示来电号码。",
        "嗯嗯。",
    )
    assert value("contact_phone", *lines) is None


def test_a_number_that_lost_a_digit_on_the_way_is_the_one_they_call_from() -> None:
    lines = (MATTER, ASKED, "六六零，四零九二六。", "1540011223，登记了。", "好。")
    phone = understood(*lines)["contact_phone"]
    assert (phone.value, words(phone, *lines)) == (OWN_NUMBER, ["六六零，四零九二六", "1540011223"])
    lines = (MATTER, ASKED, "六六零，四零九二六。", "1551011224，登记了。", "好。")
    assert value("contact_phone", *lines) != OWN_NUMBER


def test_a_digit_too_many_read_back_is_found_by_the_end_that_was_said() -> None:
    lines = (MATTER, ASKED, "礼器1.166.880，7713，白天打。", "164880271713，白天联系。", "好。")
    assert value("contact_phone", *lines) == "16488027713"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("电话由五四，次六二零，是九起三。", "15446204973"),
        ("有五四二六要三八零五五，谢谢。", "15426138055"),
        ("我的是115493365507。", "15493365507"),
        ("幺五四，六六二零，一零三……哎呀，就打这个手机号。", OWN_NUMBER),
    ],
)
def test_digits_written_as_words_of_their_sound_are_digits(said: str, number: str) -> None:
    assert value("contact_phone", MATTER, ASKED, said) == number


@pytest.mark.parametrize("said", ["电话00112233。", "又是0112233。", "154000112233。"])
def test_a_number_that_is_the_caller_id_but_for_a_slip_is_the_caller_id(said: str) -> None:
    assert value("contact_phone", MATTER, ASKED, said) == OWN_NUMBER


@pytest.mark.parametrize("read_back", ["", "15400112833，对吧？"])
def test_a_whole_number_is_no_slip_however_near_the_caller_id(read_back: str) -> None:
    assert value("contact_phone", MATTER, ASKED, "15400112833。", read_back, "对。") == "15400112833"
    assert value("contact_phone", MATTER, ASKED, "记我爱人的，15466281034。") == "15466281034"


def test_what_the_operator_read_back_stands_though_the_yes_was_heard_as_a_no() -> None:
    lines = (MATTER, ASKED, "别打这个号，打我自己的，11561140295。", "先生，15461140295对班？")
    assert value("contact_phone", *lines, "不对，补发的话告诉我一声。") == "15461140295"
    assert value("contact_phone", *lines, "不对，是六零二九五。") != "15461140295"


def test_digits_begun_again_after_a_breath_count_once() -> None:
    said = "电话记这个，幺五四，七，七七幺九，二零四六，别打我爸那个"
    assert value("contact_phone", "路灯不亮", "您的电话是多少？", said, "好的") == "15477192046"


def test_this_one_points_on_to_the_number_that_is_said_next_and_not_to_the_line() -> None:
    """A digit of it was lost: the caller id is offered at most."""
    said = "电话记这个，幺五四，七七幺九，二零四"
    assert understood("路灯不亮", "您的电话是多少？", said, "好的")["contact_phone"].confidence <= 0.5
