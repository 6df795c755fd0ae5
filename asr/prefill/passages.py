"""What one speaker said without being answered, as one: a breath in mid-sentence made several turns of it (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from asr.prefill.suggestions import Evidence, Suggestion
from asr.transcript import Turn

OPENS_REVISIT = re.compile(r"回访|请问(?:您)?是|(?:热线|12345|中心|工单)[^。]{0,12}(?:跟|和|向)您(?:核实|了解|回)")
"""Of a call back the operator's first words are read among the caller's, whose answer does not go on with them."""
_BREATH_S = 2.0
"""Silence that still joins."""
_LONGEST = 240
"""Characters; a monologue is read in passages of that size."""
_ENDS = tuple("，。！？；：、…,.!?;:")
_SEAM = "，"


@dataclass(frozen=True, slots=True)
class Passages:
    """``turns`` are the passages, each under the number of its first turn; a position in one is told back as the
    position in the turn that it came from."""

    turns: tuple[Turn, ...]
    _joined: dict[int, tuple[tuple[int, Turn], ...]]
    """By the passage's number: where each of its turns begins, and the turn."""

    def told(self, suggestion: Suggestion) -> Suggestion:
        """With the evidence in the turns' own positions."""
        if not any(item.seg in self._joined for item in suggestion.evidence):
            return suggestion
        return replace(suggestion, evidence=tuple(part for item in suggestion.evidence for part in self._parts(item)))

    def _parts(self, item: Evidence) -> Iterator[Evidence]:
        """Words across a breath are of two turns."""
        if item.seg not in self._joined:
            yield item
            return
        for begins, turn in self._joined[item.seg]:
            start, end = max(0, item.start - begins), min(len(turn.text), item.end - begins)
            if start < end:
                yield Evidence(seg=turn.seg, start=start, end=end)


def passages_of(turns: Iterable[Turn]) -> Passages:
    """Of the final turns, by the time they began."""
    finals = sorted(
        (turn for turn in turns if turn.final and turn.text.strip()), key=lambda one: (one.start_s, one.seg)
    )
    passages: list[list[Turn]] = []
    for turn in finals:
        opens = len(passages) == 1 and OPENS_REVISIT.search(passages[0][0].text) is not None
        if passages and not opens and _goes_on(passages[-1], turn):
            passages[-1].append(turn)
        else:
            passages.append([turn])
    whole: list[Turn] = []
    joined: dict[int, tuple[tuple[int, Turn], ...]] = {}
    for passage in passages:
        text, begins = as_one(turn.text for turn in passage)
        whole.append(passage[0] if len(passage) == 1 else replace(passage[0], text=text, end_s=passage[-1].end_s))
        if len(passage) > 1:
            joined[passage[0].seg] = tuple(zip(begins, passage, strict=True))
    return Passages(tuple(whole), joined)


def _goes_on(passage: Sequence[Turn], turn: Turn) -> bool:
    return (
        turn.speaker is passage[-1].speaker
        and turn.start_s - passage[-1].end_s <= _BREATH_S
        and sum(len(one.text) + 1 for one in (*passage, turn)) <= _LONGEST
    )


def as_one(texts: Iterable[str]) -> tuple[str, list[int]]:
    """What was said with breaths between, each breath a pause; and where each part begins."""
    whole, begins = "", list[int]()
    for text in texts:
        if whole and not whole.rstrip().endswith(_ENDS):
            whole += _SEAM
        begins.append(len(whole))
        whole += text
    return whole, begins
