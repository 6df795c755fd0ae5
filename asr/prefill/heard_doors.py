"""Door numbers by their sound: 十一号隆爱单颜 is 十一号楼二单元, 7号能碍丹圆 7号楼二单元."""

from __future__ import annotations

import re

from asr.lexicon.pinyin import toneless

_NUMBER = "零一二两三四五六七八九十0-9"
_HEARD = {
    "一": "衣依医", "二": "外爱", "三": "山伞", "五": "无午舞物吴", "六": "刘流留", "七": "妻其起", "八": "吧把巴",
    "九": "就酒久旧救",
}  # fmt: skip
"""What a recogniser writes for a number right before 号楼 or 单元."""
_MEANT = {heard: number for number, chars in _HEARD.items() for heard in chars}
_GARBLED = "".join(_MEANT)
_SOUNDS = (("单元", ("dan", "tan"), ("yuan", "yan", "yun")), ("号楼", ("hao", "hou"), ("lou", "luo", "long", "nuo")))
"""Each with what its first and its second syllable are heard as."""
_BEHIND_NUMBER = re.compile(rf"(?<=[{_NUMBER}{_GARBLED}])(?=([\u4e00-\u9fff]{{2}}))")
_BEFORE_DOOR = re.compile(
    rf"(?<![\u4e00-\u9fff])[{_GARBLED}](?=号楼)"
    rf"|(?:(?<=[号栋]楼|小区|家园|花园|新城|宿舍|属院)|(?<=[栋院苑里湾]))[{_GARBLED}](?=号楼|单元)"
)
_ROW = re.compile(
    r"(?P<of_house>[0-9零一二两三四五六七八九十]) (?:hao|hou|号) "
    r"(?:[ln](?:ou|uo|ong|eng|en|u|un|o)|dong) (?P<unit>[a-z]+|[0-9一二三四五六七八九]) "
    r"(?:dan|tan|da|dang|duan) (?:yuan|yan|yun|yang|ye)(?= )"
)
"""House and unit in one breath, as syllables: both words may be garbled, the row of four tells them."""
_UNITS = {
    "yi": "一", "i": "一", "ai": "二", "er": "二", "e": "二", "wai": "二", "an": "二", "san": "三", "shan": "三",
    "si": "四", "shi": "四", "wu": "五", "liu": "六", "niu": "六", "qi": "七", "ba": "八", "jiu": "九",
}  # fmt: skip


def doors_by_sound(text: str) -> str:
    """Of the same length; behind a garbled number only what sounds just as it should is put right."""
    text = _rows(text)
    for door in _BEHIND_NUMBER.finditer(text):
        first, second = toneless(door[1])
        for word, firsts, seconds in _SOUNDS:
            sure = text[door.start() - 1] not in _MEANT or second == seconds[0]
            if sure and first in firsts and second in seconds:
                text = text[: door.start()] + word + text[door.start() + 2 :]
    return _BEFORE_DOOR.sub(lambda found: _MEANT[found.group()], text)


def _rows(text: str) -> str:
    """Number, 号楼, number, 单元 behind one another: the numbers as heard, the words as meant."""
    if "号" not in text and "后" not in text:
        return text
    sounds = [char if char in _KEPT else sound for char, sound in zip(text, toneless(text), strict=True)]
    line = " ".join((*sounds, ""))
    for row in _ROW.finditer(line):
        at = line.count(" ", 0, row.start())
        unit = text[at + 3] if text[at + 3] in _KEPT else _UNITS.get(row["unit"])
        if unit is not None:
            text = f"{text[: at + 1]}号楼{unit}单元{text[at + 6 :]}"
    return text


_KEPT = frozenset("0123456789零一二两三四五六七八九十号")
