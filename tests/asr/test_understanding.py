"""A whole talk as a ticket: money, people, notes, earlier tickets, what is decided, and what is only offered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asr import understanding
from asr.learning import Example, learn
from asr.lexicon import Lexicon, LexiconError
from asr.lexicon.urgency import Urgency
from asr.understanding import REVISIT, Understood, rehearse, ticket_of, transfers, understand
from tests.asr.talks import OWN_NUMBER, turns


def understood(*lines: str, **more: Any) -> Understood:
    return understand(turns(*lines), caller_number=OWN_NUMBER, lexicon=Lexicon.load(), urgency=Urgency.load(), **more)


def ticket(*lines: str, **more: Any) -> dict[str, Any]:
    return ticket_of(
        understood(*lines, **more), turns(*lines), caller_number=OWN_NUMBER, lexicon=Lexicon.load(), **more
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (236000, "老板欠我们工资，一共二十三万六"),
        (3200, "我在健身房办了张卡，三千二，去了一回就关门了"),
        (45, "停车他收了我四十五"),
        (1989, "平板电脑一千九百多，一九八九"),
        (8740, "医药费一共八千七百四，他们说只给两千"),
        (None, "修吊顶得三四千"),
        (None, "就靠一百来块钱过日子"),
    ],
)
def test_a_sum_is_taken_exact_and_a_rough_one_is_not(amount: int | None, text: str) -> None:
    assert ticket(text)["amount_yuan"] == amount


def test_people_are_counted_where_a_number_is_meant() -> None:
    assert ticket("我困在电梯里了", "里面几个人？", "就我和我婆婆两个")["people_count"] == 2
    assert ticket("站台上五六个人都招手了，公交车没停")["people_count"] is None
    assert ticket("老太太一个人住，生活困难")["people_count"] is None


def test_when_and_how_to_call_back_is_a_note() -> None:
    found = ticket("我反映路灯不亮", "电话多少？", "就这个号，白天打，晚上别打，我上夜班")
    assert found["contact_note"] == "白天联系，晚上勿打"
    assert ticket("反映路灯不亮，发短信吧，别打电话，我接不了")["contact_note"] == "短信回复，勿致电"


def test_an_earlier_ticket_is_read_from_its_spoken_number_and_counted() -> None:
    found = ticket("我又来了，垃圾池还没挪", "有工单编号吗？", "ZA，二零二五零五零六，零零三七，这是第四回了，我不满意")
    assert (found["previous_ticket_no"], found["is_repeat"], found["repeat_count"]) == ("ZA202505060037", True, 4)
    assert found["disposition"] == "退回重办"
    assert ticket("烧烤太吵，我打过幺幺零，警察来了就没声了")["is_repeat"] is False


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("GD，二零二六幺幺二幺，零零零七", "GD202611210007"),
        ("gd202611210007", "GD202611210007"),
        ("是GD二零二六一一二一那个零零零七，四回了", "GD202611210007"),
        ("GD2026112112345", "GD2026112112345"),
        ("G D 二零二六一一二一 一二三四五", "GD2026112112345"),
        ("二零二六一一二一零零零七", "GD202611210007"),
        ("二零二六一三二一零零零七", None),
        ("一三八零零零零零零零零", None),
    ],
)
def test_ones_own_ticket_numbers_are_understood_with_and_without_their_letters(said: str, number: str | None) -> None:
    assert ticket("我又来了，垃圾池还没挪", "有工单编号吗？", said)["previous_ticket_no"] == number


def test_digits_alone_are_a_ticket_only_where_one_is_spoken_of() -> None:
    assert ticket("快递单号写的是二零二六一一二一零零零七")["previous_ticket_no"] is None


def test_the_letters_are_the_citys() -> None:
    lexicon = Lexicon.load().with_ticket_prefix("JC")
    assert lexicon.ticket_prefixes[0] == "JC"
    assert lexicon.with_ticket_prefix("JC") is lexicon
    said = turns("我又来了，垃圾池还没挪", "有工单编号吗？", "JC二零二六一一二一零零零七")
    found = understand(said, caller_number="", lexicon=lexicon, urgency=Urgency.load())
    assert [one.value for one in found.suggestions if one.field == "previous_ticket_no"] == ["JC202611210007"]


def test_an_answer_is_wanted_unless_it_is_declined() -> None:
    assert ticket("路灯不亮，修修吧")["reply_required"] is True
    assert ticket("我想表扬个人", "需要回复您吗？", "不用回电话")["reply_required"] is False


def test_what_is_happening_now_is_the_matter_whatever_was_asked_first() -> None:
    found = ticket("我想问一下电费怎么交", "您请讲", "哎呀楼下着火了，全是烟", "在哪里？", "驿后小区三号楼")
    assert (found["category_code"], found["urgency"], found["department"]) == ("9002", "特急", "消防救援机构")
    assert found["occur_time"] == "刚刚"
    burning = ticket("楼底下的电动车棚着火了，快来人！", "还有人吗？", "都下来了，那条道天天停满了车，消防车进不来！")
    assert burning["occur_time"] == "刚刚"


def test_without_a_cue_nothing_is_an_emergency() -> None:
    found = ticket("去年我们厂着了场火，火灾认定书到现在没下来")
    assert not found["category_code"].startswith("90")
    assert not any(code in ("9001", "9002", "9003", "9004") for code in found["category_options"])


def test_who_might_be_in_charge_is_listed_and_not_decided_silently() -> None:
    found = ticket("楼下饭店油烟呛得不行")
    assert found["department_options"][0] == found["department"]
    assert {"城市管理部门", "生态环境部门"} <= set(found["department_options"])
    assert len(found["category_options"]) <= 3


def test_a_line_counts_as_told_where_the_operator_says_so() -> None:
    lines = ("我家着火了，驿后小区", "好，马上给您接119")
    assert transfers(turns(*lines), understood(*lines).cues) == ["119"]
    assert ticket(*lines)["disposition"] == "转接"
    assert transfers(turns("我打过119", "您打过119是吗"), ()) == []


def test_a_person_who_stays_unknown_has_no_number_in_the_ticket() -> None:
    found = ticket("我举报个事儿，能不能不留名？", "可以，请讲", "景云巷有个没牌子的给人打针输液")
    assert (found["anonymous"], found["contact_phone"], found["phone_source"]) == (True, None, None)
    assert "匿名" in found["tags"]


@pytest.mark.parametrize("lines", [("", "您好，这里是回访"), ("喂，你好。", "您好，请问问题解决了吗")])
def test_a_revisit_in_which_nothing_was_told_says_nothing_of_success(lines: tuple[str, ...]) -> None:
    found = ticket(*lines, call_type=REVISIT)["revisit"]
    assert [found[name] for name in ("contacted_by_dept", "solved", "satisfied")] == [None, None, None]
    assert (found["redo"], found["connected"]) == (False, bool(lines[0]))


def test_minutes_are_no_stars() -> None:
    found = ticket("解决了，来了五分钟就修好了", "打几分？", "态度挺好，等了三分钟", call_type=REVISIT)["revisit"]
    assert (found["attitude_star"], found["result_star"]) == (None, None)
    assert (found["solved"], found["satisfied"]) == (True, True)


def test_a_revisit_brings_stars_and_what_is_left() -> None:
    found = ticket_of(
        understood("装了，态度五分，结果给四分吧，有一个老跳闸", call_type=REVISIT),
        turns("装了，态度五分，结果给四分吧，有一个老跳闸"),
        caller_number=OWN_NUMBER,
        lexicon=Lexicon.load(),
        call_type=REVISIT,
    )
    assert (found["revisit"]["attitude_star"], found["revisit"]["result_star"]) == (5, 4)


def test_the_wrap_up_note_says_who_what_where_and_what_is_wanted() -> None:
    lines = ("锦绣花园三栋底商油烟太大，呛得不行", "您希望怎么处理？", "让他装上净化器", "您贵姓？", "我姓柴")
    note = ticket(*lines)["summary"]
    assert "锦绣花园3栋底商" in note
    assert "净化器" in note
    assert "柴" in note
    secret = ticket(*lines, "需要保密吗？", "要保密")["summary"]
    assert "柴" not in secret
    assert "要求保密" in secret


def test_many_closed_tickets_outweigh_a_keyword_and_few_do_not() -> None:
    pairs = (("楼道灯黑着没人换", "0101", "住建部门"), ("路灯不亮没人修", "0203", "市政部门"))
    examples = [
        Example(text=f"{text}{number}", category=code, department=name)
        for number in range(600)
        for text, code, name in pairs
    ]
    learnt = learn(examples, version="20261122-030000")
    values = {one.field: one.value for one in understood("楼道灯黑着没人换", learnt=learnt).suggestions}
    assert (values["category_code"], values["department"]) == ("0101", "住建部门")


def test_a_citys_own_gazetteer_stands_in_for_the_packaged_places(tmp_path: Path) -> None:
    places = {
        "city": "试验市",
        "districts": [{"name": "东区", "towns": [{"name": "河口镇", "communities": ["柳林新村"]}]}],
    }
    (tmp_path / "gazetteer.json").write_text(json.dumps(places, ensure_ascii=False), encoding="utf-8")
    lexicon = Lexicon.of_home(tmp_path)
    found = understand(turns("柳林新村路灯不亮"), caller_number="", lexicon=lexicon, urgency=Urgency.load())
    values = {one.field: one.value for one in found.suggestions}
    assert (values["district"], values["town"]) == ("东区", "河口镇")
    assert lexicon.category("0203") is not None
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "gazetteer.json").write_text("{", encoding="utf-8")
    with pytest.raises(LexiconError):
        Lexicon.of_home(broken)


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("我现在给您接一百一十，不要挂机", ["110"]),
        ("给您转一百一十九", ["119"]),
        ("我帮您接通一百二十您别急", ["120"]),
        ("转一百二十二处理", ["122"]),
        ("叫一百一十三号房的人来", []),
    ],
)
def test_a_centre_may_be_named_as_a_number(said: str, lines: list[str]) -> None:
    assert transfers(turns("救命", said), []) == lines


@pytest.mark.parametrize("talk", [("喂，我家漏水", "您贵姓？"), ()])
def test_a_rehearsal_indexes_the_lexicon_and_understands_of_its_talk_what_there_is(
    monkeypatch: pytest.MonkeyPatch, talk: tuple[str, ...]
) -> None:
    lexicon = replace(Lexicon.load(), talk=talk)
    done: list[object] = []
    monkeypatch.setattr(understanding, "prepare", done.append)
    monkeypatch.setattr(understanding, "suggest", lambda turns, **_: done.append([turn.text for turn in turns]) or ())
    rehearse(lexicon, Urgency.load())
    assert done == [lexicon, list(talk)]
