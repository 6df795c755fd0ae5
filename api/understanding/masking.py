"""What a language model elsewhere may not see: numbers, names and doors, replaced before anything is sent (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asr.transcript import Turn

_DIGITS = "零〇一二两三四五六七八九幺0-9"
_LONG = re.compile(rf"[{_DIGITS}](?:[，,、\s]?[{_DIGITS}]){{5,}}")
"""Phones, tickets, parcels, identity numbers: six digits and more, pauses between them or not."""
_SPELLING = re.compile(r"[\u4e00-\u9fff]{1,4}的[\u4e00-\u9fff](?=[，。、]|$)")
_HIDDEN = "*"
_OF_PERSON = ("caller_name", "contact_phone", "address")


@dataclass(frozen=True, slots=True)
class Line:
    """One turn as it is sent."""

    speaker: str
    text: str


def lines_of(turns: Sequence[Turn], known: Mapping[str, str], *, personal: bool) -> list[Line]:
    """``known`` are fields of the rules' result; ``personal`` True sends everything as it was said."""
    finals = [turn for turn in turns if turn.final and turn.text.strip()]
    if personal:
        return [Line(turn.speaker.value, turn.text) for turn in finals]
    words = [known[name] for name in _OF_PERSON if known.get(name)]
    words += [name[0] + title for name in (known.get("caller_name"),) if name for title in ("女士", "先生", "师傅")]
    return [Line(turn.speaker.value, mask(turn.text, words)) for turn in finals]


def mask(text: str, words: Sequence[str]) -> str:
    """Every long number, every spelling of a name, and these words."""
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= 2:
            text = text.replace(word, _HIDDEN * len(word))
    text = re.sub(r"(?:我姓|贵姓|姓)([\u4e00-\u9fff])", lambda match: match.group()[:-1] + _HIDDEN, text)
    text = re.sub(
        r"(我叫|名字叫)([\u4e00-\u9fff]{2,3})", lambda match: match.group(1) + _HIDDEN * len(match.group(2)), text
    )
    return _SPELLING.sub(_hide, _LONG.sub(_hide, text))


def _hide(match: re.Match[str]) -> str:
    return _HIDDEN * len(match.group())
