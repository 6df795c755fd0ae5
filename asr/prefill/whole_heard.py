"""The whole name in an answer of which only sounds were heard: 燃立民，燃燃升起的燃 is 冉 and two characters."""

from __future__ import annotations

import re

from asr.lexicon import Lexicon
from asr.prefill.genders import TITLES
from asr.prefill.given_names import usual_given_name
from asr.prefill.reading import PAUSE
from asr.prefill.surname_votes import Elected, likeness

_GIVEN = re.compile(r"[\u4e00-\u9fff]{1,2}")
_NO_GIVEN = frozenset("的了是我你您他她们不吗呢吧啊呀嘛这那个姓叫写就电打号行")
_TITLE = re.compile("|".join(sorted(TITLES, key=len, reverse=True)))


def given_heard(lexicon: Lexicon, elected: Elected) -> str:
    """As heard, still to be put right; empty where the answer holds the surname alone."""
    text = elected.said.text
    if len(elected.surname) > 1:
        return _behind_double(elected)
    if elected.named or likeness(elected.heard, elected.surname) < 0.6:
        return ""
    pause = re.compile(PAUSE).search(text, elected.end)
    end = pause.start() if pause is not None else len(text)
    if elected.explained is not None and elected.end < elected.explained <= end:
        end = elected.explained
        end -= likeness(text[end - 1], elected.surname) >= 0.6 and end - elected.end > 2
    given = text[elected.end : end]
    if _GIVEN.fullmatch(given) is None or set(given) & _NO_GIVEN or _TITLE.match(given):
        return ""
    told = elected.explained is not None and elected.told
    return given if told or usual_given_name(lexicon, given) is not None else ""


def _behind_double(elected: Elected) -> str:
    """欧阳，欧阳称 behind 复姓."""
    double = re.escape(elected.heard)
    behind = elected.said.text[elected.end :]
    match = re.match(rf"(?:{PAUSE}?{double})?(?P<given>[\u4e00-\u9fff]{{1,2}})(?={PAUSE}|$)", behind)
    given = match["given"] if match is not None else ""
    return "" if set(given) & _NO_GIVEN or _TITLE.match(given) else given
