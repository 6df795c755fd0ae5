"""Surnames told by the parts of their character, by sound: 上头一个人，底下一个公 is 仝."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from asr.lexicon.pinyin import syllables, unlike

_PARTS = (
    "仝:人,工 邰:台,耳 昝:处,日 郜:告,耳 佟:人,冬 仉:人,几 贠:私,贝 訾:此,言 芮:草,内 靳:革,斤 宓:盖,必 覃:西,早 "
    "郗:希,耳 邢:开,耳 邬:乌,耳 邸:底,耳 郇:旬,耳 郦:丽,耳 郭:享,耳 邱:丘,耳 祁:示,耳 郁:有,耳 郑:关,耳 邓:又,耳 "
    "邵:召,耳 阮:耳,元 仲:人,中 任:人,壬 付:人,寸 侯:人,候 佘:人,示 荀:草,旬 苟:草,句 荆:草,刑 蔺:草,门 芦:草,户 "
    "茹:草,如 庞:广,龙 阎:门,陷 闵:门,文 闻:门,耳 阚:门,敢 闾:门,吕 宋:盖,木 宁:盖,丁 晁:日,兆 昌:日,日 晏:日,安 "
    "贾:西,贝 贺:加,贝 费:弗,贝 岑:山,今 崔:山,佳 岳:丘,山 柴:此,木 栾:亦,木 桑:又,木 查:木,旦 冉:再,横 "
    "殷:月,又 蒯:刀,草 臧:戈,臣 逯:走,录 逄:走,降 迟:走,尺 连:走,车 边:走,力 褚:衣,者 裴:非,衣 袁:土,口 "
    "曲:日,竖 申:田,竖 尹:伊,人 孟:子,皿 盛:成,皿 盖:羊,皿 窦:穴,卖 翟:羽,隹 翁:公,羽 羿:羽,开 聂:耳,双 "
    "巩:工,凡 项:工,页 顾:厄,页 颜:彦,页 卓:上,早 章:立,早 童:立,里 竺:竹,二 简:竹,间 管:竹,官 符:竹,付 "
    "缪:丝,飞 纪:丝,己 练:丝,东 汪:水,王 江:水,工 池:水,也 潘:水,番 沙:水,少 仇:人,九 伍:人,五 何:人,可 "
    "吴:口,天 吕:口,口 杜:木,土 林:木,木 李:木,子 梅:木,每 柏:木,白 柯:木,可 柳:木,卯 樊:林,大 楚:林,足 "
    "姚:女,兆 姜:羊,女 娄:米,女 好:女,子 刁:刀,提 霍:雨,隹 雷:雨,田 强:弓,虽 弓:弓,弓 张:弓,长 靖:立,青"
)
_WHERE = re.compile(
    r"[上尚][头透投面边]|[底抵][下夏]|[下夏][头透面边]|[左右有又][边面]|旁边|边上|[自字]旁|[里李][头面]|中间|[加家][个各一上]|[挂带代]"
)
_SPOKEN = re.compile(r"[^，,。]{0,6}")
_AS_HEARD = 0.2
_NO_PART = frozenset("一个各是有写那的字得地还再儿")


def built_of(text: str) -> Mapping[str, int]:
    """How many of a surname's two parts are told in the text; empty where it speaks of no parts."""
    places = list(_WHERE.finditer(text))
    told = tuple(spoken.group() for where in places if (spoken := _SPOKEN.match(text, where.end())) is not None)
    if not told:
        return {}
    before = text[: places[0].start()]
    return _counted(told, before[-10:])


@lru_cache(maxsize=2048)
def _counted(told: tuple[str, ...], before: str) -> dict[str, int]:
    sounds = [
        {sound for char, sound in zip(words, syllables(words), strict=True) if char not in _NO_PART} for words in told
    ]
    opening = set(syllables(before))
    found: dict[str, int] = {}
    for surname, one, other in _parts():
        hits = [{number for number, heard in enumerate(sounds) if _told(part, heard)} for part in (one, other)]
        first = bool(hits[0]) or _told(one, opening)
        count = first + bool(hits[1]) if len(hits[0] | hits[1]) > 1 or not (hits[0] and hits[1]) else 1
        if hits[0] or hits[1]:
            found[surname] = count
    return found


def _told(part: str, heard: set[str]) -> bool:
    return any(unlike(part, sound) <= _AS_HEARD for sound in heard)


@lru_cache(maxsize=1)
def _parts() -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    for entry in _PARTS.split():
        surname, parts = entry.split(":")
        one, other = syllables(parts.replace(",", ""))
        found.append((surname, one, other))
    return tuple(found)
