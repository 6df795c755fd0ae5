"""What it is about: category, kind of appeal, department, urgency."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pypinyin.phrases_dict import phrases_dict

from asr.lexicon import GAP, Category, Lexicon
from asr.lexicon.pinyin import syllables
from asr.prefill.reading import Reading, Said, Talk, read
from asr.prefill.suggestions import Evidence, Suggestion
from asr.transcript import Turn

STRONG, NORMAL, WEAK = 2.4, 1.0, 0.35
BY_SOUND = 0.6
"""What a keyword is worth that is only heard, not read."""
URGENT = 3.0
"""How much more something that is happening now counts than what the call began with."""
EMERGENCY = "90"
"""Categories of things happening now; their words count only where they are not denied, past or supposed."""
PRAISE, REPEAT = "1404", "1403"
ABOUT_US = 0.7
"""Who calls again complains of us too, but the matter is still the matter."""
_PRAISED = re.compile(
    r"(?<!不)(?:我|就是|想|要|来)(?:想|要|来|是|给|打电话)*(?:表扬|感谢(?!你们)|送.{0,4}锦旗"
    r"|点赞|夸)"
)
_GREETING = re.compile(r"政务服务便民热线|有什么可以帮|请问有什么|很高兴为您")
_DENIED = re.compile(r"(?:没有?|不是|并非|没怎么|也不|不会|别|不)(?:人|真的?|再)?(?:被)?$")
_PAST = re.compile(
    r"去年|前年|上个?月|上回|上次|以前|之前|前几天|前天|那年|早就|年前|上(?:个)?(?:礼拜|星期"
    r"|周)|昨天"
)
_SUPPOSED = re.compile(
    r"再不|万一|要是|如果|怕|容易|会不会|可能会|差点|跟.{0,6}(?:一样|似的)|恨不得|真想"
    r"|气得|担心|听说|抖音|网上|真的假的|几月份?$"
)
_NOW = re.compile(r"现在|突然|刚|今天|这会儿|正|还在|快")
_LIKE = re.compile(r"(?:跟|像|好像)[^，。]{0,10}(?:一样|似的)")
_ASKING = re.compile(r"想问|咨询|问一下|请问|多少钱|哪儿办|怎么办理|啥时候招")
_REPORTS = re.compile(r"(?:我|要|想)(?:来|是)?(?:反映|投诉|举报|检举)")
"""我想问一下，我反映学校的事儿 asks nothing."""
_EVERYDAY = frozenset("是的了一不我你他有在就都也这那个们到去来上下没要会说还又很太吗呢吧啊大小多少年月日天人家里")
_OFFERS_KINDS = re.compile(
    r"(?:投诉|举报|咨询|建议|求助|反映)[^，。]{0,6}还是|还是[^，。]{0,6}(?:投诉|举报|咨询|建议|求助)"
)
_CHOSEN = re.compile(r"^[^，。]{0,4}?(投诉|举报|咨询|建议|求助)")
"""An answer to 您是想了解标准还是要投诉."""
_ASKS = re.compile(r"^.{0,6}?(?:请问|想问|我问|问问|问一下|咨询|想了解)")
_SECRET_WISH = re.compile(r"匿名|不留名|保密|别说是我|是谁(?:打|反映|举报)")
_PLACEHOLDERS = frozenset({"涉及单位", "相关单位", "属地政府", "权属单位"})


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


def rank_categories(turns: Sequence[Turn], lexicon: Lexicon) -> list[tuple[str, float]]:
    """All categories with any cue, best first, with shares that add up to 1."""
    return _ranked(read(turns, lexicon))[0]


def suggest_matter(talk: Talk) -> list[Suggestion]:
    ranked, evidence = _ranked(talk)
    if not ranked:
        return []
    code, confidence = ranked[0][0], _sure(ranked)
    category = talk.lexicon.category(code)
    assert category is not None
    because = evidence[code][:6]
    suggestions = [Suggestion(field="category_code", value=code, confidence=confidence, evidence=because)]
    department, sure, proof = _department(talk, ranked, category, confidence)
    suggestions.append(Suggestion(field="department", value=department, confidence=sure, evidence=proof or because))
    suggestions.append(_appeal_type(talk, category, because))
    suggestions.append(_urgency(talk, category, because))
    return suggestions


def _ranked(talk: Talk) -> tuple[list[tuple[str, float]], dict[str, tuple[Evidence, ...]]]:
    scores: dict[str, float] = defaultdict(float)
    evidence: dict[str, list[tuple[float, Evidence]]] = defaultdict(list)
    counted: Counter[tuple[str, str]] = Counter()
    caller_turns = 0
    for said in talk.all:
        if said.by_agent and _GREETING.search(said.text):
            continue
        share = _share(said, caller_turns)
        caller_turns += said.by_caller
        for hit in keyword_hits(said.reading):
            if _is_emergency(hit.code) and not _happening(said, hit):
                continue
            counted[hit.code, hit.word] += 1
            weight = hit.weight * share / counted[hit.code, hit.word]
            weight *= ABOUT_US if hit.code == REPEAT else 1.0
            weight *= URGENT if _is_emergency(hit.code) and hit.strong and said.by_caller else 1.0
            scores[hit.code] += weight
            evidence[hit.code].append((weight, said.evidence(hit.start, hit.end)))
    if _praises(talk):
        scores[PRAISE] += 12.0
    total = sum(value**2 for value in scores.values())
    ranked = sorted(((code, value**2 / total) for code, value in scores.items()), key=lambda pair: (-pair[1], pair[0]))
    proofs = {
        code: tuple(dict.fromkeys(item for _, item in sorted(rows, key=lambda row: -row[0])))
        for code, rows in evidence.items()
    }
    return ranked, proofs


def _praises(talk: Talk) -> bool:
    return any(_PRAISED.search(said.text) for said in talk.caller[:2])


def _share(said: Said, caller_turns: int) -> float:
    """The caller's first words say what the call is about; the operator's are heard with half an ear."""
    if said.by_caller:
        return 1.5 if caller_turns < 2 else 1.0 if caller_turns < 4 else 0.7
    return 0.3 if said.by_agent else 0.15


def _happening(said: Said, hit: Hit) -> bool:
    before = said.text[max(0, hit.start - 10) : hit.start]
    if _DENIED.search(before[-5:]) or _SUPPOSED.search(before) or _SUPPOSED.search(said.text[hit.end : hit.end + 3]):
        return False
    start, end = said.reading.clause_at(hit.start)
    clause, lead = said.text[start:end], said.text[max(0, start - 14) : end]
    past = _PAST.search(clause) or (_PAST.search(lead) and not _NOW.search(lead))
    return not (past or _LIKE.search(clause) or _ASKING.search(said.text[max(0, start - 6) : end]))


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
                    len(word) >= 3 or (strong and len(word) == 2 and not _is_emergency(category.code))
                )
                sound = _sound_key(word) if heard else ""
                found.append(_Keyword(category.code, word, base * rare * length, strong, _with_gap(word), sound))
    return tuple(found)


def _is_emergency(code: str) -> bool:
    return code.startswith(EMERGENCY)


def _sound_key(text: str) -> str:
    return " " + " ".join(syllables(text)) + " "


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


def _sure(ranked: list[tuple[str, float]]) -> float:
    first = ranked[0][1]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    return round(min(0.95, 0.35 + 0.35 * first + 0.35 * (first - second)), 2)


def _department(
    talk: Talk, ranked: list[tuple[str, float]], category: Category, confidence: float
) -> tuple[str, float, tuple[Evidence, ...]]:
    """The category's own, except where a category says only "whoever is concerned": then whom the caller speaks of."""
    if category.department not in _PLACEHOLDERS or not category.code.startswith("14"):
        return category.department, confidence, ()
    office = _office(talk)
    if office is not None:
        return office[0], min(confidence, 0.78), (office[1],)
    for code, _ in ranked[1:3]:
        other = talk.lexicon.category(code)
        if other is not None and other.department not in _PLACEHOLDERS:
            return other.department, min(confidence, 0.6), ()
    return category.department, min(confidence, 0.5), ()


