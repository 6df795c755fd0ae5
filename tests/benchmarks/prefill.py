"""How well tickets fill themselves from the recorded dialogues, against bare keywords, and how long it takes.

``python -m tests.benchmarks.prefill [DIALOGUES.json ...]``, without files those recorded. A dialogue file is a list of
``{id, caller_number, turns: [[speaker, text], ...], ticket: {field: value}}``; more files are scored one by one (the
same dialogues as a recogniser heard them, say).
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from asr.lexicon import Lexicon
from asr.lexicon.urgency import Urgency
from asr.numerals import with_digits
from asr.prefill import rank_categories
from asr.transcript import Speaker, Turn
from asr.understanding import Understood, ticket_of, understand

RECORDED = Path(__file__).parents[1] / "recorded" / "dialogues.json"
OURS = RECORDED.with_name("dialogues_ours.json")
MORE = RECORDED.with_name("dialogues_more.json")
FRESH = RECORDED.with_name("dialogues_fresh.json")
TOLD = RECORDED.with_name("dialogues_told.json")
UNSEEN = RECORDED.with_name("dialogues_unseen.json")
"""They teach no weights, though some rules were made after looking at what was wrong on them."""
MATTERS = RECORDED.with_name("matters_ours.json")
FILLS = 0.75
EXACT = ("caller_name", "caller_gender", "contact_phone", "district", "town")
ALIKE = {"address": 80.0, "occur_time": 60.0, "subject": 60.0}
"""Free wording: right when rapidfuzz finds it this much alike (the address whole, the others in part)."""

DECIDED = (
    "phone_source", "amount_yuan", "people_count", "reply_required", "is_repeat", "repeat_count", "previous_ticket_no",
    "disposition", "transfer_to",
)  # fmt: skip

Predict = Callable[[dict[str, Any]], dict[str, tuple[str, float]]]


@dataclass
class Slot:
    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def scores(self) -> tuple[float, float, float]:
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


@dataclass
class Score:
    slots: dict[str, Slot] = field(default_factory=lambda: defaultdict(Slot))
    hits: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    sure: list[tuple[float, bool]] = field(default_factory=list)


def turns_of(dialogue: dict[str, Any]) -> list[Turn]:
    return [
        Turn(seg=i, rev=1, speaker=Speaker(who), text=text, start_s=float(i), end_s=i + 1.0, final=True)
        for i, (who, text) in enumerate(dialogue["turns"])
        if text
    ]


def prefill(dialogue: dict[str, Any]) -> dict[str, tuple[str, float]]:
    found = understood(dialogue).suggestions
    return {suggestion.field: (suggestion.value, suggestion.confidence) for suggestion in found}


def understood(dialogue: dict[str, Any]) -> Understood:
    return understand(
        turns_of(dialogue),
        caller_number=dialogue["caller_number"],
        lexicon=Lexicon.load(),
        urgency=Urgency.load(),
        call_type=dialogue.get("call_type", "inbound"),
    )


def whole_tickets(dialogues: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Fields that are right only when they are exactly the clerk's, where the recorded tickets have them."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for dialogue in dialogues:
        ticket = ticket_of(
            understood(dialogue),
            turns_of(dialogue),
            caller_number=dialogue["caller_number"],
            lexicon=Lexicon.load(),
            call_type=dialogue.get("call_type", "inbound"),
        )
        for name in DECIDED:
            if name in dialogue["ticket"]:
                hits[name].append(ticket[name] == dialogue["ticket"][name])
    return (f"{name} {sum(right)}/{len(right)}" for name, right in hits.items())


def bare_keywords(dialogue: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """The least that could be called prefill: exact words, counted."""
    lexicon = Lexicon.load()
    text = "".join(said for who, said in dialogue["turns"] if who == "caller")
    counts = {c.code: sum(text.count(word) for word in c.strong + c.keywords) for c in lexicon.categories}
    code = max(counts, key=lambda key: counts[key])
    category = lexicon.category(code)
    assert category is not None
    found = {"category_code": code, "department": category.department, "contact_phone": dialogue["caller_number"]}
    found["appeal_type"] = next((kind for kind in ("投诉", "举报", "建议", "表扬", "咨询") if kind in text), "求助")
    found["urgency"] = "一般"
    phone = re.search(r"1[3-9]\d{9}", with_digits(text))
    if phone is not None:
        found["contact_phone"] = phone.group()
    name = re.search(r"(?:我叫|姓)([\u4e00-\u9fff]{1,3})", text)
    if name is not None:
        found["caller_name"] = name.group(1)
    place = next((place for place in lexicon.places if place.name in text), None)
    if place is not None:
        found |= {"address": place.name, "district": place.district} | ({"town": place.town} if place.town else {})
    found |= {flag: "true" for flag, word in (("confidential", "保密"), ("anonymous", "匿名")) if word in text}
    return {name: (value, 1.0) for name, value in found.items()}


def score(dialogues: Sequence[dict[str, Any]], predict: Predict, floor: float) -> Score:
    result = Score()
    for dialogue in dialogues:
        gold, found = dialogue["ticket"], predict(dialogue)
        kept = {name: value for name, (value, confidence) in found.items() if confidence >= floor}
        for name in (*EXACT, *ALIKE):
            _count(result.slots[name], name, gold[name], kept.get(name))
        for name, (value, confidence) in found.items():
            verdict = _verdict(name, gold, value)
            if verdict is not None:
                result.sure.append((confidence, verdict))
        code = kept.get("category_code", "")
        result.hits["category level 2"].append(code == gold["category_code"])
        result.hits["category level 1"].append(code[:2] == gold["category_code"][:2])
        result.hits["appeal type"].append(kept.get("appeal_type") == gold["appeal_type"])
        result.hits["department"].append(kept.get("department") in gold["department_acceptable"])
        result.hits["urgency"].append(kept.get("urgency") == gold["urgency"])
        result.hits["confidential"].append((kept.get("confidential") == "true") == gold["confidential"])
        result.hits["anonymous"].append((kept.get("anonymous") == "true") == gold["anonymous"])
    return result


def _count(slot: Slot, name: str, gold: str | None, found: str | None) -> None:
    if found is None and gold is None:
        return
    if found is not None and gold is not None and alike(name, gold, found):
        slot.right += 1
        return
    slot.wrong += found is not None
    slot.missed += gold is not None


def alike(name: str, gold: str, found: str) -> bool:
    if name == "address":
        return fuzz.ratio(with_digits(gold), found) >= ALIKE[name]
    if name in ALIKE:
        return fuzz.partial_ratio(with_digits(gold), found) >= ALIKE[name]
    return gold == found


def _verdict(name: str, gold: dict[str, Any], value: str) -> bool | None:
    if name in (*EXACT, *ALIKE):
        return gold[name] is not None and alike(name, gold[name], value)
    if name == "department":
        return bool(value in gold["department_acceptable"])
    if name in ("category_code", "appeal_type", "urgency"):
        return bool(value == gold[name])
    if name in ("confidential", "anonymous"):
        return bool((value == "true") == gold[name])
    return None


def coverage(dialogues: Sequence[dict[str, Any]], name: str) -> float:
    """Share of the two-character pieces of the clerk's wording that ours has too."""
    shares = []
    for dialogue in dialogues:
        value = prefill(dialogue).get(name, ("", 0.0))[0]
        gold = with_digits(dialogue["ticket"][name] or "")
        pieces = {gold[i : i + 2] for i in range(len(gold) - 1)}
        if pieces:
            shares.append(sum(piece in with_digits(value) for piece in pieces) / len(pieces))
    return statistics.mean(shares)


