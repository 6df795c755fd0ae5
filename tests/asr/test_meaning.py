"""Words of like meaning lie close together; a text has the direction of its words."""

from __future__ import annotations

import struct
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from asr import meaning
from asr.meaning import MeaningError, Meanings, rarity, read, reduced, save


def word2vec(path: Path, rows: dict[str, list[float]], *, told: int | None = None) -> Path:
    head = f"{told or len(rows)} {len(next(iter(rows.values())))}\n".encode()
    said = (word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + b"\n" for word, row in rows.items())
    path.write_bytes(head + b"".join(said))
    return path


def test_words_of_like_meaning_lie_closer_than_others() -> None:
    words = Meanings.load()
    fire, smoke, park = (words.vectors[words.places[word]] for word in ("火灾", "浓烟", "公园"))
    assert fire @ smoke > 0.3 > fire @ park


def test_the_longest_words_of_a_text_are_found_and_single_characters_where_nothing_else_is_known() -> None:
    words = Meanings(places={"救护": 0, "救护车": 1, "来": 2, "车": 3}, vectors=np.eye(4, dtype=np.float32))
    assert words.within("救护车来，救护abc") == [1, 2, 0]
    assert words.within("") == words.within("啊啊") == []


def test_a_text_has_the_direction_of_its_rarer_words() -> None:
    words = Meanings(places={"火": 0, "的": 1}, vectors=np.eye(2, dtype=np.float32))
    worth = rarity(["的火", "的", "的", "的"], words)
    assert worth[0] > worth[1] == 0
    assert words.of("的火", worth) == pytest.approx([1.0, 0.0])
    assert not words.of("水", worth).any()


def test_what_was_learnt_elsewhere_is_reduced_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        "</s>": [0.0, 0.0, 1.0],
        "着火": [1.0, 0.1, 0.0],
        "起火": [1.0, 0.2, 0.0],
        "公园": [-1.0, 0.1, 0.1],
        "abc": [1.0] * 3,
    }
    words, vectors = reduced(*read(word2vec(tmp_path / "w", rows)), most=3, directions=2)
    assert words == ["着火", "起火", "公园"]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)
    place = tmp_path / "asr.lexicon" / "data"
    place.mkdir(parents=True)
    save(words, vectors, place / meaning.FILE)
    monkeypatch.setattr(resources, "files", lambda name: tmp_path / name)
    found = Meanings.load.__wrapped__()
    assert list(found.places) == words
    assert np.allclose(found.vectors, vectors, atol=0.01)
    (place / meaning.FILE).write_bytes(b"no words")
    with pytest.raises(MeaningError):
        Meanings.load.__wrapped__()


def test_a_file_that_is_cut_off_or_is_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeaningError, match="ends after 1 of 2 words"):
        read(word2vec(tmp_path / "cut", {"火": [1.0, 2.0]}, told=2))
    (tmp_path / "other").write_bytes(b"no numbers\n")
    with pytest.raises(MeaningError, match="no word2vec"):
        read(tmp_path / "other")