def _office(talk: Talk) -> tuple[str, Evidence] | None:
    scores: Counter[str] = Counter()
    proof: dict[str, Evidence] = {}
    for said in talk.caller:
        for word, department in talk.lexicon.cues.organisations.items():
            start = said.text.find(word)
            if start >= 0:
                scores[department] += len(word)
                proof.setdefault(department, said.evidence(start, start + len(word)))
    best = scores.most_common(1)
    return (best[0][0], proof[best[0][0]]) if best else None


def _appeal_type(talk: Talk, category: Category, because: tuple[Evidence, ...]) -> Suggestion:
    scores: dict[str, float] = defaultdict(float)
    proof: dict[str, list[Evidence]] = defaultdict(list)
    scores[category.appeal_type] += 1.2
    for order, said in enumerate(talk.caller):
        early = 1.6 if order < 2 else 0.8
        for kind, words in talk.lexicon.cues.appeal_types.items():
            worth = _kind_worth(said, kind, words, proof[kind])
            if kind == "咨询" and _REPORTS.search(said.text):
                worth = [value / 3 for value in worth]
            scores[kind] += max(worth, default=0.0) * early + 0.2 * sum(sorted(worth)[:-1])
        chosen = _CHOSEN.match(said.text) if _OFFERS_KINDS.search(said.asked) else None
        if chosen is not None:
            scores[chosen.group(1)] += 6.0
        if order < 2 and _ASKS.match(said.text) and not _REPORTS.search(said.text):
            scores["咨询"] += 1.2
        if _SECRET_WISH.search(said.text):
            scores["举报"] += 1.0
    if category.code == PRAISE and _praises(talk):
        scores["表扬"] += 6.0
    if _is_emergency(category.code):
        scores["求助"] += 8.0
    best = max(scores, key=lambda kind: scores[kind])
    rest = sorted((value for kind, value in scores.items() if kind != best), reverse=True)
    margin = scores[best] - (max(0.0, rest[0]) if rest else 0.0)
    confidence = round(min(0.94, 0.55 + 0.09 * margin + 0.1 * (best == category.appeal_type)), 2)
    return Suggestion(
        field="appeal_type", value=best, confidence=confidence, evidence=tuple(proof[best][:4]) or because[:2]
    )


