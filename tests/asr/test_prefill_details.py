"""Sums worked out in the talk, people counted, earlier calls, and who wants an answer."""

from __future__ import annotations

import pytest

from tests.asr.talks import understood, value

MATTER = "我反映个事。"


@pytest.mark.parametrize(
    ("lines", "amount"),
    [
        (("合同总共三十一万二，付过九万，剩下二十二万二，一分没见。",), "222000"),
        (("合同四十六万，付过两笔，一共二十六万。", "那还欠二十万，对吗？", "对，二十万。"), "200000"),
        (("先转了八千，又转了五千，拢共一万三。",), "13000"),
        (("标价五千八，实收四千六，写的是优惠价。",), "4600"),
        (("收了五百二……不对，五百二是检查费，救护车是七百六，七百六。", "救护车费七百六。", "对。"), "760"),
        (("护理补贴一个月一百二，七八九三个月没来，三百六。",), "360"),
        (("我问下车费。", "一学期收多少车费？", "九百。涨了，原先七百五。"), "900"),
        (("不是六千，是六千五。", "好的，6500元。", "嗯。"), "6500"),
        (("电梯坏了。", "您怎么称呼？", "我姓万，一万块钱的万。"), None),
        (("房上掉了两块土坯，吓人。",), None),
        (("停车才两个钟头要我四十八，定价，五块。", "收了四十八元，有票吗？", "没有，撕了。"), "48"),
        (("手机三千六买的，两天黑屏。",), "3600"),
        (("网上买的床垫，一千九百九十九，假的。",), "1999"),
        (("打车的，一口价，九十。",), "90"),
        (("扣了二百三，把多扣的一百二退回来。",), "120"),
        (("看病花了九千一，他说给三千块就拉倒。",), "9100"),
        (("他撞坏门，八百块一分没给。",), "800"),
        (("补课一学期七百，不交就罚站。",), "700"),
        (("办证要多少钱？", "工本费四十元。", "四十，行。"), None),
        (("退学费。", "交了多少？", "交了三千……三千二百八。"), "3280"),
        (("开发商拖着。", "购房款您交了多少？", "首付二十八万五，一分没欠他。"), "285000"),
        (("一万二的课上了没几节就黄了。",), "12000"),
        (("一共两千户，四百电话打不通，甜瓜三块五。",), None),
    ],
)
def test_the_sum_the_matter_is_about(lines: tuple[str, ...], amount: str | None) -> None:
    assert value("amount_yuan", *lines) == amount


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        (("一块干的十三个人，一个结过走了，十二个人加一块三万。", "十二个人三万元。", "对。"), "12"),
        (("我们一家五口，孩子发烧退的房。",), "5"),
        (("这事我问了三个人，三个说法。",), None),
        (("报的团，十八个，呃，后来添了家属，二十个人。", "多少人？", "二十个人。"), "20"),
        (("还有别的会员吗？", "还有其他会员吗？", "群里二十九个人，不对，连我三十一个。"), "31"),
        (("撞了，老两口都在地上。", "货车撞三轮，两人受伤。", "对。"), "2"),
        (("补贴没给我。", "您怎么称呼，几口人住？", "姓景，家里四口人。"), None),
    ],
)
def test_how_many_people_it_is_about(lines: tuple[str, ...], count: str | None) -> None:
    assert value("people_count", *lines) == count


def test_who_called_before_called_twice_unless_more_are_counted() -> None:
    assert value("repeat_count", "上回我反映过这个，没人来。") == "2"
    assert value("repeat_count", "我反映过。", "第几次了？", "加上今天三回，第二回还是上周。") == "3"
    assert value("is_repeat", "派出所头一回说没有，第二回又说要材料。") is None
    assert value("is_repeat", "你们转给他领导就行，表扬一下。") is None


def test_only_a_refused_answer_is_none() -> None:
    asked = "办结后给您回复，您看还有别的吗？"
    assert value("reply_required", MATTER, "结果需要回复您吗？", "不用，看得见。") == "false"
    assert value("reply_required", MATTER, asked, "没断电，别的没有。") != "false"


def test_the_phone_of_a_relative_is_noted() -> None:
    found = understood(MATTER, "电话留哪个？", "打我外甥的，幺六四，三三二幺，六零五四。")
    assert found["contact_note"].value == "电话为外甥电话"
    assert found["contact_phone"].value == "16433216054"


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("路灯不亮，前几天给你们打过一回了。", "true"),
        ("路灯不亮，又打过来麻烦你们了。", "true"),
        ("物业不敢锯，我这才给你们打的电话。", None),
        ("没打过，这是头一次打。今年坏了三回了。", None),
        ("他把日期擦了，又打一个上去。", None),
        ("我打过一回县残联，说要凑够人数。", None),
    ],
)
def test_a_call_again_is_to_us_and_was_made(said: str, repeated: str | None) -> None:
    assert value("is_repeat", said) == repeated


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("他们让我赔600块钱。", "600"),
        ("培训费收了5,2，现在不给退钱。", "5200"),
        ("办的卡没法用了，还剩960，不给退钱。", "960"),
        ("就靠100来块钱过日子。", None),
        ("丢了东西找了一千，没人管。", None),
    ],
)
def test_sums_as_a_recogniser_writes_them(said: str, amount: str | None) -> None:
    assert value("amount_yuan", said, "好的。") == amount
