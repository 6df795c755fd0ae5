"""Whom a talk is about: the part a name plays decides, not that it is named."""

from __future__ import annotations

import pytest

from tests.asr.talks import value


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("在旺年干果店买的核桃都是哈喇的。", "店在哪里？", "劳动路上。"), "旺年干果店"),
        (("孩子报的辅导班跑了。", "机构叫什么名字？", "启航，起飞那个启，航空的航，启航教育。"), "启航教育"),
        (("我家的地底下让永兴煤业给掏空了。",), "永兴煤业"),
        (("我们村修路的钱一直没给我们。", "欠款单位是哪个？", "欠钱的是东岭镇政府。"), "东岭镇政府"),
        (("医院不给复印病历。", "哪家医院？", "市二院，我跑三趟了。"), "市二院"),
        (("楼下饭店油烟大。", "饭店叫什么名字？", "叫那个，老牛家烤串。"), "老牛家烤串"),
        (("屋里十四度。", "您是哪个小区，暖气多久不热了？", "丹河湾，供热公司说管道没事。"), "供热公司"),
    ],
)
def test_a_firm_or_an_office_that_is_complained_of(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("盖库房的工钱要不来，包工头叫吉大勇。",), "吉大勇（包工头）"),
        (("地界让人挪了。", "邻居叫什么？", "邻居叫牛占山，前天挪的。"), "牛占山"),
        (("我想给我大爷问问救助。", "老人叫什么名字？", "焦有粮，七十多了。"), "焦有粮"),
        (("我要表扬一个交警，帮我推车。", "他叫什么您知道吗？", "胸前那个牌牌，我看了，焦远航。"), "焦远航"),
        (("窗口的人态度恶劣。", "工作人员有胸牌吗？", "十九号窗口，胸排上写的是零五三。"), "053"),
        (("我投诉个交警，骂人。", "看见警号没有？", "警号是 JX零二一五。"), "JX0215"),
        (("有人偷偷收狗。", "是谁家？", "院主大家都叫他三胖。"), "三胖（院主）"),
    ],
)
def test_a_person(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("打车不打表。", "是出租车吗，车牌看到没有？", "出租车，就看见尾号，三七幺五。"), "出租车（车尾号3715）"),
        (("楼上装修吵得没法睡。", "您住哪里？", "怡景苑三号楼一单元二零二，楼上三零二。"), "怡景苑3号楼1单元302住户"),
        (("公交甩站。", "几路车？", "二十六路，不对，不是二十六路，是二十八路。"), "28路"),
    ],
)
def test_a_vehicle_and_a_door(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    "lines",
    [
        ("滨河中学门口的路灯三天没亮了。", "具体哪一段？", "从加油站到中学门口。"),
        ("我是纺织厂退休的，家里下水道堵了。",),
        ("我想问一下高龄津贴怎么办。", "老人多大？", "八十了，住养老院。"),
        ("单子上写的六零幺，其实是六零二。",),
        ("村里叫各家兑钱修井。",),
        ("这是快递公司吧？", "这里是12345。", "哦，打错了。"),
    ],
)
def test_what_only_says_where_is_no_subject(lines: tuple[str, ...]) -> None:
    assert value("subject", *lines) is None


def test_the_callers_own_business_is_not_complained_of() -> None:
    said = ("我们是开饭馆的，停水两天了。", "饭馆叫什么，在哪里？", "福聚园饭馆，中兴街上，自来水公司也不来人。")
    assert value("subject", *said) == "自来水公司"


