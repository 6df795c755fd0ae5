"""What leaves the house when personal data may not: of every recorded talk, and of ways of saying it one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.understanding.masking import lines_of
from asr.lexicon import Lexicon, PlaceKind
from asr.numerals import with_digits
from asr.prefill import suggest
from asr.transcript import Speaker, Turn

RECORDED = Path(__file__).parents[1] / "recorded"
SPOTS_LEFT = 0.06
"""Share of talks that may keep three characters of a spot in a row (病案室, 咨询台), never a name, number or door."""
DIGIT = "零〇一二两三四五六七八九幺0-9"
TITLE = "女士|先生|师傅|老师|大[爷娘妈姐哥叔]|阿姨|[姐哥]"
ROLE = "包工头|带班|老板|经理|走失老人|负责人|法人|司机|店长|房东|会计|教练|医生|书记|主任"


@dataclass(frozen=True)
class Talk:
    id: str
    ticket: dict[str, Any]
    lines: tuple[str, ...]


@pytest.fixture(scope="module")
def talks() -> tuple[Talk, ...]:
    return tuple(_talks())


def _talks() -> Iterator[Talk]:
    lexicon = Lexicon.load()
    for file in sorted(RECORDED.glob("dialogues*.json")):
        for one in json.loads(file.read_text(encoding="utf-8")):
            turns = _turns(*one["turns"])
            found = suggest(turns, caller_number=one["caller_number"], lexicon=lexicon)
            lines = lines_of(turns, found, lexicon, personal=False)
            assert [len(line.text) for line in lines] == [len(turn.text) for turn in turns]
            yield Talk(one["id"], one["ticket"], tuple(line.text for line in lines))


def _turns(*said: tuple[str, str]) -> list[Turn]:
    return [
        Turn(seg=3 * i, rev=1, speaker=Speaker(who), text=text, start_s=i, end_s=i + 1, final=True)
        for i, (who, text) in enumerate(said)
    ]


def sent(*texts: str, asked: str = "") -> list[str]:
    said = [("agent", asked)] if asked else []
    turns = _turns(*said, *(("caller", text) for text in texts))
    return [line.text for line in lines_of(turns, [], Lexicon.load(), personal=False)][len(said) :]


# recorded talks -------------------------------------------------------------------------------------------------------
def test_no_name_of_a_caller_is_left(talks: tuple[Talk, ...]) -> None:
    left = []
    for talk in talks:
        name = talk.ticket["caller_name"] or ""
        told = [name, name[1:]] if len(name) > 2 else [name] if len(name) == 2 else []
        shapes = [re.escape(word) for word in told]
        shapes += [rf"姓{name[0]}|{name[0]}(?:{TITLE})|的{name[0]}(?:[，。]|$)"] if name else []
        left += [(talk.id, line) for line in talk.lines for shape in shapes if re.search(shape, line)]
    assert left == []


def test_no_name_of_anybody_complained_of_is_left(talks: tuple[Talk, ...]) -> None:
    named = 0
    left = []
    for talk in talks:
        subject = talk.ticket["subject"] or ""
        found = re.search(rf"^([\u4e00-\u9fff]{{2,3}})（(?:{ROLE})|（(?:{ROLE})([\u4e00-\u9fff]{{2,3}})）$", subject)
        name = (found[1] or found[2]) if found is not None else ""
        if not name or name in ROLE:
            continue
        named += 1
        left += [(talk.id, line) for line in talk.lines if name in line]
    assert named >= 5
    assert left == []


def test_no_phone_and_no_long_number_is_left(talks: tuple[Talk, ...]) -> None:
    left = []
    for talk in talks:
        phone = talk.ticket["contact_phone"] or ""
        pieces = {phone[at : at + 4] for at in range(len(phone) - 3)}
        for line in talk.lines:
            digits = re.sub(r"[^0-9]", "#", with_digits(line))
            if any(piece in digits for piece in pieces) or re.search(rf"[{DIGIT}](?:[，,、 ]?[{DIGIT}]){{4}}", line):
                left.append((talk.id, line))
    assert left == []


def test_no_door_is_left_however_it_was_said(talks: tuple[Talk, ...]) -> None:
    left = []
    for talk in talks:
        address = talk.ticket["address"] or ""
        doors = re.findall(
            r"[A-Za-z]?\d+(?:号[楼院]?|栋|单元|排|室|座|层|楼|组|期)|(?<!\d)\d{3,4}(?![\d米路])", address
        )
        for line in talk.lines:
            written = with_digits(line)
            left += [(talk.id, line) for door in doors if re.search(rf"(?<!\d){re.escape(door)}(?!\d)", written)]
    assert left == []


def test_no_place_of_the_gazetteer_is_left(talks: tuple[Talk, ...]) -> None:
    places = [place for place in Lexicon.load().places if place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)]
    left = [
        (talk.id, place.name, line)
        for talk in talks
        for place in places
        if place.name in (talk.ticket["address"] or "")
        for line in talk.lines
        if place.name in line
    ]
    assert left == []


def test_hardly_a_spot_is_left(talks: tuple[Talk, ...]) -> None:
    left = set()
    for talk in talks:
        address = re.sub(r"（.*", "", talk.ticket["address"] or "")
        pieces = {address[at : at + 3] for at in range(len(address) - 2)}
        if any(piece in line for piece in pieces for line in talk.lines):
            left.add(talk.id)
    assert len(left) <= SPOTS_LEFT * len(talks), sorted(left)


def test_enough_is_left_to_understand(talks: tuple[Talk, ...]) -> None:
    letters = "".join(line for talk in talks for line in talk.lines)
    assert letters.count("*") < 0.25 * len(letters)


# one by one -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("我叫欧阳建国", "欧阳建国"),
        ("我叫欧阳建国住在村里", "欧阳建国"),
        ("他叫诸葛明，是村里会计", "诸葛明"),
        ("我是王秀英，退休教师", "王秀英"),
        ("我叫阿依古丽，问个事", "阿依古丽"),
        ("楼上王建军天天吵", "王建军"),
        ("物业经理刘强骂人", "刘强"),
        ("对门的陈姐说的，老李也知道", "陈李"),
        ("找办事员小孙，孙科长", "孙"),
        ("姓柴，柴火的柴", "柴火"),
        ("我姓李，木子李", "木子李"),
        ("包工头姓滑，滑冰的滑，叫滑建军", "滑冰建军"),
        ("张建国，他欠我工钱", "张建国"),
        ("真的，张建国欠我工钱", "张建国"),
        ("我住三号楼二单元五零二", "三二五零"),
        ("我住叁号楼", "叁"),
        ("家在城西路18号院甲3单元", "18甲3城西"),
        ("三号楼那个五零二的", "三五零二"),
        ("电话 1 3 9 0 0 0 0 1 2 3 4", "139024"),
        ("１３９００００１２３４", "１３９２４"),
        ("一三九，零零零零，呃，一二三四", "一三九零二四"),
        ("尾号七三零", "七三零"),
        ("身份证一四零五二二幺九八零零一零二三四一X", "一四五二九八X"),
        ("车牌晋E·6K288", "晋EK628"),
        ("晋E六七K二八", "晋E六七K二八"),
        ("牌子剩后半截，九幺七K", "九幺七K"),
        ("邮箱zhang.san_01@qq.com", "zhangsan01q"),
        ("微信号wx_abc123", "wxabc123"),
        ("微信号是我名字拼音", "名字拼音"),
        ("QQ号三三二二五五六七八", "三二五六七八"),
        ("工单GD202511180216", "GD20518"),
    ],
)
def test_it_is_hidden_however_it_is_said(said: str, hidden: str) -> None:
    [line] = sent(said)
    assert set(line) & set(hidden) == set()
    assert len(line) == len(said)


@pytest.mark.parametrize(
    "said",
    [
        "楼上天天吵，楼下也听得见",
        "垃圾没人收，臭了三天",
        "交了三百块钱，二零二四年的事",
        "已经打过110了",
        "老百姓没办法，姓名不方便说",
    ],
)
def test_what_names_nobody_stays(said: str) -> None:
    assert sent(said) == [said]


def test_a_name_told_once_is_hidden_wherever_it_is_said() -> None:
    lines = sent("我叫滑建军", "就写建军，滑建军")
    assert "建军" not in "".join(lines)


def test_a_name_alone_is_hidden_as_the_answer_to_who() -> None:
    assert sent("冯国栋，国家的国，栋梁的栋", asked="您怎么称呼？") == ["***，****，****"]


def test_the_words_a_suggestion_came_from_are_hidden_not_its_value() -> None:
    turns = _turns(("caller", "锦 绣 花 园 三 栋 底 商 油 烟 大"))
    found = suggest(turns, caller_number="", lexicon=Lexicon.load())
    assert any(one.field == "address" and "3栋" in one.value for one in found)
    [line] = lines_of(turns, found, Lexicon.load(), personal=False)
    assert line.text == "* * * * * * * * 油 烟 大"


def test_all_is_sent_where_personal_data_may_be() -> None:
    turns = _turns(("caller", "我叫柴秀兰，住三号楼"))
    assert [line.text for line in lines_of(turns, [], Lexicon.load(), personal=True)] == ["我叫柴秀兰，住三号楼"]