def _kind_worth(said: Said, kind: str, words: Sequence[str], proof: list[Evidence]) -> list[float]:
    found = []
    for word in words:
        start = said.text.find(word)
        if start < 0:
            continue
        if re.search(r"(?:不|不是|没|不想|别)(?:要|来|想|是)?$", said.text[max(0, start - 3) : start]):
            found.append(-1.5)
            continue
        named = word.startswith(kind)
        found.append(3.0 if named and _declares(said, start) else 0.9 if named else 0.7)
        proof.append(said.evidence(start, start + len(word)))
    return found


def _declares(said: Said, start: int) -> bool:
    """我要投诉, 我举报个事儿: the caller says himself what it is."""
    return (
        re.search(
            r"(?:我|要|想|来|先)(?:是|要|想|来|就|实名|匿名|给|打电话|问一下)*$", said.text[max(0, start - 6) : start]
        )
        is not None
        or start <= 2
    )


def _urgency(talk: Talk, category: Category, because: tuple[Evidence, ...]) -> Suggestion:
    if _is_emergency(category.code):
        level = "紧急" if category.code in ("9004", "9005") else "特急"
        return Suggestion(field="urgency", value=level, confidence=0.85, evidence=because[:3])
    hits: dict[str, list[Evidence]] = defaultdict(list)
    for said in talk.caller:
        for level, words in talk.lexicon.cues.urgency.items():
            for word in words:
                start = said.text.find(word)
                if start >= 0 and _happening(said, Hit("", word, 0.0, start, start + len(word), False)):
                    hits[level].append(said.evidence(start, start + len(word)))
    if len(hits["特急"]) >= 2:
        return Suggestion(field="urgency", value="紧急", confidence=0.6, evidence=tuple(hits["特急"][:4]))
    raised = hits["特急"] + hits["紧急"]
    if len(hits["紧急"]) + 2 * len(hits["特急"]) >= 2:
        return Suggestion(field="urgency", value="紧急", confidence=0.62, evidence=tuple(raised[:4]))
    return Suggestion(field="urgency", value="一般", confidence=0.8 if not raised else 0.76, evidence=because[:1])
