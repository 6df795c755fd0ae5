"""Teaches the gist which sentences call for which line; the same examples always make the same weights (numpy).

``python -m asr.teaching EXAMPLES.json...`` writes the packaged weights. Each example: ``{text, label, expect}``.
Those of ``tests/recorded`` that teach are ``utterances``, ``utterances_ours``, ``_fresh``, ``_taught``, ``_ordinary``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from asr.gist import DANGER, EMERGENCIES, HEADS, LINES, SERVICE, WEIGHTS_FILE, Floats, Gist, Ideas, save, table

_ROUNDS, _STEP, _HOLD = 300, 0.05, 40.0

Example = Mapping[str, Any]


def teach(examples: Sequence[Example]) -> Gist:
    """Logistic regression for each of HEADS, held back, in the space of the examples."""
    ideas = Ideas.load()
    rows, wanted = table([str(one["text"]) for one in examples], ideas), _heads(examples)
    alike = rows @ rows.T
    shares = np.zeros(wanted.shape, np.float32)
    bias = np.zeros(wanted.shape[1], np.float32)
    for _ in range(_ROUNDS):
        gap = 1.0 / (1.0 + np.exp(-np.clip(alike @ shares + bias, -30, 30))) - wanted
        shares -= _STEP * (shares + _HOLD * gap) / (1 + 0.75 * _HOLD)
        bias -= 4 * _STEP * gap.mean(axis=0)
    return Gist(weights=(rows.T @ shares).T.astype(np.float32), bias=bias, ideas=ideas)


def _heads(examples: Sequence[Example]) -> Floats:
    wanted = np.zeros((len(examples), len(HEADS)), np.float32)
    for row, one in zip(wanted, examples, strict=True):
        for line in one["expect"] if one["label"] == "positive" else ():
            if line in LINES:
                row[LINES.index(line)] = 1.0
                row[HEADS.index(DANGER if line in EMERGENCIES else SERVICE)] = 1.0
    return wanted


def main(arguments: Sequence[str]) -> None:
    examples = [one for path in arguments for one in json.loads(Path(path).read_text(encoding="utf-8"))]
    if not examples:
        raise SystemExit("needs files of examples")
    gist = teach(examples)
    with resources.as_file(resources.files("asr.lexicon") / "data" / WEIGHTS_FILE) as path:
        save(gist, path)
    print(f"taught by {len(examples)} examples")


if __name__ == "__main__":
    main(sys.argv[1:])
