"""Teaches what each act of a talk says of the kind of appeal; the same dialogues always make the same weights (numpy).

``python -m asr.teaching_appeals DIALOGUES.json...`` writes the packaged weights. A file is a list of ``{turns:
[[speaker, text], ...], call_type, ticket: {appeal_type, category_code}}``, like those of ``tests/recorded``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from asr.lexicon import Lexicon
from asr.prefill.appeals import FILE, KINDS, Weights
from asr.prefill.keywords import is_emergency
from asr.prefill.matters import acts_within
from asr.prefill.reading import read
from asr.transcript import Speaker, Turn

_HOLD = 2.0
"""How much it counts to stay near what was thought beforehand."""
_BEFOREHAND = 1.5
"""A kind weighs so much for itself where the matter's callers mostly want it, and where the caller calls it so."""
_ROUNDS, _PACE, _SWING = 1500, 0.5, 0.9
_LEAST = 0.01

Example = tuple[str, Mapping[str, float]]
"""A kind and the strengths of its talk's acts."""


def teach(examples: Sequence[Example]) -> Weights:
    """Softmax regression, held to the weights thought beforehand."""
    names = sorted({name for _, strength in examples for name in strength})
    rows = np.array([[*(strength.get(name, 0.0) for name in names), 1.0] for _, strength in examples], np.float64)
    wanted = np.eye(len(KINDS))[[KINDS.index(kind) for kind, _ in examples]]
    start = np.zeros((rows.shape[1], len(KINDS)))
    for place, name in enumerate(names):
        act, _, kind = name.partition(":")
        if act in ("usual", "calls"):
            start[place, KINDS.index(kind)] = _BEFOREHAND
    weights, way = start.copy(), np.zeros_like(start)
    steep = 0.25 * float(np.linalg.norm(rows.T @ rows, 2)) + _HOLD
    held = np.full((len(start), 1), _HOLD)
    held[-1] *= 0.1
    for _ in range(_ROUNDS):
        slope = rows.T @ (_softmax(rows @ weights) - wanted) + held * (weights - start)
        way = _SWING * way - slope / steep
        weights += _PACE * way
    return {
        kind: {
            name: round(float(value), 2)
            for name, value in zip([*names, "bias"], weights[:, column], strict=True)
            if abs(value) >= _LEAST
        }
        for column, kind in enumerate(KINDS)
    }


def _softmax(sums: Any) -> Any:
    raised = np.exp(sums - sums.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def examples_of(dialogues: Sequence[Mapping[str, Any]], lexicon: Lexicon) -> list[Example]:
    """Emergencies teach nothing: they are known as such."""
    found = []
    for one in dialogues:
        if is_emergency(one["ticket"]["category_code"]):
            continue
        back = one.get("call_type") == "outbound_revisit"
        turns = [
            Turn(
                seg=number,
                rev=1,
                speaker=Speaker.CALLER if back and number == 0 else Speaker(who),
                text=text,
                start_s=float(number),
                end_s=number + 1.0,
                final=True,
            )
            for number, (who, text) in enumerate(one["turns"])
            if text
        ]
        found.append((one["ticket"]["appeal_type"], acts_within(read(turns, lexicon)).strength))
    return found


def main(arguments: Sequence[str]) -> None:
    dialogues = [one for path in arguments for one in json.loads(Path(path).read_text(encoding="utf-8"))]
    if not dialogues:
        raise SystemExit("needs files of dialogues")
    weights = teach(examples_of(dialogues, Lexicon.load()))
    with resources.as_file(resources.files("asr.lexicon") / "data" / FILE) as path:
        rows = (f"  {json.dumps(kind, ensure_ascii=False)}: {_lines(row)}" for kind, row in weights.items())
        path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    print(f"taught by {len(dialogues)} dialogues")


def _lines(row: Mapping[str, float]) -> str:
    return json.dumps(row, ensure_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1:])
