"""What whisper makes up out of noise, music, silence and its own hints, and how it is known (pure)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from asr.hanzi import without_hanzi

_TELLING_CHARACTERS = 6
_LEAST_LOG_PROBABILITY = -1.4
"""Voice activity has been found already: groups of digits and a lone 对 come at -1.0 to -1.3, inventions below."""
_DOUBTFUL_LOG_PROBABILITY = -1.1
_MOST_COMPRESSION = 2.4
_NO_SPEECH = 0.6
_THANKS = re.compile(r"(?:谢谢|感谢|多谢|謝謝|感謝|多謝)(?:大家|您|你|妳)?[。.！!]?")
"""What whisper says most often to noise."""
_FOREIGN = re.compile(r"[A-Za-z']+(?:[\s,.?!;:-]+[A-Za-z']+){2,}[\s,.?!;:-]*")
_FOREIGN_LOG_PROBABILITY = -0.8
"""Whole English sentences where Chinese is spoken: what whisper makes of Chinese with holes in it lies below."""
_REPEATED = re.compile(r"(.{2,10}?)\1{4,}")
_CREDITS = re.compile(
    r"字幕(?:志愿者|组|由|by|提供)|订阅.{0,6}(?:转发|打赏|点赞)|明镜与点点|Amara\.org|谢谢(?:大家)?(?:观看|收看)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """``log_probability`` is the mean over the tokens, ``no_speech`` 0..1."""

    text: str
    log_probability: float
    no_speech: float


def believable(decoded: Decoded) -> bool:
    """False for what whisper is known to make up from noise, music and silence."""
    text = decoded.text
    if not text or decoded.log_probability < _LEAST_LOG_PROBABILITY:
        return False
    if decoded.no_speech > _NO_SPEECH and decoded.log_probability < _DOUBTFUL_LOG_PROBABILITY:
        return False
    if decoded.no_speech > _NO_SPEECH and _THANKS.fullmatch(text):
        return False
    data = text.encode()
    if len(data) / len(zlib.compress(data)) > _MOST_COMPRESSION:
        return False
    return not _REPEATED.search(text) and not _CREDITS.search(text)


def believable_so_far(decoded: Decoded) -> bool:
    """As ``believable``, for the beginning of a segment: less is known, and a wrong word on the screen distracts."""
    latin = decoded.text.isascii() and decoded.log_probability < _FOREIGN_LOG_PROBABILITY
    return believable(decoded) and not latin and "\ufffd" not in decoded.text


def mistaken_for_english(decoded: Decoded) -> bool:
    """Three Latin words or more, nothing else, and no certainty; names, plates, 5G and who speaks English stay."""
    return decoded.log_probability < _FOREIGN_LOG_PROBABILITY and _FOREIGN.fullmatch(decoded.text) is not None


def is_foreign(text: str) -> bool:
    """It has a letter that is no Chinese character."""
    return any(letter.isalpha() for letter in without_hanzi(text))


def leaked(text: str, hotwords: str) -> bool:
    """True for a text that repeats the list it was given rather than what was said: three of its words on end."""
    words = [word for word in re.split(r"[、，,。\s]+", text) if word]
    known = set(hotwords.split("、"))
    runs = "".join("x" if word in known else "." for word in words)
    return "xxx" in runs or (len(text) >= _TELLING_CHARACTERS and text in hotwords and "、" in text)