def timing(dialogues: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Milliseconds per call as in a live talk, after each final: median, 95th percentile; and 40 turns never seen."""
    lexicon, taken = Lexicon.load(), []
    for dialogue in dialogues:
        turns = turns_of(dialogue)
        for last in range(1, len(turns) + 1):
            began = time.perf_counter()
            number = dialogue["caller_number"]
            understand(turns[:last], caller_number=number, lexicon=lexicon, urgency=Urgency.load())
            taken.append((time.perf_counter() - began) * 1000)
    long = [said for dialogue in dialogues for said in dialogue["turns"]][:40]
    cold = turns_of({"turns": [(who, text + "。") for who, text in long]})
    began = time.perf_counter()
    understand(cold, caller_number="", lexicon=lexicon, urgency=Urgency.load())
    whole = (time.perf_counter() - began) * 1000
    taken.sort()
    return statistics.median(taken), taken[int(len(taken) * 0.95)], whole


def single_matters(matters: Sequence[dict[str, str]]) -> str:
    """One sentence each, put without the category's keywords: how often its category comes first, and of three."""
    lexicon = Lexicon.load()
    first, among = 0, 0
    for matter in matters:
        turn = Turn(seg=0, rev=1, speaker=Speaker.CALLER, text=matter["text"], start_s=0.0, end_s=1.0, final=True)
        codes = [code for code, _ in rank_categories([turn], lexicon)[:3]]
        first += codes[:1] == [matter["category_code"]]
        among += matter["category_code"] in codes
    count = len(matters)
    return f"{count} sentences without keywords: category first {first}/{count}, among three {among}/{count}"


def report(dialogues: Sequence[dict[str, Any]]) -> None:
    columns = {
        "offered": score(dialogues, prefill, 0.0),
        "filled": score(dialogues, prefill, FILLS),
        "bare keywords": score(dialogues, bare_keywords, 0.0),
    }
    print(f"{len(dialogues)} dialogues")
    print(f"{'slot':<18}" + "".join(f"{title + ' P / R / F1':>30}" for title in columns))
    for name in (*EXACT, *ALIKE):
        cells = ["{:.2f} / {:.2f} / {:.2f}".format(*column.slots[name].scores) for column in columns.values()]
        print(f"{name:<18}" + "".join(f"{cell:>30}" for cell in cells))
    means = [statistics.mean(column.slots[name].scores[2] for name in (*EXACT, *ALIKE)) for column in columns.values()]
    print(f"{'mean F1':<18}" + "".join(f"{mean:>30.2f}" for mean in means))
    for name in columns["offered"].hits:
        cells = [f"{sum(column.hits[name])}/{len(column.hits[name])}" for column in columns.values()]
        print(f"{name:<18}" + "".join(f"{cell:>30}" for cell in cells))
    lexicon = Lexicon.load()
    top3 = sum(
        dialogue["ticket"]["category_code"] in [code for code, _ in rank_categories(turns_of(dialogue), lexicon)[:3]]
        for dialogue in dialogues
    )
    print(f"category among the first three {top3}/{len(dialogues)}")
    print(f"wording shared with the clerk's: title {coverage(dialogues, 'title'):.2f}, ", end="")
    print(f"description {coverage(dialogues, 'description'):.2f}, demand {coverage(dialogues, 'demand'):.2f}")
    print("exactly the clerk's: " + ", ".join(whole_tickets(dialogues)))
    print("confidence said -> right:")
    for line in _reliability(columns["offered"].sure):
        print(f"  {line}")


def _reliability(sure: Iterable[tuple[float, bool]]) -> Iterable[str]:
    rows = list(sure)
    for low, high in ((0.0, 0.5), (0.5, 0.65), (0.65, 0.75), (0.75, 0.85), (0.85, 0.92), (0.92, 1.01)):
        inside = [right for confidence, right in rows if low <= confidence < high]
        if inside:
            share = sum(inside) / len(inside)
            bar = "#" * round(30 * share)
            yield f"{low:.2f}-{min(high, 1):.2f} {bar:<30} {share:.2f} of {len(inside)}"


def main(paths: Sequence[str]) -> None:
    for path in paths or [str(RECORDED), str(OURS), str(MORE), str(FRESH), str(TOLD), str(UNSEEN)]:
        dialogues = json.loads(Path(path).read_text(encoding="utf-8"))
        print(f"== {Path(path).name}")
        report(dialogues)
        median, p95, whole = timing(dialogues)
        print(
            f"ms per call, after each final: median {median:.1f}, 95 % {p95:.1f}; 40 unseen turns at once {whole:.1f}"
        )
    if not paths:
        print(single_matters(json.loads(MATTERS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main(sys.argv[1:])
