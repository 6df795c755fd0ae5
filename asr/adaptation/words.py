"""Sentences in the words of a model's vocabulary (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_STRANGE = 40.0
"""What a character costs that is in no word of the vocabulary: more than any word that is."""


class Vocabulary:
    """``shares``: how often a model expects each of its words; only those of Chinese characters are used."""

    def __init__(self, labels: Mapping[str, int], shares: Mapping[int, float]) -> None:
        known = ((word, label, shares.get(label, 0.0)) for word, label in labels.items() if _HAN.fullmatch(word))
        self._words = {word: (label, -math.log(share)) for word, label, share in known if share > 0}
        self._longest = max(map(len, self._words), default=0)

    def runs(self, sentence: str) -> Iterator[list[int]]:
        """Labels of the words that are the likeliest reading of the sentence; a new run begins after a character that
        the vocabulary lacks. Figures are read one by one, punctuation is nothing."""
        run: list[int] = []
        for piece in _HAN.findall(sentence.translate(_DIGITS)):
            for word in self._cut(piece):
                if word in self._words:
                    run.append(self._words[word][0])
                elif run:
                    yield run
                    run = []
        if run:
            yield run

    def _cut(self, text: str) -> list[str]:
        costs = [0.0] + [math.inf] * len(text)
        began = [0] * (len(text) + 1)
        for at in range(len(text)):
            for end in range(at + 1, min(len(text), at + self._longest) + 1):
                known = self._words.get(text[at:end])
                step = known[1] if known else _STRANGE if end == at + 1 else math.inf
                if costs[at] + step < costs[end]:
                    costs[end], began[end] = costs[at] + step, at
        words = []
        end = len(text)
        while end:
            words.append(text[began[end] : end])
            end = began[end]
        return words[::-1]
