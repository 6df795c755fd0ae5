"""How the operator addresses the caller, by the sound of the title: 五女是 for 邬女士, 盐大言 for 阎大爷."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from asr.prefill.reading import PAUSE, Said

_FIRST = "好的?|嗯+|那|行|可以的?|谢谢您?|收到|明白|理解|抱歉|请问|您?是"
_TITLES = (
    ("女", "女[士是事式世市室视试示师施诗术熟书树叔]|女性(?=[，,。]|$)"),
    ("男", "先[生声省升胜深身]|[心新鲜]生(?=[您电需，,。]|好的|请)|[闲显现]生(?=[您，,。])"),
    ("女", "阿[姨一衣疑]"),
    (
        "男",
        "大[爷言元眼院燕严颜烟爺椰夜业](?=[您好，,。请我给需就]|$)|大叔|大[哥歌个](?=[您好，,。请我给需就电]|$)|叔叔|爷爷|大伯",
    ),
    ("女", "大[娘良凉亮梁](?=[您好，,。请我给需就食是]|$)|大姐|大妈|奶奶|大婶"),
    ("", "师[傅父副]|同学|老师|同志"),
)
_TITLE = "|".join(f"(?P<t{number}>{words})" for number, (_, words) in enumerate(_TITLES))
_NAMED = re.compile(rf"(?:(?<=^)|(?<={PAUSE})|(?P<first>{_FIRST}))(?P<name>[\u4e00-\u9fff]{{1,2}}?)(?:{_TITLE})")
_ALONE = re.compile(rf"(?:^|{PAUSE}|{_FIRST})(?:{_TITLE})(?=您|你|[，,]您)")
_OF_THEIRS = re.compile("家|的(?![，,。])")
_NO_NAME = frozenset("您你我他她它这那位个的了是有老小大请一二两对在好和跟为叫给到阿男女")


@dataclass(frozen=True, slots=True)
class Called:
    """``name``: what was heard before the title, empty if nothing; ``gender``: of the title, empty if of both."""

    name: str
    gender: str
    start: int
    end: int


@lru_cache(maxsize=8192)
def called(said: Said) -> tuple[Called, ...]:
    """Each time the operator speaks to somebody by a title."""
    return tuple(_called(said)) if said.by_agent else ()


def _called(said: Said) -> Iterator[Called]:
    for match in _NAMED.finditer(said.text):
        name = match.group("name")
        if not set(name) & _NO_NAME and _OF_THEIRS.match(said.text, match.end()) is None:
            yield Called(name, _gender(match), match.start("name"), match.end())
    for match in _ALONE.finditer(said.text):
        yield Called("", _gender(match), match.start(), match.end())


def _gender(match: re.Match[str]) -> str:
    return next(gender for number, (gender, _) in enumerate(_TITLES) if match.group(f"t{number}"))
