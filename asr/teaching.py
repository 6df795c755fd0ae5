"""Teaches the gist which sentences call for which line; the same examples always make the same weights (numpy).

``python -m asr.teaching EXAMPLES.json...`` writes the packaged weights. Each example: ``{text, label, expect}``, or a
talk ``{turns: [[speaker, text], ...], ticket}``, which teaches what is said in it where no line was called. Of
``tests/recorded`` all utterances and talks teach but those called ``_unseen`` and the talks of ``dialogues``; beside
them the lexicon's phrasings of ordinary matters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from asr.gist import DANGER, EMERGENCIES, HEADS, LINES, MEANT, SERVICE, WEIGHTS_FILE, Gist, Ideas, save, table
from asr.lexicon import Lexicon
from asr.meaning import Floats, Meanings, rarity
from asr.prefill.keywords import EMERGENCY
from asr.transcript import Speaker

_HOLD = 40.0
"""How much the examples count against keeping the weights small."""
_ROUNDS, _STEPS = 8, 200
_BIAS = 10.0
_ENOUGH = 1e-4
_OTHER_LINES = ("04", "05", "08", "0104", "0607", "1301")
"""Categories of which many calls are another line's: environment, traffic, labour, funds, taxes."""
_TELLS = 8
"""A turn of fewer characters tells nothing."""

Example = Mapping[str, Any]


def teach(examples: Sequence[Example]) -> Gist:
    """Logistic regression for each of HEADS, held back, in the space of the examples."""
    ideas, meanings = Ideas.load(), Meanings.load()
    texts = [str(one["text"]) for one in examples]
    worth = rarity(texts, meanings)
    rows, directions = table(texts, ideas), np.array([meanings.of(text, worth) for text in texts]) * np.float32(MEANT)
    shares = _shares(rows @ rows.T + directions @ directions.T + np.float32(_BIAS), _heads(examples))
    return Gist(
        weights=np.ascontiguousarray((rows.T @ shares).T),
        meant=np.ascontiguousarray((directions.T @ shares).T),
        worth=worth,
        bias=_BIAS * shares.sum(axis=0),
        ideas=ideas,
        meanings=meanings,
    )


def ordinary(lexicon: Lexicon) -> list[Example]:
    """How people put what is no emergency and no other line's: nobody is to be called for these."""
    return [
        {"text": text, "label": "negative", "expect": []}
        for code, texts in lexicon.phrasings.items()
        if not code.startswith(_OTHER_LINES)
        for text in texts
    ]


def of_talks(talks: Sequence[Example]) -> list[Example]:
    """What callers say in ordinary talks: answers and asides, of which the most calls for nobody."""
    return [
        {"text": text, "label": "negative", "expect": []}
        for talk in talks
        if _is_ordinary(talk["ticket"])
        for speaker, text in talk["turns"]
        if speaker == Speaker.CALLER and len(text) >= _TELLS
    ]


def _is_ordinary(ticket: Example) -> bool:
    others = bool(ticket.get("transfer_to")) or ticket["category_code"].startswith((EMERGENCY, *_OTHER_LINES))
    return not others and ticket["urgency"] == "一般"


def _shares(alike: Floats, wanted: Floats) -> Floats:
    """What each example adds to each head: Newton's rounds, each solved by conjugate gradients, all heads at a time."""
    shares, sums = np.zeros(wanted.shape, np.float32), np.zeros(wanted.shape, np.float32)
    own = np.diag(alike)[:, None]
    for _ in range(_ROUNDS):
        sure = 1.0 / (1.0 + np.exp(-np.clip(sums, -30, 30)))
        slope = np.maximum(sure * (1 - sure), 1e-4)
        goal, held = sums + (wanted - sure) / slope, 1 / (_HOLD * slope)
        left = goal - (alike @ shares + held * shares)
        scaled = left / (own + held)
        way, size = scaled.copy(), (left * scaled).sum(axis=0)
        for _ in range(_STEPS):
            pull = alike @ way + held * way
            far = size / ((way * pull).sum(axis=0) + 1e-30)
            shares, left = shares + far * way, left - far * pull
            if np.max(np.linalg.norm(left, axis=0) / (np.linalg.norm(goal, axis=0) + 1e-9)) < _ENOUGH:
                break
            scaled = left / (own + held)
            size, before = (left * scaled).sum(axis=0), size
            way = scaled + size / (before + 1e-30) * way
        sums = (alike @ shares).astype(np.float32)
    return shares.astype(np.float32)


def _heads(examples: Sequence[Example]) -> Floats:
    wanted = np.zeros((len(examples), len(HEADS)), np.float32)
    for row, one in zip(wanted, examples, strict=True):
        for line in one["expect"] if one["label"] == "positive" else ():
            if line in LINES:
                row[LINES.index(line)] = 1.0
                row[HEADS.index(DANGER if line in EMERGENCIES else SERVICE)] = 1.0
    return wanted


def main(arguments: Sequence[str]) -> None:
    read = [one for path in arguments for one in json.loads(Path(path).read_text(encoding="utf-8"))]
    if not read:
        raise SystemExit("needs files of examples")
    examples = [*(one for one in read if "turns" not in one), *of_talks([one for one in read if "turns" in one])]
    gist = teach([*examples, *ordinary(Lexicon.load())])
    with resources.as_file(resources.files("asr.lexicon") / "data" / WEIGHTS_FILE) as path:
        save(gist, path)
    print(f"taught by {len(examples)} examples and the ways in which ordinary matters are put")


if __name__ == "__main__":
    main(sys.argv[1:])
