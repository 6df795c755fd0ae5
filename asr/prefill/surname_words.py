"""The words that surnames are explained with, and the parts of characters that are told, as they sound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables

_RADICALS = (
    (
        re.compile("[耳二而儿饿尔][朵多度刀道都到]|[朵多度][旁庞胖]|[耳二而]字?旁"),
        "邬邱邵郑邓郭郝邹邢郎郁邰邸郜郗阮陆陈陶邝邴郏郦鄢郇隋郄都部",
    ),
    (
        re.compile("[草曹操炒早好][字自子制治][头投偷]"),
        "茹荀苟荆蔺蒲芦芮范蒋葛苗萧董薛蔡莫荣蓝苏苑薄蒙花艾黄叶",
    ),
    (re.compile("[衣一伊]字[旁跑庞胖]"), "褚裴"),
    (re.compile("[三山]点[水睡谁]"), "沈江汪温潘洪涂汤游沙池滕濮浦淳沿"),
    (re.compile("[走奏揍][之这只知支直至](?:底|儿|字|旁|边|[，,]?一?个)"), "逄逯迟连边"),
    (re.compile("[单丹担]?[立力利理]人[旁庞儿]|单[立力利理]人"), "任何伍付傅倪佟侯仇仲位佘储"),
)
"""A part of a character, as it is heard, and the surnames that have it."""

_READ_OTHERWISE = dict(
    zip(
        "解种仇单查区盖朴曾覃翟缪乐员贠召折黑洗秘尉隗过哈那适繁能句莘藏",
        "谢虫求善渣欧葛瓢增秦宅妙月运运绍舌贺显毕玉葵锅蛤娜扩婆耐勾深脏",
        strict=True,
    )
)
"""Surnames read otherwise than the character alone, and a character that is read so."""


@lru_cache(maxsize=4096)
def readings(surname: str) -> tuple[str, ...]:
    """The surname, and where it is read otherwise a character that sounds like that."""
    other = _READ_OTHERWISE.get(surname)
    return (surname, other) if other is not None else (surname,)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``own``: where in the word the surname's own sound is, if it is there; ``whole``: the surname ends the word."""

    word: str
    surname: str
    sounds: tuple[str, ...]
    own: int | None
    whole: bool


def surnames_with_part(text: str) -> str:
    """The surnames that have a part of a character which is spoken of here."""
    return "".join(surnames for pattern, surnames in _RADICALS if pattern.search(text))


@lru_cache(maxsize=8)
def explanations(lexicon: Lexicon) -> tuple[Explanation, ...]:
    """The lexicon's words and those of its cues."""
    told = dict.fromkeys((word, name) for name, words in lexicon.surname_words.items() for word in words)
    told |= dict.fromkeys((word, char) for word, char in lexicon.cues.name_words.items() if char in lexicon.surnames)
    return tuple(_explanation(word, surname) for word, surname in told)


@lru_cache(maxsize=8)
def explanations_by_sound(lexicon: Lexicon) -> dict[tuple[int, str], Sequence[Explanation]]:
    """By a syllable and where in the word it is: a word of which no syllable was heard is not worth comparing."""
    found: dict[tuple[int, str], list[Explanation]] = {}
    for each in explanations(lexicon):
        for position, sound in enumerate(each.sounds):
            found.setdefault((position, sound), []).append(each)
    return dict(found)


def _explanation(word: str, surname: str) -> Explanation:
    sounds, name = syllables(word), syllables(surname)
    own = next((at for at in range(len(sounds) - len(name) + 1) if sounds[at : at + len(name)] == name), None)
    return Explanation(word, surname, sounds, own, len(word) > 2 and word.endswith(surname))
