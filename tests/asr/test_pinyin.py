"""How Chinese syllables sound beside one another."""

from __future__ import annotations

import pytest

from asr.lexicon.pinyin import unlike


@pytest.mark.parametrize(("one", "other", "most"), [("fen", "fen", 0.0), ("jin", "qin", 0.25), ("xue", "xie", 0.35)])
def test_syllables_are_as_unlike_as_they_sound(one: str, other: str, most: float) -> None:
    assert unlike(one, other) <= most
    assert unlike(one, other) == unlike(other, one)


def test_a_mark_is_no_syllable() -> None:
    assert unlike("，", "jin") == 1.0