def test_who_is_only_called_back_is_no_subject() -> None:
    lines = ("自来水发黄。", "您贵姓，电话多少？", "姓吕，电话打我爱人的，他叫焦建军，幺五四四四三三二二幺幺。")
    assert "焦建军" not in (value("subject", *lines) or "")


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("楼顶漏水，材料三月就交到街道办了，一直等着没下文。",), "街道办"),
        (("怡景苑的消防通道让物业给锁了，说怕丢电动车。", "您找过物业吗？", "找了，物业说再等等。"), "怡景苑物业"),
        (("水管爆了半个月，村委会说这归水利站管；水利站又说早移交了。",), "村委会、水利站"),
        (("公积金贷款批下来不放款，我问公积金中心，人家说等流程。",), "公积金中心"),
        (("投诉一家培训班。", "叫什么名字？", "飞跃轮滑，退费拖了俩月。"), "飞跃轮滑"),
        (("电费涨了。", "收费的是哪家？", "以前叫顺和物业，上月换成汇丰商管了，汇总的汇。"), "汇丰商管"),
        (("给人点个赞，派出所有个姓仲的民警，叫仲启明。",), "仲启明（民警）"),
        (("占道卖菜的，三轮车上喷着“大刘果蔬”，天天堵门。",), "大刘果蔬"),
    ],
)
def test_who_refuses_delays_or_has_the_papers(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    "lines",
    [
        ("路灯不亮，那块牌子都叫雨冲沟里了。",),
        ("想买个保险，问问年龄有没有限制。", "您咨询哪种？", "普通的，我自己上。"),
        ("我家漏水。", "物业看过吗？", "物业来修了一回，修好了，又漏了。"),
    ],
)
def test_what_is_done_to_a_thing_or_was_done_well_is_no_subject(lines: tuple[str, ...]) -> None:
    assert value("subject", *lines) is None


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (
            ("有人把我撞了。", "车牌看清没有？", "面包车，就看见个四M幺。", "尾号4M1，对吗？", "对。"),
            "面包车（车尾号4M1）",
        ),
        (("我问养老金的事，社保局让我去银行，银行说没到账，又让我回社保局。",), "社保局、银行"),
        (("孩子上的小太阳幼儿园，伙食费涨了也不开会说。", "在哪条街？", "学院街。"), "小太阳幼儿园"),
        (("一个叫宝贝乐园的游乐场，滑梯把孩子胳膊夹了。",), "宝贝乐园"),
        (("创业补贴没到账，丹河区人社局说再等等。", "公司叫什么，您的姓名？", "云帆文创，我姓仲。"), "丹河区人社局"),
    ],
)
def test_by_the_grammar_of_the_turn_and_what_was_asked(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("我在欣明眼镜配的近视镜，戴上头晕，去退吧，人家说概不退换。",), "欣明眼镜"),
        (("在聚福楼办的喜酒，菜都是馊的。",), "聚福楼"),
        (("家里装修找的是鲁班装饰，交了六万，干到一半人撤了。",), "鲁班装饰"),
        (("办了张卡，八千八，就丽人那个美容院，退不了。",), "丽人美容院"),
        (
            ("我们是小企业，做保温的，叫晨光建材。", "请问欠款的是哪家单位？", "丹河区第三中学，去年就验收了。"),
            "丹河区第三中学",
        ),
        (("跟着一个包工头干活，焦大勇，他欠我八千块工钱。",), "焦大勇（包工头）"),
        (("乡卫生院那个孙大夫给我开错药了。",), "孙大夫"),
        (("我给我弟弟打的，补贴停了。", "您弟弟叫什么？", "柴小军，住怡景苑。", "您贵姓？", "也姓柴。"), "柴小军"),
        (("有个面包车，超载拉孩子。", "车牌号看清了吗？", "前头没看清，尾数是二二M八。"), "面包车（车尾号22M8）"),
        (("我住怡景苑五号楼一单元五零二，楼上六零二天天半夜拖桌子。",), "怡景苑5号楼1单元602住户"),
        (("工钱要不来，我想问问你们管不管？", "是哪家欠的？", "包工头姓仲，叫仲建军。"), "仲建军（包工头）"),
    ],
)
def test_named_in_passing_and_taken_up_by_what_follows(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject


@pytest.mark.parametrize(
    "lines",
    [
        ("六号楼前的污水井往外冒。", "跟物业说过吗？", "说了，我们是老宿舍，没有正经物业，留守处的人说他们没钱掏。"),
        ("上次反映怡景苑漏雨，办结了，根本没人来，我对你们答复不满意，物业说压根没接到过单子。",),
        ("我提个建议，滨河公园里加几张椅子。",),
        ("人民路那个地道桥又积水了。", "具体哪里？", "铁路底下那个，挨着万佳家电，往东就是汽车站。"),
        ("手机丢公交站了，我等三路车的时候放椅子上的。",),
    ],
)
def test_who_is_only_asked_on_the_way_is_no_subject(lines: tuple[str, ...]) -> None:
    assert value("subject", *lines) is None


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (("快递放驿站也不说一声。", "哪家快递？", "顺丰的。"), "顺丰"),
        (("包裹给我弄丢了，圆通说最多赔三倍运费。",), "圆通"),
        (("楼底下饭馆油烟大。", "饭馆什么名字？", "换过好几回了，现在叫川香源。"), "川香源"),
        (("洗车店不认我的卡。", "哪家店？", "凤翔路，院子后门对过，叫快洁洗车。"), "快洁洗车"),
        (("姥姥的押金不退。", "哪个养老院？", "福寿园老年公寓，城北那个。"), "福寿园老年公寓"),
        (("占了消防车位两年了。", "车牌和车型看得清吗？", "面包车，就剩后半截了，九幺七K。"), "面包车（车尾号917K）"),
        (("怡景苑业委会不公开账，问就说我没资格看。",), "怡景苑业委会"),
    ],
)
def test_the_answer_to_who_it_is_needs_no_form_of_a_name(lines: tuple[str, ...], subject: str) -> None:
    assert value("subject", *lines) == subject
