"""Back-off n-grams and their mixture, on a vocabulary of a handful of words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.adaptation.ngrams import BASE, BEGIN, END, Counts, Mixing, Ngrams, Table, counted, mixed

WORDS = (1, 2, 3, 4)
SENTENCES = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS[:3]), min_size=1, max_size=5), st.floats(0.1, 3.0)), min_size=1, max_size=8
)


def table(entries: dict[int, float]) -> Table:
    keys = sorted(entries)
    return Table(keys=np.array(keys, dtype=np.int64), values=np.array([entries[key] for key in keys], dtype=np.float64))


def key(*words: int) -> int:
    value = 0
    for word in words:
        value = value * BASE + word
    return value


@pytest.fixture
def general() -> Ngrams:
    """Every word as likely; after 1 mostly 2, after 1 2 mostly 3."""
    return Ngrams(
        grams=(
            table({key(word): 0.2 for word in (*WORDS, END)}),
            table({key(1, 2): 0.7, key(BEGIN, 1): 0.5}),
            table({key(1, 2, 3): 0.8}),
        ),
        weights=(
            table({key(1): 0.3 / 0.8, key(BEGIN): 0.5 / 0.8}),
            table({key(1, 2): 0.2 / 0.8}),
        ),
    )


def probability(model: Ngrams, *words: int) -> float:
    return float(model.probability(len(words), np.array([key(*words)], dtype=np.int64))[0])


def test_an_ngram_that_is_not_there_is_backed_off(general: Ngrams) -> None:
    assert probability(general, 1, 2, 3) == pytest.approx(0.8)
    assert probability(general, 1, 2, 4) == pytest.approx(0.2 / 0.8 * 0.2)
    assert probability(general, 1, 3) == pytest.approx(0.3 / 0.8 * 0.2)
    assert probability(general, 4, 4, 4) == pytest.approx(0.2)


def test_words_and_what_is_before_them_are_counted_by_weight() -> None:
    counts = counted([([1, 2], 1.0), ([1, 3], 0.5)])
    assert counts.grams[0].find(np.array([1, 2, 3, END])).tolist() == [1.5, 1.0, 0.5, 1.5]
    assert counts.grams[1].find(np.array([key(BEGIN, 1), key(1, 2), key(2, END), key(2, 1)])).tolist() == [1.5, 1, 1, 0]
    assert counts.grams[2].find(np.array([key(BEGIN, 1, 3), key(1, 2, END)])).tolist() == [0.5, 1.0]


def test_what_is_said_often_becomes_likelier_and_the_rest_is_kept(general: Ngrams) -> None:
    model = mixed(general, counted([([3, 4], 1.0)] * 20), Mixing())
    assert probability(model, 3, 4) > 0.6 > probability(general, 3, 4)
    assert probability(model, BEGIN, 3) > probability(general, BEGIN, 3)
    assert probability(model, 1, 2, 3) == pytest.approx(0.8)  # nobody said anything after 1 2
    assert probability(model, 1) < probability(general, 1)  # but of single words, others are said


def test_what_was_said_once_counts_less_than_what_was_said_often(general: Ngrams) -> None:
    once, often = (mixed(general, counted([([3, 4], 1.0)] * times), Mixing()) for times in (1, 30))
    assert probability(general, 3, 4) < probability(once, 3, 4) < probability(often, 3, 4)


@given(sentences=SENTENCES)
def test_whatever_is_said_everything_that_may_follow_sums_to_one(sentences: list[tuple[list[int], float]]) -> None:
    general = Ngrams(
        grams=(
            table({key(word): 0.2 for word in (*WORDS, END)}),
            table({key(1, 2): 0.7, key(BEGIN, 1): 0.5}),
            table({key(1, 2, 3): 0.8}),
        ),
        weights=(table({key(1): 0.3 / 0.8, key(BEGIN): 0.5 / 0.8}), table({key(1, 2): 0.2 / 0.8})),
    )
    model = mixed(general, counted(sentences), Mixing())
    assert sum(probability(model, word) for word in (*WORDS, END)) == pytest.approx(1.0)
    for context in [*itertools.product((BEGIN, *WORDS)), *itertools.product((BEGIN, *WORDS), WORDS)]:
        assert sum(probability(model, *context, word) for word in (*WORDS, END)) == pytest.approx(1.0, abs=2e-3)


def test_short_sentences_leave_no_longer_ngrams_behind(general: Ngrams) -> None:
    """Without any three words in line there is nothing to learn of them."""
    counts = counted([([4], 1.0)])
    alone = Counts(grams=(counts.grams[0], counts.grams[1], table({})))
    model = mixed(general, alone, Mixing())
    assert probability(model, 1, 2, 3) == pytest.approx(0.8)
