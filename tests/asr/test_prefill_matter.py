"""Where, when, whom, what about, how urgent: as callers say it."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill import rank_categories
from tests.asr.talks import turns, understood, value, words

WHERE = "请问您在哪个小区，具体位置？"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("锦绣花园三号楼二单元六零二漏水。", "锦绣花园3号楼2单元602"),
        ("在，在瑞丰国际，B座，呃，二三零五！", "瑞丰国际B座2305"),
        ("丹河湾，丹河湾二期，五号楼，哎几单元来着，三单元！", "丹河湾二期5号楼3单元"),
        ("凤鸣小区西门口那个夜宵摊。", "凤鸣小区西门口"),
        ("文昌路跟中兴街交叉口路灯不亮。", "文昌路与中兴街交叉口"),
        ("建设南路粮食局对面下水道堵了。", "建设南路粮食局对面"),
        ("中兴街那个永辉超市卖过期牛奶。", "中兴街永辉超市"),
        ("瑞丰国际 a 座 楼下 太 吵", "瑞丰国际A座楼下"),
        ("面粉厂路三十八号院里有人赌博。", "面粉厂路38号院"),
        ("俺是后山村嘞，野猪祸害庄稼。", "后山村"),
        ("府前小区七号楼三单元门口躺着个人。", "府前小区7号楼3单元门口"),
    ],
)
def test_a_place_of_the_gazetteer_with_what_is_said_behind_it(said: str, address: str) -> None:
    found = understood(said)["address"]
    assert found.value.startswith(address)
    assert found.confidence >= 0.75


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("在成期以后小期四号楼。", "驿后小区4号楼"),
        ("锐丰国际B座。", "瑞丰国际B座"),
        ("紧秀花员二动楼下。", "锦绣花园2栋楼下"),
        ("建社男里没水。", "建设南里"),
        ("我住学院小区三号罗一单远一零二。", "学院小区3号楼1单元102"),
    ],
)
def test_a_place_is_known_by_its_sound(said: str, address: str) -> None:
    assert value("address", said, WHERE, "对。") == address


@pytest.mark.parametrize(
    "said", ["我昨天去医院了。", "学校食堂不干净。", "我们小区没人管。", "那条路不好走。", "三栋房子都漏水。"]
)
def test_generic_words_are_no_address(said: str) -> None:
    assert value("address", said) is None


def test_a_place_that_only_its_wording_shows_is_less_sure() -> None:
    found = understood("就是第七实验小学，老师收资料费。")["address"]
    assert found.value == "第七实验小学"
    assert found.confidence < 0.75


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (
            ("锦绣花园，二栋楼下，有油烟。", "锦绣花园二栋楼下，对吗？", "不对，是三栋不是二栋，饭店在三栋底商。"),
            "锦绣花园3栋底商",
        ),
        (
            (
                "漏水。",
                WHERE,
                "怡景苑二号楼，我家三零一，楼上是四零一，不对，我家是二单元，三零一不是一单元，你写二单元。",
            ),
            "怡景苑2号楼2单元301",
        ),
        (("锦绣花园门口摆摊，哦不对，是怡景苑门口。", "好的。"), "怡景苑门口"),
        (("我在学院小区五号楼二单元四零一，楼上五零一太吵。",), "学院小区5号楼2单元401"),
        (("我住在阳光佳苑，我要反映的是学院街垃圾没人扫。", "学院街，对吗？", "对。"), "学院街"),
    ],
)
def test_corrections_and_the_neighbours_door(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


def test_details_said_in_a_later_answer_belong_to_the_place() -> None:
    lines = ("阳光佳苑暖气不热。", "请问是几号楼几单元？", "六号楼三单元，一二零一。")
    assert value("address", *lines) == "阳光佳苑6号楼3单元1201"


def test_a_phone_number_behind_a_place_is_no_room() -> None:
    assert value("address", "我在锦绣花园，电话一五四，三三零六，一七零九。") == "锦绣花园"


def test_district_and_town_come_with_the_place() -> None:
    found = understood("礼和镇河头村的。")
    assert (found["district"].value, found["town"].value, found["address"].value) == ("陵河县", "礼和镇", "河头村")


def test_a_road_has_a_district_but_no_town() -> None:
    found = understood("文昌路路灯不亮。")
    assert found["district"].value == "城区"
    assert "town" not in found


def test_evidence_of_an_address_is_its_words() -> None:
    lines = ("锦绣花园三号楼漏水。", "几单元？", "二单元。")
    assert words(understood(*lines)["address"], *lines) == ["锦绣花园", "三号楼", "二单元"]


# when -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("天天晚上六点到十点，都半年了。", "每天18:00-22:00，已持续约半年"),
        ("今天早上七点四十，哎不对，七点二十。", "当日7:20"),
        ("上礼拜三……不对，是礼拜四下午，四点来钟。", "上周四16时许"),
        ("十月三号下午，三点来钟吧。", "10月3日15时许"),
        ("二十号，哦不是，二十号是发货，签收是二十三号晚上。", "23日晚"),
        ("夜来黑来来了一群野猪。", "昨晚"),
        ("昨天下午五点多被狗咬了。", "昨天17时许"),
        ("上个礼拜四，就是……十六号吧。", "16日（上周四）"),
        ("漏了半个月了，楼上不认。", "已半个月"),
        ("转了，就五分钟前。", "五分钟前"),
        ("打七月起就没发过。", "自7月起"),
        ("连着五个晚上了。", "连续五晚"),
        ("下午一点的事。", "当日13:00"),
    ],
)
def test_when_it_happened(said: str, when: str) -> None:
    assert value("occur_time", "我反映个事。", "是什么时候的事？", said) == when


@pytest.mark.parametrize(
    "said",
    [
        "白天上课我接不了，下午五点以后打。",
        "五点要是不来水我还打。",
        "我昨天打过12345。",
        "大声点儿。",
        "三号楼漏水。",
        "地界一年挪一点，少了三分。",
        "中午十二点到两点别打，孩子睡觉。",
    ],
)
def test_other_times_are_not_when_it_happened(said: str) -> None:
    assert value("occur_time", said) is None


# what about -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("楼下饭店油烟呛得不行。", "0401"),
        ("路灯坏了三四个，晚上黑得看不见。", "0203"),
        ("包工头欠我们十几个人工资。", "0801"),
        ("宅基地上翻建手续咋办？", "1202"),
        ("健身房关门了，我办的年卡咋办。", "0704"),
        ("暖气不热，屋里才十四度。", "0304"),
        ("遛狗不拴绳，孩子被狗咬了。", "0208"),
        ("出租车不打表，要我四十。", "0502"),
        ("工地天天半夜打桩。", "0403"),
        ("孩子上学划片是怎么划的？", "1001"),
        ("快递显示签收了我没收到。", "0306"),
        ("楼道里电动车充电，消防通道堵死了。", "0605"),
        ("公积金能不能提出来还房贷。", "0104"),
        ("野猪把庄稼糟蹋了。", "1205"),
    ],
)
def test_the_category_of_plain_words(said: str, code: str) -> None:
    assert rank_categories(turns(said), Lexicon.load())[0][0] == code


@pytest.mark.parametrize(("said", "code"), [("那由烟呛得不行", "0401"), ("公鸡金咋提啊", "0104"), ("停税了", "0301")])
def test_a_word_is_known_by_its_sound(said: str, code: str) -> None:
    ranked = [found for found, _ in rank_categories(turns(said), Lexicon.load())]
    assert ranked[0] == code


def test_ranks_are_shares_and_best_first() -> None:
    ranked = rank_categories(turns("饭店油烟大，还占道摆摊，天天半夜吵。"), Lexicon.load())
    shares = [share for _, share in ranked]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("said", "code", "urgency"),
    [
        ("我困在电梯里了！", "9002", "特急"),
        ("我爸突然倒地上了，叫不醒。", "9003", "特急"),
        ("我不打算活了，我就站在楼顶上。", "9001", "特急"),
        ("我想问燃气费。等一下，屋里有煤气味，头有点晕。", "9002", "特急"),
        ("好几辆车追尾了，我在中间出不去。", "9004", "紧急"),
        ("村口二三十号人拿着铁锹，马上就要打起来了。", "9001", "特急"),
        ("昨天还好好的，今天突然叫不醒了。", "9003", "特急"),
    ],
)
def test_what_is_happening_now_comes_first(said: str, code: str, urgency: str) -> None:
    found = understood(said)
    assert (found["category_code"].value, found["urgency"].value, found["appeal_type"].value) == (code, urgency, "求助")


@pytest.mark.parametrize(
    "said",
    [
        "电梯一个礼拜坏三回，现在没困人，就是不敢坐了。",
        "去年我们厂着了场火，认定书到现在没下来。",
        "楼道里堆满东西，万一着火咋办。",
        "暖气不热，家里跟冰窖似的，我都急得上火了。",
        "等你们七天了，等得我心脏病都要犯了。",
        "我想咨询一下灭火器年检去哪儿做。",
        "这天热得跟着了火一样，停了俩钟头电了。",
        "昨天消防车从我家门口过，把墙角给蹭了。",
        "你打我手机吧，路灯坏了。",
    ],
)
def test_what_is_denied_past_or_feared_is_no_emergency(said: str) -> None:
    found = understood(said)
    assert not found["category_code"].value.startswith("90")
    assert found["urgency"].value != "特急"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("我要投诉公交车甩站。", "投诉"),
        ("我不投诉，我想表扬个人，窗口的小姑娘特别好。", "表扬"),
        ("我想问一下医保异地备案咋办？", "咨询"),
        ("我举报个事儿，有人无证行医。", "举报"),
        ("我提个建议，那个路口红绿灯能不能调长一点。", "建议"),
        ("我家厨房顶上漏水，盆都接满了。", "求助"),
        ("饭店乱收餐具费，还不给开票，凭什么。", "投诉"),
        ("我不告状，就想打听打听装电梯要几户同意？", "咨询"),
        ("门口没牌子，半夜偷偷往沟里倒，你们去查，别说是我打的。", "举报"),
    ],
)
def test_what_kind_of_appeal_it_is(said: str, kind: str) -> None:
    assert value("appeal_type", said) == kind


def test_the_department_comes_from_the_category() -> None:
    assert value("department", "楼下饭店油烟呛得不行。") == "城市管理部门"


def test_praise_goes_to_the_office_that_is_praised() -> None:
    assert value("department", "我想表扬派出所的民警，把我妈送回家了。") == "公安机关"


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("有个饭店叫老马家涮肉，油烟大。", "老马家涮肉"),
        ("叫二胖烧烤，喝酒猜拳闹到半夜。", "二胖烧烤"),
        ("幺二路公交车甩站。", "12路公交车"),
        ("第二人民医院的一个医生叫罗永刚，态度差。", "第二人民医院（罗永刚）"),
        ("我网上买的，商家叫通达数码，不给退。", "通达数码"),
        ("围挡上写着宏远建工，天天半夜施工。", "宏远建工"),
        ("我投诉移动营业厅，给我爸乱开套餐。", "移动营业厅"),
    ],
)
def test_whom_it_is_about(said: str, subject: str) -> None:
    assert value("subject", said) == subject


@pytest.mark.parametrize(
    "said", ["俺家玉米叫野猪给祸害完了。", "我叫张丽华。", "救护车叫不来。", "这是快递公司不？", "厂子原先叫恒什么。"]
)
def test_whom_it_is_not_about(said: str) -> None:
    assert value("subject", said) is None


def test_the_title_names_place_and_matter_once() -> None:
    title = understood("你好，我反映一下，锦绣花园三号楼的路灯坏了。")["title"]
    assert title.value.count("锦绣花园") == 1
    assert "路灯" in title.value


def test_the_text_leaves_out_greeting_name_and_number() -> None:
    lines = (
        "你好，我家停水了。",
        "您贵姓，电话多少？",
        "我姓柴，柴火的柴，电话一五四，三三零六，一七零九。",
        "还有吗？",
        "尽快修好。",
    )
    text = understood(*lines)["description"].value
    assert "停水" in text
    assert "修好" in text
    assert "柴" not in text
    assert "1709" not in text


def test_the_demand_is_what_was_answered_to_the_question() -> None:
    lines = ("学校乱收费。", "您希望怎么处理？", "查一查，不合规给大家退了。")
    assert value("demand", *lines) == "查一查，不合规给大家退了"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("我要投诉外卖。", "请问是哪家店？", "店叫小灶黄焖鸡，地址写的是文昌路八十八号。"), "文昌路88号小灶黄焖鸡"),
        (("电老不够使。", "您是哪个村？", "小寨村嘞。", "还有谁家？", "村西头这一片都是。"), "小寨村西头"),
        (
            (
                "工地又在打混凝土。",
                "请问是哪个工地？",
                "学院小区北边盖商场那个，宏远建工。",
                "宏远建工在学院小区北侧的工地。",
                "对。",
            ),
            "学院小区北侧工地",
        ),
    ],
)
def test_the_shop_of_a_number_the_side_of_a_village_and_what_lies_where_are_in_the_address(
    lines: tuple[str, ...], address: str
) -> None:
    assert understood(*lines)["address"].value == address


@pytest.mark.parametrize(
    ("said", "department"),
    [
        ("好的，我转位键部门。", "卫健部门"),
        ("我给您转交通营书部门处理。", "交通运输部门"),
        ("转行政选批部们，请您留意电话。", "行政审批部门"),
        ("我转公电企业去看一下。", "供电企业"),
    ],
)
def test_a_department_is_known_by_its_sound(said: str, department: str) -> None:
    codes = {one.code for one in Lexicon.load().categories if one.department == department}
    talk = turns("你好，我想问个事。", said, "好的谢谢。")
    assert rank_categories(talk, Lexicon.load())[0][0] in codes


def test_what_sounds_like_no_department_points_nowhere() -> None:
    plain = turns("你好，我想问个事。", "好的，我转给您说的部门。", "好的谢谢。")
    bare = turns("你好，我想问个事。", "好的，我记下了。", "好的谢谢。")
    assert rank_categories(plain, Lexicon.load())[:3] == rank_categories(bare, Lexicon.load())[:3]


@pytest.mark.parametrize("said", ["我向表扬一个公交车司机。", "有个师傅帮了我大忙，你跟公司说说，给人家表扬表扬。"])
def test_praise_is_asked_for_anywhere(said: str) -> None:
    assert rank_categories(turns(said), Lexicon.load())[0][0] == "1404"


def test_a_word_said_again_and_again_does_not_drown_the_matter() -> None:
    praise = "我坐公交车，公交车上我头晕，公交车司机停了公交车，等公交车的人也帮我，我要表扬他。"
    assert rank_categories(turns(praise), Lexicon.load())[0][0] == "1404"
