"""How well emergencies and service lines are heard, per target, against a bare keyword spotter, and how long it takes.

``python -m tests.benchmarks.cues [UTTERANCES.json...] [--wrong]``; without a file the recorded ones, those written by
ourselves, and those that have taught nothing. Each entry: ``{id, text, target, label, expect, must_not,
noise}``. A positive passes if its first expected target is among the cues, a negative if none of ``must_not`` is.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.cues import Action, hear
from asr.gist import EMERGENCIES, Gist
from asr.lexicon import Lexicon
from asr.lexicon.urgency import Urgency
from asr.transcript import Speaker, Turn

RECORDED = Path(__file__).parents[1] / "recorded" / "utterances.json"
_FILES = (RECORDED, *(RECORDED.with_name(f"utterances_{name}.json") for name in ("ours", "fresh", "unseen")))
_SPOTTED = {
    "110": ("报警", "小偷", "抢", "打架", "打人", "杀人", "刀", "跳楼", "不想活", "诈骗", "110", "幺幺零"),
    "119": ("着火", "起火", "火", "烟", "煤气", "困", "消防", "爆炸", "119", "幺幺九"),
    "120": ("晕", "昏迷", "叫不醒", "血", "急救", "救护车", "中毒", "心脏病", "120", "幺二零"),
    "122": ("撞", "车祸", "事故", "追尾", "逃逸", "酒驾", "交警", "122"),
    "12366": ("税", "发票"),
    "12329": ("公积金", "贷款"),
    "12333": ("社保", "养老", "工伤", "失业", "劳动", "退休"),
    "12369": ("污水", "臭", "污染", "废气", "环保", "噪声"),
    "12328": ("出租车", "公交", "客车", "驾校", "交通"),
}

Predict = Callable[[str], set[str]]


def heard(text: str) -> set[str]:
    turn = Turn(seg=0, rev=1, speaker=Speaker.CALLER, text=text, start_s=0, end_s=1, final=True)
    cues = hear([turn], Lexicon.load(), Urgency.load())
    return {cue.target for cue in cues if cue.action not in (Action.NOTIFY, Action.SOFT_ALERT)}


def spotted(text: str) -> set[str]:
    """What twelve words per line find."""
    return {target for target, words in _SPOTTED.items() if any(word in text for word in words)}


def passes(entry: dict[str, Any], found: set[str]) -> bool:
    if entry["label"] == "positive":
        return entry["expect"][0] in found
    return not found & set(entry["must_not"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Shares: of emergencies heard, of the misheard ones heard, of other calls sent to a wrong line."""

    recall: float
    damaged: float
    falsely: float


def scores(entries: Sequence[dict[str, Any]], predict: Predict) -> Scores:
    urgent, damaged, falsely = list[bool](), list[bool](), list[bool]()
    for entry in entries:
        right = passes(entry, predict(entry["text"]))
        if entry["label"] != "positive":
            falsely.append(not right)
        elif entry["noise"] != "clean":
            damaged.append(right)
        elif entry["expect"][0] in EMERGENCIES:
            urgent.append(right)
    return Scores(recall=_share(urgent), damaged=_share(damaged), falsely=_share(falsely))


def _share(rights: Sequence[bool]) -> float:
    return sum(rights) / max(1, len(rights))


def report(entries: Sequence[dict[str, Any]], predict: Predict, *, wrong: bool) -> None:
    rows: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for entry in entries:
        found = predict(entry["text"])
        right = passes(entry, found)
        rows[entry["target"] if entry["noise"] == "clean" else "damaged", entry["label"]].append(right)
        if wrong and not right:
            print(f"  {entry['id']} {entry['expect']} heard {sorted(found)}: {entry['text']}")
    for target, label in sorted(rows):
        print(f"  {target:<8} {label:<8} {sum(rows[target, label])}/{len(rows[target, label])}")
    urgent = [
        right
        for (target, label), rights in rows.items()
        for right in rights
        if label == "positive" and target in ("110", "119", "120", "122", "multi")
    ]
    false = [not right for (_, label), rights in rows.items() for right in rights if label == "negative"]
    damaged = rows.get(("damaged", "positive"), [])
    print(
        f"  emergency recall {sum(urgent)}/{len(urgent)}, damaged {sum(damaged)}/{len(damaged)}, "
        f"falsely routed {sum(false)}/{len(false)}"
    )


def main(arguments: Sequence[str]) -> None:
    paths = [path for path in arguments if not path.startswith("--")]
    for path in paths or map(str, _FILES):
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        print(f"== {Path(path).name}: {len(entries)} utterances; the bare keyword spotter")
        report(entries, spotted, wrong=False)
        print("the ear")
        Lexicon.load(), Urgency.load(), Gist.load()
        began = time.perf_counter()
        report(entries, heard, wrong="--wrong" in arguments)
        print(f"  {(time.perf_counter() - began) * 1000 / max(1, len(entries)):.1f} ms an utterance")


if __name__ == "__main__":
    main(sys.argv[1:])
