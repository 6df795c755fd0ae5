"""How an address goes on behind the name of a place, and whose words for it win."""

from __future__ import annotations

import pytest

from tests.asr.talks import understood, value

WHERE = "请问具体在什么位置？"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("环城路上，过了加油站往东走，三百来米吧。", "环城路加油站往东300米"),
        ("文昌路那个农业银行往北数第三家。", "文昌路农业银行往北第三家"),
        ("劳动路，二中对面，有一排文具店。", "劳动路二中对面文具店"),
        ("凤鸣小区南边盖商场那个工地。", "凤鸣小区南侧商场工地"),
        ("金阳大道往东走到头，有个料场。", "金阳大道东头料场"),
        ("后山村的，二组，村口小卖部旁边。", "后山村二组村口小卖部旁"),
        ("上柳村，村西头那个打谷场上。", "上柳村村西头打谷场"),
        ("小寨村，在村小学东边。", "小寨村小学东侧"),
        ("学院小区，二号楼和三号楼中间那块绿地。", "学院小区2号楼与3号楼之间绿地"),
        ("怡景苑，一号楼到四号楼都停了。", "怡景苑1-4号楼"),
        ("市三院，门诊楼三楼，皮肤科。", "市三院门诊楼3楼皮肤科"),
        ("县图书馆，崇文街那个。", "崇文街县图书馆"),
        ("礼和镇中心小学门口。", "礼和镇中心小学门口"),
    ],
)
def test_what_stands_behind_a_place_belongs_to_the_address(said: str, address: str) -> None:
    assert value("address", "我要反映个事。", WHERE, said) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("建设南路没路灯。", "哪一段？", "从邮局到菜市场那一截。"), "建设南路邮局至菜市场"),
        (("学院街没画线。", "是整条路吗？", "从文昌路口到中兴街口那一段没有。"), "学院街文昌路口至中兴街口"),
        (("打车绕路。", "从哪儿上的车？", "市一院门口上的车，到锦绣花园。"), "市一院门口至锦绣花园"),
    ],
)
def test_a_stretch_is_told_by_its_ends(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


def test_a_spot_put_right_takes_the_place_of_the_other() -> None:
    lines = (
        "俺是上柳村的，地让人占了。",
        WHERE,
        "在村南河滩，哎，不是河滩，叫石门坡，村南石门坡。",
        "村南石门坡。",
        "对。",
    )
    assert value("address", *lines) == "上柳村村南石门坡"


def test_a_place_taken_back_at_once_is_not_meant() -> None:
    lines = ("撞车了。", WHERE, "环城路跟丹河路那个口……不是不是，前头那个，环城路金阳大道口。")
    assert value("address", *lines) == "环城路与金阳大道路口"


def test_a_no_to_what_was_asked_after_the_place_leaves_it_standing() -> None:
    lines = ("路塌了。", WHERE, "丹河路，科创街那个红绿灯。", "丹河路与科创街路口东南角。有没有人受伤？", "没有没有。")
    assert value("address", *lines) == "丹河路与科创街路口东南角"


def test_a_no_to_the_door_leaves_the_place_standing() -> None:
    lines = ("我们小区楼下油烟大。", WHERE, "就请收花人那个。", "锦绣花园二栋楼下对吗", "对，哎不对，是三栋不是二栋。")
    assert value("address", *lines) == "锦绣花园3栋"
    lines = (*lines[:-1], "不对，是凤鸣小区三栋。")
    assert value("address", *lines) == "凤鸣小区3栋"


def test_no_spot_begins_before_a_place_and_ends_inside_it() -> None:
    assert value("address", "路灯不亮。", WHERE, "中学院小区三号楼一单元幺零二。") == "学院小区3号楼1单元102"


def test_the_operators_words_end_where_the_matter_begins() -> None:
    lines = ("路堵。", WHERE, "神农街实验小学，北门。", "神农街实验小学北门放学拥堵，对吗？", "对。")
    assert value("address", *lines) == "神农街实验小学北门"


def test_the_side_asked_for_later_is_added() -> None:
    lines = ("盲道断了。", WHERE, "丹河路上，过了大桥往东五十米。", "马路哪一侧？", "北边。")
    assert value("address", *lines) == "丹河路大桥往东50米北侧"


def test_a_village_no_list_knows_is_no_garbled_street() -> None:
    found = understood("崇北镇的柳条沟村，小学后头堆着炮仗。", WHERE, "就是小学后头。")["address"]
    assert found.value.startswith("柳条沟村")
    assert found.confidence < 0.75


def test_where_the_callers_own_firm_sits_is_not_where_it_owes() -> None:
    lines = ("我们是企业。", "哪个单位欠款？", "我们公司叫明远照明，在科创街。欠款的是大洼镇政府。", "好的。", "嗯。")
    assert value("address", *lines) == "大洼镇政府"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("我爷爷想办个证，去哪儿近？我们家住学院小区。", "学院小区可以到文昌路的办事大厅。", "好。"), "学院小区"),
        (
            ("水井没水，俺是上柳村的。", "上柳村。是水塔坏了还是机井坏了？", "机井，村西头那个三号井。"),
            "上柳村村西头3号井",
        ),
        (("我要说孩子入学。", "想上哪所学校？", "第五小学，神农街那个。租的房在怡景苑。"), "神农街第五小学"),
        (("家里返水。", WHERE, "锦绣花园，五号楼前头……不对，五号楼好着呢，二号楼。"), "锦绣花园2号楼"),
        (("墓碑歪了。", WHERE, "西沟村公墓，四区三排……记错了，是五排，四区五排九号。"), "西沟村公墓4区5排9号"),
        (("退费不给。", WHERE, "市三院住院部二楼，五号。"), "市三院住院部2楼5号"),
    ],
)
def test_what_was_asked_advised_or_put_right_decides(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


def test_of_the_operators_words_only_the_place_is_taken() -> None:
    lines = ("要补课费。", "哪所学校？", "高岭二中，神农街上那个。", "神农街高岭二中高一年级，对吗？", "对。")
    assert value("address", *lines) == "神农街高岭二中"


def test_the_road_the_operator_names_first_stands_before_the_stretch() -> None:
    lines = (
        "没有公厕。",
        WHERE,
        "滨河东路的步道，丹河湾南头一直到和顺家园门口，中间有一个锁着。",
        "滨河东路步道，丹河湾南头到和顺家园门口中间的公厕，对吗？",
        "对。",
    )
    assert value("address", *lines) == "滨河东路步道丹河湾南头至和顺家园门口之间公厕"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("孩子想转学。", "想转到哪所学校？", "高岭三中。", "家住哪个小区？", "住金阳新城。"), "高岭三中"),
        (
            ("欠工钱。", "哪个工地？", "和顺家园北边安置楼工地。", "和顺家园北边安置楼工地。", "对。"),
            "和顺家园北侧安置楼工地",
        ),
        (("我问问上回那个事。", "查到了，您反映市三院停车场收费的事。", "对，还没回我。"), "市三院停车场"),
    ],
)
def test_the_matters_place_goes_before_the_callers_home(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("不给工钱。", "哪家饭店？", "长平路，聚福源。干了俩月。"), "长平路聚福源"),
        (("司机绕路。", "在哪儿上的车？", "高铁站上的，到怡景苑下。", "高铁站至怡景苑。", "对。"), "高铁站至怡景苑"),
        (("车棚锁了。", "哪栋楼？", "万象公馆五栋。", "万象公馆五栋，对吗？", "不是五栋，是十五栋。"), "万象公馆15栋"),
    ],
)
def test_names_ends_and_numbers_count_wherever_they_are_told(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


def test_buildings_one_after_the_other_and_next_to_what() -> None:
    assert value("address", "停水了。", WHERE, "凤鸣小区，三号楼、四号楼都没水。") == "凤鸣小区3号楼、4号楼"
    assert value("address", "有人赌。", WHERE, "槐树底村一组，村委会隔壁。").endswith("村委会隔壁")


def test_a_hospital_named_clearly_is_no_garbled_street() -> None:
    assert value("address", "司机骂人。", WHERE, "市三院急诊楼前面那个落客区。").startswith("市三院急诊楼")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("欠工钱。", "是哪个工地？", "金阳新城二期，干到腊月。"), "金阳新城二期工地"),
        (("学院街一路黑。", "学院街的哪一段？", "怡景苑大门往南，一直到农行那儿。"), "学院街怡景苑大门至农行"),
        (("上柳村村西倒垃圾。", WHERE, "就在老木桥往下走三百来米。"), "上柳村村西老木桥往下300米"),
        (("我们村停电。", "哪个村？", "后山村，就俺下寨这七八户。", "是下寨这几户停电？", "对。"), "后山村下寨"),
        (("养老院乱收费。", "叫什么，在哪儿？", "晚霞养老院，在上柳村村口。"), "上柳村村口晚霞养老院"),
        (
            ("神农街有个小旅馆，叫顺达来，没有灭火器。", "神农街哪个位置？", "长途站斜对面。"),
            "神农街顺达来旅馆（长途站斜对面）",
        ),
        (("着火了！", WHERE, "凤鸣小区，西门进来头一个车棚，火苗窜到三楼了。"), "凤鸣小区西门第一个车棚"),
        (("劳动路那个游泳馆跑了。", "叫什么？", "叫蓝鲸，就在劳动路那个商厦四楼。"), "劳动路商厦4楼蓝鲸游泳馆"),
        (("养鸡场臭。", "哪个村？", "李家庄村，养鸡场在村南边。"), "李家庄村村南养鸡场"),
        (("不给迁户口。", "老人是哪个村的？", "东庄村，他叫操大有，操场的操。"), "东庄村"),
        (("马寨镇的卫生院没大夫。", "好的。", "嗯。"), "马寨镇卫生院"),
    ],
)
def test_what_a_place_stands_on_or_holds_is_told_in_pieces(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (("信号灯坏了。", "哪个路口？", "劳动路和凤翔路，东南角那个。"), "劳动路与凤翔路路口东南角"),
        (("剧场不退票。", "哪个剧院？", "青年剧院。", "在哪条路上？", "学院街那个。"), "学院街青年剧院"),
        (("怡景苑的押金要不回来，九号楼的。", "好的。", "嗯。"), "怡景苑9号楼"),
        (("我家在石盘村，我爹在市二院住院，护士骂人。", "好的。", "嗯。"), "市二院"),
        (("神农街天泽纺织厂不给工钱。", "您住哪里？", "住怡景苑。"), "神农街天泽纺织厂"),
        (("环城路，货场的南门，车翻了。", "好的。", "嗯。"), "环城路货场南门"),
        (("河水漫了。", WHERE, "红旗大桥桥头，环城路这边。"), "环城路红旗大桥桥头"),
        (("电梯坏了。", "哪个小区？", "府前，六号楼二单元。"), "府前小区6号楼2单元"),
        (("俺是东岭镇李家庄的，没水。", "好的。", "嗯。"), "李家庄村"),
        (("路灯不亮，锦绣花园三号楼跟围墙中间。", "好的。", "嗯。"), "锦绣花园3号楼与围墙之间"),
        (("狗咬人。", "哪个小区？", "锦绣花园八号楼，三单元四零一的，姓靳。"), "锦绣花园8号楼3单元401"),
        (("锦绣花园的花没人浇。", "好的。", "嗯。"), "锦绣花园"),
        (("津贴没发。", "老人叫什么，住哪儿？", "靳桂芬，革字旁的靳。住绿影小区四号楼一零一。"), "绿影小区4号楼101"),
        (
            ("撞人了！", WHERE, "环城路和丹河路，那个大十字路口，红绿灯下头！", "伤者怎么样？", "流血呢。"),
            "环城路与丹河路十字路口",
        ),
        (
            (
                "乱停车。",
                "哪个路口？",
                "科创街跟环城路那个十字。",
                "科创街与环城路十字路口，东南角，对吗？",
                "我没说东南角吧？呃，是西南角。",
            ),
            "科创街与环城路十字路口西南角",
        ),
        (("没电。", WHERE, "绿影小区四号楼一零一，一楼。", "绿影小区四号楼101。", "嗯。"), "绿影小区4号楼101"),
        (("车丢了。", "哪栋楼？", "锦绣花园八号楼，一单元，那个……派出所报过案了。"), "锦绣花园8号楼1单元"),
        (("绿灯太短，科创街跟环城路那个十字路口，由西往北左转那个。", "好的。", "嗯。"), "科创街与环城路十字路口"),
        (("货车堵着门。", WHERE, "科创街，粮油超市门口，骑车过不去，次次得绕到马路当间儿。"), "科创街粮油超市门口"),
        (
            ("关门了。", WHERE, "就科创街，药材市场斜对过。", "科创街药材市场对面？", "斜对面，正对面是粮店。"),
            "科创街药材市场斜对面",
        ),
    ],
)
def test_which_of_several_places_is_meant(lines: tuple[str, ...], address: str) -> None:
    assert value("address", *lines) == address
