"""Whom it is about where the recogniser wrote the kind of firm or office in other characters of its sound."""

from __future__ import annotations

import pytest

from tests.asr.talks import value

WHICH = "请问是哪里的工地？"


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("你好，我要投诉，洗车电换老板了，卡里的钱不认了。", "请问是哪家店？"), "洗车店"),
        (("我们村北头有个厂子半夜排烟。", "叫什么名字？", "叫立原墓器厂，喷漆的味儿刺鼻。"), "立原木器厂"),
        (("楼下那工地又半夜干活。", WHICH, "写着银锦台校目博，半夜打混凝土。"), "银锦台项目部"),
        (("楼下那工地又半夜干活。", WHICH, "围档上写着门恒住建生，我下去找过他们。"), "恒住建设"),
        (
            ("疫苗等了两趟都没货。", "您想在哪个接种点打？", "北坪街道社区为生服物中心，去了都说等。"),
            "社区卫生服务中心",
        ),
        (("我投诉政政府，修路占了我家果园少算了树。", "您慢慢说。"), "镇政府"),
        (("举报个事，快过期的药擦了日期又卖。", "哪家店？", "南门有个康有康大药房。"), "康有康大药房"),
        (("户口迁不回来。", "是哪个派出所？", "清零派出所，两边顶着。"), "青岭派出所"),
        (("饭店欠我工钱。", "是哪家饭店？", "科创街，福满楼，我干了三个月。"), "福满楼"),
    ],
)
def test_a_kind_is_known_by_its_sound(lines: tuple[str, ...], subject: str) -> None:
    assert subject in (value("subject", *lines) or "")


@pytest.mark.parametrize("answer", ["二号楼，在科创街。", "就在办公楼，西边。", "五楼，我干了三个月。"])
def test_a_house_is_no_restaurant(answer: str) -> None:
    assert "楼" not in (value("subject", "饭店欠我工钱。", "是哪家饭店？", answer) or "")


def test_the_praised_driver_of_a_bus_is_not_the_firm_told_of_it() -> None:
    lines = ("我要夸夸一个师傅，我坐二十三路公交，头晕得站不住。", "您现在没事了吧？", "那个司机把车停稳了给我倒水。")
    assert value("subject", *lines, "好的。", "你跟公交公司说说，给人家表扬表扬。") == "23路公交司机"


@pytest.mark.parametrize(
    "said", ["市场监管部门说他们管。", "文化广场上天天跳舞。", "喂，是政府不是？", "证写得清清楚楚。"]
)
def test_words_that_only_happen_to_sound_like_a_kind_stay(said: str) -> None:
    found = value("subject", said, "请讲。") or ""
    assert not any(word in found for word in ("监管所", "文化馆", "市政府", "建筑"))


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("我想问价效不给退钱谁管。", "是哪家驾校？", "叫宏运价效，钱交了半年了。"), "宏运驾校"),
        (("楼下那工地又半夜干活。", WHICH, "围档上写着同盛见公，半夜打混凝土。"), "同盛建工"),
        (("有个厂子半夜放味儿。", "叫什么名字？", "横打，横打向胶，在村东头。"), "恒达橡胶"),
        (("我头塑移动营业听，乱开套餐。", "请讲。"), "移动营业厅"),
        (("那个丰马编程不退钱。", "奉马编程是吧，还剩多少课时费？", "对，六十节课，不给退。"), "马编程"),
    ],
)
def test_a_short_kind_and_the_name_before_it(lines: tuple[str, ...], subject: str) -> None:
    assert subject in (value("subject", *lines) or "")


@pytest.mark.parametrize(
    "lines",
    [
        ("楼下饭店油烟大。我打过一回，你们转到住建局，住建局说不归他们。", "给您添麻烦了。"),
        ("我反映噪音。", "请问您贵姓？", "我叫展健建设，建设的建设。"),
        ("我不是投诉，我就想打听打听老楼装电梯的事儿。", "您好，请讲。"),
        ("我的快递丢了。", "快递单号您有吗，是哪家快递公司？", "鱼丁山。"),
        ("雨一大卧室就漏。", "几号楼？", "门上的牌是五连按，顶层。"),
    ],
)
def test_what_is_no_firm_is_not_taken_for_one(lines: tuple[str, ...]) -> None:
    assert value("subject", *lines) is None
