"""A talk written down as alternating lines, the operator first."""

from __future__ import annotations

from asr.lexicon import Lexicon
from asr.prefill import Suggestion, suggest
from asr.transcript import Speaker, Turn

GREETING = "您好，这里是泽安12345政务服务便民热线，请问有什么可以帮您？"
OWN_NUMBER = "15400112233"


def turns(*lines: str) -> list[Turn]:
    """The operator greets; ``lines`` then go caller, operator, caller ..."""
    spoken = [(Speaker.AGENT, GREETING)]
    spoken += [(Speaker.AGENT if order % 2 else Speaker.CALLER, line) for order, line in enumerate(lines)]
    return [
        Turn(seg=seg, rev=1, speaker=who, text=text, start_s=float(seg), end_s=seg + 1.0, final=True)
        for seg, (who, text) in enumerate(spoken)
        if text
    ]


def understood(*lines: str, caller_number: str = OWN_NUMBER) -> dict[str, Suggestion]:
    found = suggest(turns(*lines), caller_number=caller_number, lexicon=Lexicon.load())
    assert len({suggestion.field for suggestion in found}) == len(found)
    return {suggestion.field: suggestion for suggestion in found}


def value(field: str, *lines: str, caller_number: str = OWN_NUMBER) -> str | None:
    suggestion = understood(*lines, caller_number=caller_number).get(field)
    return None if suggestion is None else suggestion.value


def words(suggestion: Suggestion, *lines: str) -> list[str]:
    """The words the suggestion points at."""
    texts = {turn.seg: turn.text for turn in turns(*lines)}
    return [texts[item.seg][item.start : item.end] for item in suggestion.evidence]
