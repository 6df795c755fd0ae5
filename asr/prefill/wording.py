"""Title, text and demand in the caller's own words, without greetings, numbers and names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.prefill.matters import _hits
from asr.prefill.questions import ASKS_CONFIDENTIAL, ASKS_DEMAND, ASKS_NAME, ASKS_PHONE
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_LONGEST = 400
_TITLE_LENGTH = 32
_IDENTITY = re.compile(
    r"免贵|我姓|俺姓|^姓|我叫|贵姓|的[\u4e00-\u9fff]$|电话|手机号|号码|就这个号|保密|记一下"
    r"|你记|打这个|联系我|就行了?$"
)
_DIGITS = re.compile(r"[零〇一二三四五六七八九幺要两0-9]{2,}")


@dataclass(frozen=True, slots=True)
class _Clause:
    said: Said
    start: int
    end: int
    words: str
    weight: float

    @property
    def evidence(self) -> Evidence:
        return self.said.evidence(self.start, self.end)


def suggest_wording(talk: Talk, known: Mapping[str, Suggestion]) -> list[Suggestion]:
    clauses = [clause for said in talk.caller for clause in _clauses(said, known)]
    suggestions = []
    description = _description(clauses, known)
    if description is not None:
        suggestions.append(description)
    title = _title(talk, clauses, known)
    if title is not None:
        suggestions.append(title)
    demand = _demand(talk, clauses)
    return suggestions if demand is None else [*suggestions, demand]


def _clauses(said: Said, known: Mapping[str, Suggestion]) -> Iterator[_Clause]:
    code = known["category_code"].value if "category_code" in known else ""
    private = ASKS_PHONE.search(said.asked) or ASKS_NAME.search(said.asked) or ASKS_CONFIDENTIAL.search(said.asked)
    for start, end in said.reading.clauses:
        words, at = _bare(said.text[start:end], said.reading.lexicon)
        if len(words) < 3 or words in said.reading.lexicon.cues.small_talk or _personal(words, private=bool(private)):
            continue
        weight = sum(hit.weight for hit in _hits(said.reading) if hit.code == code and start <= hit.start < end)
        yield _Clause(said, start + at, end, said.reading.shown(start + at, end), weight)


@lru_cache(maxsize=8)
def _leading(lexicon: Lexicon) -> re.Pattern[str]:
    words = sorted((*lexicon.cues.openings, *lexicon.cues.fillers), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, words))})+")


def _bare(clause: str, lexicon: Lexicon) -> tuple[str, int]:
    match = _leading(lexicon).match(clause)
    at = match.end() if match is not None else 0
    return clause[at:], at


def _personal(words: str, *, private: bool) -> bool:
    if _IDENTITY.search(words) and (private or len(words) < 14):
        return True
    digits = sum(len(match.group()) for match in _DIGITS.finditer(words))
    return digits >= 3 and digits >= len(words) - 3 and private


def _description(clauses: list[_Clause], known: Mapping[str, Suggestion]) -> Suggestion | None:
    if not clauses:
        return None
    parts: list[str] = []
    evidence: list[Evidence] = []
    turn = -1
    for clause in clauses:
        if sum(map(len, parts)) + len(clause.words) > _LONGEST:
            break
        if parts:
            parts.append("。" if clause.said.index != turn else "，")
        turn = clause.said.index
        parts.append(clause.words)
        evidence.append(clause.evidence)
    kind = known["appeal_type"].value if "appeal_type" in known else "反映"
    verb = {"咨询": "咨询", "求助": "求助", "投诉": "投诉", "举报": "举报", "建议": "建议", "表扬": "表扬"}.get(
        kind, "反映"
    )
    text = f"来电人{verb}：{''.join(parts)}。"
    confidence = 0.8 if sum(map(len, parts)) >= 12 else 0.55
    return Suggestion(field="description", value=text, confidence=confidence, evidence=_by_turn(evidence))


def _by_turn(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    """One span per turn, from its first to its last word used."""
    spans: dict[int, Evidence] = {}
    for item in evidence:
        first = spans.get(item.seg, item)
        spans[item.seg] = Evidence(seg=item.seg, start=min(first.start, item.start), end=max(first.end, item.end))
    return tuple(spans.values())


def _title(talk: Talk, clauses: list[_Clause], known: Mapping[str, Suggestion]) -> Suggestion | None:
    category = talk.lexicon.category(known["category_code"].value) if "category_code" in known else None
    if category is None and not clauses:
        return None
    core = max(
        clauses, key=lambda clause: (clause.weight, -abs(len(clause.words) - 12), -clause.said.index), default=None
    )
    place = known["address"].value if "address" in known and known["address"].confidence >= 0.6 else ""
    subject = known["subject"].value if "subject" in known and known["subject"].confidence >= 0.7 else ""
    what = _core_words(core, place, subject) if core is not None and core.weight > 0 else ""
    level2 = category.level2 if category is not None else ""
    if not what or len(what) > 18:
        what = f"{level2}问题" if level2 else (core.words[:18] if core is not None else "")
    head = place if not subject or subject in place else place + subject
    kind = known["appeal_type"].value if "appeal_type" in known else ""
    tail = (
        "咨询"
        if kind == "咨询" and not what.endswith("咨询")
        else "的建议"
        if kind == "建议" and "建议" not in what
        else ""
    )
    value = f"{'表扬' if kind == '表扬' else ''}{head}{what}{tail}"[:_TITLE_LENGTH]
    evidence = [
        item.evidence[0]
        for name in ("address", "subject")
        if (item := known.get(name)) is not None and item.evidence and item.value in value
    ]
    if core is not None:
        evidence.append(core.evidence)
    return Suggestion(
        field="title",
        value=value,
        confidence=0.78 if category is not None and known["category_code"].confidence >= 0.6 else 0.6,
        evidence=tuple(dict.fromkeys(evidence)),
    )


def _core_words(core: _Clause, place: str, subject: str) -> str:
    words = core.words
    for known in (place, subject):
        if known:
            words = words.replace(known, "")
    words = re.sub(
        r"^(?:我们|我家|俺家|咱们|咱|我|俺|那个|这个|的|在|就是|那|你们|他们|有个|有一个|也|都|还|又)+", "", words
    )
    return re.sub(r"(?:了|呢|啊|吧|嘛|呀|的)+$", "", words)


def _demand(talk: Talk, clauses: list[_Clause]) -> Suggestion | None:
    wishes = talk.lexicon.cues.demand
    chosen: list[_Clause] = []
    asked_for = False
    for clause in clauses:
        asked = ASKS_DEMAND.search(clause.said.asked) is not None
        wished = any(word in clause.words for word in wishes)
        if (asked or wished) and not re.search(r"吗$|^(?:到底|凭什么)", clause.words):
            if asked and not asked_for:
                chosen = (
                    [] if not chosen else [earlier for earlier in chosen if earlier.said.index == clause.said.index]
                )
            asked_for = asked_for or asked
            if asked or not asked_for:
                chosen.append(clause)
    if not chosen:
        return None
    value = "，".join(clause.words for clause in chosen[:6])[:120]
    confidence = 0.8 if asked_for else 0.62
    return Suggestion(
        field="demand",
        value=value,
        confidence=confidence,
        evidence=_by_turn([clause.evidence for clause in chosen[:6]]),
    )
