"""Recognised text as people here read it: simplified characters, unspaced, full-width punctuation (pure)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WIDE = "，。？！：；、"
_SPACE_BESIDE_HAN = re.compile(rf"(?<=[{_HAN}{_WIDE}])[ \t\u3000]+|[ \t\u3000]+(?=[{_HAN}{_WIDE}])")
_NARROW_BESIDE_HAN = re.compile(rf"(?<=[{_HAN}])\s*([,.?!:;])|([,?!:;])\s*(?=[{_HAN}])")
_NARROW_AT_END = re.compile(rf"(?<=[{_HAN}0-9A-Za-z])([.?!])$")
_UNKNOWN = re.compile(r"[\[<]unk[\]>]", re.IGNORECASE)
"""What Kaldi's recognisers write for a sound that is none of their words."""
_DOUBLED = re.compile(rf"([{_WIDE}])[{_WIDE}]+")
_WIDER = str.maketrans(",.?!:;", "，。？！：；")
_VARIANTS = str.maketrans("妳祂牠", "你他它")  # OpenCC takes these for simplified
_PARTICLE = re.compile(
    r"(?<![原名专巨合编译遗论显土卓昭])著(?![名作称书述录有])"
)  # 住著 is 住着: OpenCC keeps 著 for 著名
_HAN_ANYWHERE = re.compile(rf"[{_HAN}]")


def normalise(text: str) -> str:
    """Text without Chinese in it is only trimmed. Digits, Latin letters and points inside numbers stay."""
    text = " ".join(_UNKNOWN.sub(" ", text).split())
    if not _HAN_ANYWHERE.search(text):
        return text
    text = _PARTICLE.sub("着", str(_simplifier().convert(text)).translate(_VARIANTS))
    text = _NARROW_BESIDE_HAN.sub(lambda mark: (mark[1] or mark[2]).translate(_WIDER), text)
    text = _NARROW_AT_END.sub(lambda mark: mark[1].translate(_WIDER), text)
    text = _SPACE_BESIDE_HAN.sub("", text)
    text = _DOUBLED.sub(r"\1", text)
    return text.lstrip(_WIDE + ",.!?;: ")


def without_hanzi(text: str) -> str:
    """Whatever in it is no Chinese character."""
    return _HAN_ANYWHERE.sub("", text)


@lru_cache(maxsize=1)
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
