"""The neighbour known by the door only: 碧水云天7号楼2单元503住户."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon import PlaceKind
from asr.numerals import with_digits
from asr.prefill.named import Kind, Named
from asr.prefill.reading import Said, Talk

_N = "[零〇一二两三四五六七八九十幺0-9]"
_ROOM = (
    rf"(?:{_N}{{1,3}}号楼"
    rf"|{_N}{{1,3}}栋)?[，、]?(?:{_N}{{1,2}}单元)?[，、]?(?P<room>[零〇一二三四五六七八九幺0-9]{{3,4}})(?!天(?!天)|[元块号年度岁楼栋米斤亩月多人千百万路0-9零〇一二三四五六七八九幺])"
)
_ASKS_DOOR = re.compile(r"谁家|哪一?户|哪一?家|对方(?:家)?(?:是|住)|楼上是|他家?住|几楼几户")
_ANY_DOOR = re.compile(_ROOM)
_NEXT_DOOR = re.compile(
    rf"(?:(?:楼上|对门|隔壁|楼下|顶层|邻居|吵的|漏的|那家|他家|七楼)[^。我]{{0,12}}?(?:是|住)?){_ROOM}"
)
_THAT_DOOR = re.compile(
    rf"(?<!我家)(?<!住)(?<!我们家){_ROOM}[，]?(?:那家|那户|他家|家(?![里的])|扯|的?(?:住户|业主"
    rf"|邻居|租户)|户主|的?人家|一家)"
)
_OWN_DOOR = re.compile(r"(?:我家?|我们家?|我们那屋)(?:是|住|在|就)*[^，。]{0,10}$")
_BUILDING = re.compile(rf"(?P<n>{_N}{{1,3}})(?:号楼|栋)")
_UNIT = re.compile(rf"(?<!不是)(?P<n>{_N}{{1,2}})单元")
_NO_NEIGHBOURS = ("03", "05", "08", "09", "10", "11", "13")
"""Matters no neighbour is to blame for."""
_SURNAMED = re.compile(r"(?:那家|户主|他家|那户|家|业主)(?:人)?姓(?P<name>[\u4e00-\u9fff]{1,2})(?=[，。]|$)")


def homes(talk: Talk, code: str) -> Iterator[Named]:
    """The door of those above or next door: 碧水云天7号楼2单元503住户."""
    if code.startswith(_NO_NEIGHBOURS):
        return
    for said in talk.caller:
        asked = (_ANY_DOOR,) if _ASKS_DOOR.search(said.asked) else ()
        for pattern in (_THAT_DOOR, _NEXT_DOOR, *asked):
            for match in pattern.finditer(said.text):
                if _OWN_DOOR.search(said.text[max(0, match.start("room") - 14) : match.start("room")]):
                    continue
                name = _door(talk, said, match)
                if name:
                    yield Named(name, said, match.start("room"), match.end("room"), 1.15, Kind.HOME)


def _door(talk: Talk, said: Said, match: re.Match[str]) -> str:
    places = [
        hit.place.name for other in talk.all for hit in other.reading.places if hit.place.kind is PlaceKind.COMMUNITY
    ]
    if not places:
        return ""
    told = [*(other.text for other in talk.all if other.index < said.index), said.text[: match.end()]]
    later = [said.text, *(other.text for other in talk.after(said))]
    building = _last(_BUILDING, told) or _first(_BUILDING, later)
    unit = _last(_UNIT, told) or _first(_UNIT, later)
    if not building:
        return ""
    surname = next((found.group("name") for text in (said.text, *later) for found in _SURNAMED.finditer(text)), "")
    family = f"{surname}姓" if surname in talk.lexicon.surnames else ""
    door = "".join(
        str("零一二三四五六七八九".find(c)) if c in "零一二三四五六七八九" else c for c in match.group("room")
    )
    door = door.replace("〇", "0").replace("幺", "1")
    rest = with_digits(f"{building}号楼") + (with_digits(f"{unit}单元") if unit else "")
    return f"{max(set(places), key=places.count)}{rest}{door}{family}住户"


def _last(pattern: re.Pattern[str], texts: list[str]) -> str:
    found = [match.group("n") for text in texts for match in pattern.finditer(text)]
    return found[-1] if found else ""


def _first(pattern: re.Pattern[str], texts: list[str]) -> str:
    return next((match.group("n") for text in texts for match in pattern.finditer(text)), "")
