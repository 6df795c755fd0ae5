"""Two roads named together are a crossing."""

from __future__ import annotations

import re

from asr.lexicon import PlaceKind
from asr.prefill.gazetteer import PlaceHit

_AND = re.compile(r"(?:路|街)?(?:[和与跟同、到，]|走到|[拐转](?:到|往|向|进|上)?|[往向])?")
_CROSSED = re.compile(
    r"(?:的|拐弯?|转弯?|[，,]?[那这]个大|那个|这个|那)*"
    r"(?P<mouth>交叉口|交口|交汇处?|十字路口|丁字路口|十字|丁字|路口|拐角|口|红绿灯|(?:高架|立交)桥?|匝道口?"
    r"|[，,]?(?=[东西][南北]角))"
)
_MOUTHS = {
    "十字": "十字路口",
    "丁字": "丁字路口",
    "口": "路口",
    "红绿灯": "路口",
    "，": "路口",
    ",": "路口",
    "": "路口",
}
_MET = re.compile(r"[和与跟同]")
_SAID_ALL = re.compile(r"(?P<mouth>)(?=[，,。！？]|$)")


def crossing(text: str, one: PlaceHit, other: PlaceHit) -> tuple[str, int] | None:
    """文昌路跟凤翔路那个口: what the address calls it, and its end."""
    roads = one.place.kind is PlaceKind.ROAD and other.place.kind is PlaceKind.ROAD
    if not roads or not _AND.fullmatch(text, one.end, other.start):
        return None
    met = _MET.fullmatch(text, one.end, other.start) is not None
    mouth = _CROSSED.match(text, other.end) or (_SAID_ALL.match(text, other.end) if met else None)
    return None if mouth is None else (_MOUTHS.get(mouth.group("mouth"), mouth.group("mouth")), mouth.end())
