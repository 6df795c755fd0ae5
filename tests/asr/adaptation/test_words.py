"""Sentences in the words of a vocabulary."""

from __future__ import annotations

from asr.adaptation.words import Vocabulary

LABELS = {
    "<eps>": 0,
    "政务": 1,
    "服务": 2,
    "政": 3,
    "务": 4,
    "一": 5,
    "二": 6,
    "热线": 7,
    "[unk]": 8,
    "服": 9,
    "没说过": 10,
}
SHARES = {1: 0.1, 2: 0.1, 3: 0.05, 4: 0.05, 5: 0.05, 6: 0.05, 7: 0.05, 8: 0.2, 9: 0.01}
VOCABULARY = Vocabulary(LABELS, SHARES)


def test_the_likeliest_words_are_taken() -> None:
    assert list(VOCABULARY.runs("政务服务热线")) == [[1, 2, 7]]


def test_figures_are_read_one_by_one_and_punctuation_is_nothing() -> None:
    assert list(VOCABULARY.runs("12，热线。")) == [[5, 6, 7]]


def test_a_character_that_no_word_has_ends_a_run() -> None:
    assert list(VOCABULARY.runs("热线岭政务")) == [[7], [1]]
    assert list(VOCABULARY.runs("岭")) == []


def test_only_words_that_the_model_expects_are_words() -> None:
    assert list(VOCABULARY.runs("政务没说过[unk]热线")) == [[1], [7]]
