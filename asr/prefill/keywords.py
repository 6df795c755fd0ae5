"""The categories' keywords in a turn, read or heard."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache

from pypinyin.phrases_dict import phrases_dict

from asr.lexicon import GAP, Lexicon
from asr.lexicon.pinyin import syllables
from asr.prefill.reading import Reading

STRONG, NORMAL, WEAK = 2.4, 1.0, 0.35
BY_SOUND = 0.6
"""What a keyword is worth that is only heard, not read."""
EMERGENCY = "90"
"""Categories of things happening now; their words count only where they are not denied, past or supposed."""
_EVERYDAY = frozenset("是的了一不我你他有在就都也这那个们到去来上下没要会说还又很太吗呢吧啊大小多少年月日天人家里")


@dataclass(frozen=True, slots=True)
class Hit:
    code: str
    word: str
    weight: float
    start: int
    end: int
    strong: bool


@dataclass(frozen=True, slots=True)
class _Keyword:
    """``sound`` is empty where the word is too short or too common to be known by its sound."""

    code: str
    word: str
    weight: float
    strong: bool
    pattern: re.Pattern[str] | None
    sound: str


def is_emergency(code: str) -> bool:
    return code.startswith(EMERGENCY)


@lru_cache(maxsize=8)
def _keywords(lexicon: Lexicon) -> tuple[_Keyword, ...]:
    spread: Counter[str] = Counter()
    for category in lexicon.categories:
        spread.update({*category.strong, *category.keywords, *category.weak})
    found = []
    for category in lexicon.categories:
        for words, base in ((category.strong, STRONG), (category.keywords, NORMAL), (category.weak, WEAK)):
            for word in words:
                rare = math.log(1 + len(lexicon.categories) / spread[word]) / math.log(1 + len(lexicon.categories))
                length = min(1.5, 0.7 + 0.2 * len(word.replace(GAP, "")))
                strong = base == STRONG
                heard = GAP not in word and (
                    len(word) >= 3 or (strong and len(word) == 2 and not is_emergency(category.code))
                )
                sound = _sound_key(word) if heard else ""
                found.append(_Keyword(category.code, word, base * rare * length, strong, _with_gap(word), sound))
    return tuple(found)


def _sound_key(text: str) -> str:
    """One syllable for each character, a space before and behind each."""
    return f" {' '.join('_' if sound.isspace() else sound for sound in syllables(text))} "


def _with_gap(word: str) -> re.Pattern[str] | None:
    if GAP not in word:
        return None
    return re.compile(r"[^。！？]{0,10}?".join(re.escape(half) for half in word.split(GAP)))


@lru_cache(maxsize=4096)
def keyword_hits(reading: Reading) -> tuple[Hit, ...]:
    """Keywords of a turn; of two that overlap in one category the longer counts."""
    text, heard = reading.text, _sound_key(reading.text)
    found: dict[str, list[Hit]] = defaultdict(list)
    for keyword in _keywords(reading.lexicon):
        weight = keyword.weight
        if keyword.pattern is None:
            start = text.find(keyword.word)
            if start < 0 and keyword.sound and (at := heard.find(keyword.sound)) >= 0:
                start = heard.count(" ", 0, at + 1) - 1
                weight *= BY_SOUND * _unlike_a_word(text[start : start + len(keyword.word)])
            span = (start, start + len(keyword.word)) if start >= 0 else None
        else:
            match = keyword.pattern.search(text)
            span = match.span() if match is not None else None
        if span is not None and weight and not _inside_name(reading, span):
            found[keyword.code].append(Hit(keyword.code, keyword.word, weight, *span, keyword.strong))
    kept = []
    for hits in found.values():
        hits.sort(key=lambda hit: (-hit.weight, hit.start))
        own: list[Hit] = []
        for hit in hits:
            if not any(hit.start < other.end and other.start < hit.end for other in own):
                own.append(hit)
        kept.extend(own)
    return tuple(kept)


def _unlike_a_word(heard: str) -> float:
    """Two characters that are a word of their own were meant as such: 反应 is no 反映 by chance, nor 老是 a 老师."""
    if len(heard) > 2:
        return 1.0
    return 0.0 if heard in phrases_dict or set(heard) & _EVERYDAY else 0.7


def _inside_name(reading: Reading, span: tuple[int, int]) -> bool:
    """学院 in 学院小区 is no matter of schools."""
    return any(start <= span[0] and span[1] <= end for start, end in reading.protected)
