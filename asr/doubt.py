"""How far what sounds like danger is doubted, by its place in the talk (pure)."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from asr.lexicon.urgency import Urgency
from asr.prefill.questions import ASKS_NAME, ASKS_PHONE

_OPENING = 3
"""Danger is told in the first turns of a talk, if they tell of nothing else, or breaks into it."""
_ORDINARY = ("asking", "complaint", "past")
_LATER = 0.4
"""So much more has to speak for it after them, where the operator asked who is calling, and after each of _ORDINARY."""
_CALM = 2 * _LATER
"""The same after what says that nobody is in danger."""
INTERRUPTED = re.compile(
    r"…+(?![…，]|不对|不是|那个|呃|嗯|哦)|(?:^|[，。！？、])(?:哎+|唉|哎[呀哟]|啊|坏了|糟了|不好了?|我的[妈天]|[妈娘天]呀|天[哪呐]|等[等下会]|别挂|[快你]?看)"
)
"""What was asked or complained of before is not what happens after it."""
_NUMBER = r"[一二两三四五六七八九十几半好0-9]"
_SEEN_TO = (
    r"(?<![没未不])(?:出(?:了)?院|缝(?:了|过|完)[^，。！？]{0,3}针|住院[^，。！？]{0,3}(?:花了|住了)"
    rf"|住(?:了|过){_NUMBER}+[^，。！？]{{0,3}}院|手术(?:做完|做了)|(?:线|石膏)[^，。！？]{{0,3}}拆了"
    r"|拆(?:了|完)?(?:线|石膏)|接(?:上|好)了|治好了)"
)
_TREATED = re.compile(rf"{_SEEN_TO}|(?:医药|医疗|治疗|手术|住院)费|(?:报|认|算|赔|评)(?:不)?(?:个|成|了)?(?:工伤|伤残)")
"""The harm was done and seen to before the call."""
_UNHARMED = re.compile(
    r"人(?:倒|都|是|也|就)?没(?:啥|什么|大)?事|没(?:有)?(?:人)?(?:受伤|伤(?:着|到)|砸(?:着|到)|掉(?:下|进|(?=[，。！]))|碰(?:着|到)|压(?:着|到)|烫(?:着|到)"
    r"|出事|大事|生命危险)|不(?:疼|晕|吐|流血?|烧|难受|要紧|碍事)了|(?:缓|好|醒)过来了"
)
"""Asked after them, everybody is well."""
_LASTING = re.compile(rf"{_NUMBER}+(?:来|多)?(?:个)?(?:年|月|星期|礼拜|学期)(?:多|了|来|有余)+")
"""What has been so for months does not begin now."""


def doubt_of(told: int, asked: str, text: str, told_of: Container[str]) -> tuple[float, float]:
    """How far a turn is doubted, and what is said in so many words.

    The operator answered ``told`` times before, ``asked`` this just now, and was ``told_of`` ordinary things.
    """
    if INTERRUPTED.search(text):
        return 0.0, 0.0
    of_caller = ASKS_NAME.search(asked) is not None or ASKS_PHONE.search(asked) is not None
    behind = sum(kind in told_of for kind in _ORDINARY)
    over = _CALM * ("treated" in told_of or (told > 0 and _TREATED.search(text) is not None))
    calm = _CALM * (
        ("lasting" in told_of) + ("unharmed" in told_of or (told > 0 and _UNHARMED.search(text) is not None))
    )
    return _LATER * (min(1.0, told / _OPENING) + of_caller + behind) + over + calm, _LATER * behind + over


def seen_to(told: int, text: str) -> bool:
    """Asked how it stands, the caller tells that it is over."""
    return told > 0 and re.search(_SEEN_TO, text) is not None


@lru_cache(maxsize=4096)
def ordinary(text: str, urgency: Urgency) -> frozenset[str]:
    """How it tells of something that does not happen now."""
    said = {"treated": _TREATED, "unharmed": _UNHARMED, "lasting": _LASTING}
    calm = frozenset(kind for kind, pattern in said.items() if pattern.search(text))
    if any(urgency.context["now"].read(text)):
        return calm
    return calm | {kind for kind in _ORDINARY if any(urgency.suppress[kind].read(text))}
