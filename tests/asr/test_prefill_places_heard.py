"""A place whose words a recogniser garbled is written as it was meant; what was said plainly stays as it is."""

from __future__ import annotations

import pytest

from asr.lexicon import Lexicon
from asr.prefill.gazetteer import find_places
from asr.prefill.heard_doors import doors_by_sound
from asr.prefill.landmarks import reheard, reheard_reading, up_to_place
from asr.prefill.reading import read, reading_of
from tests.asr.talks import turns, value


def _put_right(text: str, *, answer: bool = False) -> str:
    return reheard_reading(reading_of(text, Lexicon.load()), answer=answer).text


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("下柳村那个便压起", "下柳村那个变压器"),
        ("后岭村村南投有棵树", "后岭村村南头有棵树"),
        ("青岭村老专场", "青岭村老砖厂"),
        ("丹河湾南色工地", "丹河湾南侧工地"),
        ("就在西难搅", "就在西南角"),
        ("凤翔路营和大厦", "凤翔路银河大厦"),
        ("长平路西帝公园", "长平路湿地公园"),
        ("崇文街社区为生服务中心", "崇文街社区卫生服务中心"),
        ("凤翔路以中兴街路口", "凤翔路与中兴街路口"),
        ("咱们是图书馆中午关门", "咱们市图书馆中午关门"),
        ("石半香后零村有条沟", "石盘乡后岭村有条沟"),
        ("不动铲灯记中新一楼", "不动产登记中心一楼"),
        ("劳动路火文昌路路口", "劳动路与文昌路路口"),
        ("凤翔路文昌路是自西南角", "凤翔路文昌路十字西南角"),
        ("长平路往东60名", "长平路往东60米"),
        ("学院街宏远价校", "学院街宏远驾校"),
    ],
)
def test_words_of_place_are_known_by_their_sound(heard: str, meant: str) -> None:
    assert _put_right(heard) == meant


@pytest.mark.parametrize(
    "said",
    [
        "你们是不是不管了",
        "服务态度您打几分",
        "多扣点体检费",
        "往面粉厂那边找",
        "市中医院门口堵车",
        "上午挤着四五辆车",
        "绿顶白车往东庄村去了",
    ],
)
def test_what_people_say_anyway_is_no_place(said: str) -> None:
    assert _put_right(said, answer=True) == said


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("十一号隆爱单元", "十一号楼二单元"),
        ("怡景苑外号楼三弹远", "怡景苑二号楼三单元"),
        ("我家就耗楼", "我家就号楼"),
        ("五号楼三单元", "五号楼三单元"),
        ("4号能碍丹圆", "4号楼二单元"),
        ("九号隆三旦沿602", "九号楼三单元602"),
        ("2号棚东大院", "2号棚东大院"),
        ("三段沿街商铺", "三段沿街商铺"),
        ("七号炉", "七号炉"),
    ],
)
def test_doors_are_known_by_their_sound(heard: str, meant: str) -> None:
    assert doors_by_sound(heard) == meant


def test_a_district_or_town_that_only_sounds_so_stands_before_another_place() -> None:
    lexicon = Lexicon.load()
    assert [hit.place.name for hit in find_places("公领事人民医院", lexicon)] == ["高岭市"]
    assert [hit.place.name for hit in find_places("林核县里核正政府", lexicon)] == ["陵河县", "礼和镇"]
    assert find_places("老人八十高龄是真的", lexicon) == ()


def test_a_village_is_known_by_the_sound_of_its_name_without_the_last_word() -> None:
    assert value("town", "我在李家装，果园让人占了") == "东岭镇"


def test_a_place_named_clearly_puts_right_how_it_was_heard_elsewhere() -> None:
    talk = read(turns("西式街那个菜市场", "新市街菜市场吗", "对"), Lexicon.load())
    assert reheard(talk).all[1].text == "新市街那个菜市场"


def test_another_road_that_was_said_stays() -> None:
    talk = read(turns("建设南路", "建设北路吗", "文昌街"), Lexicon.load())
    assert [said.text for said in reheard(talk).all[1:]] == ["建设南路", "建设北路吗", "文昌街"]


def test_what_no_list_knows_and_was_heard_in_two_ways_is_one() -> None:
    lines = ("在环城路吸利公园", "环城路西丽公园，对吗", "对，西丽公园")
    talk = reheard(read(turns(*lines), Lexicon.load()))
    assert len({said.text[said.text.index("公园") - 2 :][:4] for said in talk.all if "公园" in said.text}) == 1


def test_evidence_stays_where_it_was_said() -> None:
    said = read(turns("我家在京阳新成三号楼"), Lexicon.load()).all[0]
    assert reheard_reading(said.reading, answer=False).offsets == said.reading.offsets


def test_of_the_operators_words_what_was_garbled_behind_the_place_is_left_out() -> None:
    lexicon = Lexicon.load()
    assert up_to_place("小寨村村北老砖厂愿命", lexicon) == "小寨村村北老砖厂"
    assert up_to_place("驿后小区装充电桩", lexicon) == "驿后小区"


def test_a_name_may_begin_with_what_mostly_ends_one() -> None:
    assert value("address", "在凤翔路那个外月广场门口") == "凤翔路外月广场门口"


def test_an_address_of_garbled_words_is_whole() -> None:
    assert value("address", "大挖镇小债村村北投原鲜那个老专场，冒黑烟") == "小寨村村北头老砖厂"


@pytest.mark.parametrize("said", ["病历和证明都带了", "我去劳务中心介绍工作"])
def test_half_of_an_ordinary_word_is_no_end_of_a_place(said: str) -> None:
    assert find_places(said, Lexicon.load()) == ()


def test_a_village_named_in_its_own_characters_is_no_other_one() -> None:
    assert _put_right("柳泉镇下柳村") == "柳泉镇下柳村"


def test_a_shop_whose_own_name_was_garbled_still_stands_behind_its_road() -> None:
    assert value("address", "在长平路的晚好电器买的冰箱坏了") == "长平路晚好电器"


def test_a_house_told_after_the_place_was_put_to_the_caller_belongs_to_it() -> None:
    assert value("address", "楼道漏水", "您说的是凤鸣小区那边的吗", "对对，就那个院，七号楼") == "凤鸣小区7号楼"


def test_where_the_caller_lives_hides_no_place_half_heard() -> None:
    lines = ("有个大屏太亮", "在哪个位置", "最方国际，晚上一直闪，我住学院小区七号楼，正对着")
    assert value("address", *lines) == "瑞丰国际"
