"""Closed tickets teach categories and departments; versions are data, and one can go back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.learning import KEPT_VERSIONS, Example, LearningError, Shelf, learn

NOISE = ("楼上半夜敲架子鼓吵得睡不着", "邻居练萨克斯吵人", "隔壁敲鼓到后半夜", "楼上架子鼓天天响")
WATER = ("机井干了没水浇地", "水渠堵了浇不上地", "机井坏了庄稼没水", "浇地的水渠塌了")
EXAMPLES = [
    Example(text=f"{text}{number}号楼", category=category, department=department)
    for number in range(6)
    for texts, category, department in ((NOISE, "0402", "公安机关"), (WATER, "1206", "水务部门"))
    for text in texts
]


def test_words_no_keyword_knows_are_learnt_from_tickets() -> None:
    learnt = learn(EXAMPLES, version="20261122-020000")
    shares = learnt.of_category("他家又敲架子鼓了")
    assert max(shares, key=lambda code: shares[code]) == "0402"
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)
    departments = learnt.of_department("浇地没水")
    assert max(departments, key=lambda name: departments[name]) == "水务部门"


def test_few_tickets_teach_nothing_and_have_no_say() -> None:
    with pytest.raises(LearningError):
        learn(EXAMPLES[:20], version="20261122-020000")
    assert learn(EXAMPLES, version="20261122-020000").trust < 0.05


def test_the_same_tickets_give_the_same_weights() -> None:
    one, other = (learn(EXAMPLES, version="20261122-020000") for _ in range(2))
    assert np.array_equal(one.category_weights, other.category_weights)


def test_a_version_is_loaded_rolled_back_and_the_oldest_are_thrown_away(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "learnt")
    assert shelf.load() is None
    names = [f"202611{day:02}-020000" for day in range(1, KEPT_VERSIONS + 3)]
    learnt = learn(EXAMPLES, version=names[0])
    for name in names:
        shelf.put(type(learnt)(**{**vars(learnt), "version": name}))
    assert shelf.versions == tuple(names[-KEPT_VERSIONS:])
    loaded = shelf.load()
    assert loaded is not None
    assert (loaded.version, loaded.examples, loaded.categories) == (names[-1], len(EXAMPLES), ("0402", "1206"))
    assert loaded.of_category("架子鼓")["0402"] == pytest.approx(learnt.of_category("架子鼓")["0402"], abs=0.01)
    assert shelf.roll_back() == names[-2]
    assert shelf.current == names[-2]


def shelf_of(folder: Path, *names: str) -> Shelf:
    shelf = Shelf(folder)
    learnt = learn(EXAMPLES, version=names[0])
    for name in names:
        shelf.put(replace(learnt, version=name))
    return shelf


def in_use(shelf: Shelf) -> str | None:
    loaded = shelf.load()
    return None if loaded is None else loaded.version


def test_what_was_gone_back_to_holds_whatever_is_learnt_until_the_newest_is_taken(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, "20261101-020000", "20261102-020000")
    assert shelf.roll_back() == "20261101-020000"
    before = shelf.mark
    later = [f"202612{day:02}-020000" for day in range(1, KEPT_VERSIONS + 3)]
    shelf_of(tmp_path, *later)
    assert (in_use(shelf), shelf.held, shelf.mark) == ("20261101-020000", True, before)
    assert set(later[-KEPT_VERSIONS:]) < set(shelf.versions)
    assert shelf.take_newest() == in_use(shelf) == later[-1]
    shelf_of(tmp_path, "20261231-020000")
    assert (in_use(shelf), shelf.held) == ("20261231-020000", False)
    assert shelf.mark != before


def test_keywords_that_were_gone_back_to_stand_alone_whatever_is_learnt(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, "20261101-020000")
    assert shelf.roll_back() is None
    shelf_of(tmp_path, "20261102-020000")
    assert (shelf.load(), shelf.held) == (None, True)
    with pytest.raises(LearningError, match="nothing to go back from"):
        shelf.roll_back()
    assert shelf.take_newest() == in_use(shelf) == "20261102-020000"


def test_nothing_learnt_is_nothing_to_go_back_from_and_no_newest(tmp_path: Path) -> None:
    for ask in (Shelf(tmp_path).roll_back, Shelf(tmp_path).take_newest):
        with pytest.raises(LearningError):
            ask()


def test_the_version_before_a_damaged_one_is_used_and_gone_back_from(tmp_path: Path) -> None:
    names = [f"202611{day:02}-020000" for day in (1, 2, 3, 4)]
    shelf = shelf_of(tmp_path, *names)
    for damaged in (names[1], names[3]):
        (tmp_path / f"{damaged}.npz").write_bytes(b"PK")
    assert in_use(shelf) == names[2]
    assert shelf.roll_back() == names[0], "neither what was in use nor what cannot be read"


@pytest.mark.parametrize("said", [None, b"", b"\xff", b"20250101-020000", b"../../x held", b"20261102-020000 x"])
def test_where_no_version_is_named_the_newest_is_used(tmp_path: Path, said: bytes | None) -> None:
    shelf = shelf_of(tmp_path, "20261101-020000", "20261102-020000")
    (tmp_path / "current").unlink()
    if said is not None:
        (tmp_path / "current").write_bytes(said)
    assert in_use(shelf) == "20261102-020000"


def test_a_held_version_that_is_gone_gives_way_to_one_before_it(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, *(f"202611{day:02}-020000" for day in (1, 2, 3)))
    assert shelf.roll_back() == "20261102-020000"
    (tmp_path / "20261102-020000.npz").unlink()
    assert in_use(shelf) == "20261101-020000"


def test_what_is_learnt_after_a_clock_was_set_back_is_the_newest(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, *(f"204001{day:02}-020000" for day in range(1, KEPT_VERSIONS + 1)))
    learnt = learn(EXAMPLES, version="20261122-020000")
    for count in range(1, 12):
        name = shelf.next_version("20261122-020000")
        assert name == f"204001{KEPT_VERSIONS}-020000-{count}"
        shelf.put(replace(learnt, version=name))
        assert in_use(shelf) == shelf.versions[-1] == name
    assert shelf.next_version("20400301-020000") == "20400301-020000"
    shelf.put(learnt)
    assert in_use(shelf) == "20261122-020000", "what was just learnt is not thrown away"


def test_weights_that_are_broken_or_hold_objects_are_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(learn(EXAMPLES, version="20261101-020000"))
    path = tmp_path / "20261101-020000.npz"
    np.savez(path, about=np.array({"format": 1}, dtype=object))
    with pytest.raises(LearningError):
        shelf.load()
    path.write_bytes(b"not a zip")
    with pytest.raises(LearningError):
        shelf.load()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.999])
def test_weights_whose_file_was_cut_short_are_refused(tmp_path: Path, share: float) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(learn(EXAMPLES, version="20261101-020000"))
    path = tmp_path / "20261101-020000.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: round(share * len(whole))])
    with pytest.raises(LearningError, match="cannot be read"):
        shelf.load()


def test_weights_whose_file_was_overwritten_in_the_middle_are_refused_or_the_same(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(learn(EXAMPLES, version="20261101-020000"))
    before = shelf.load()
    assert before is not None
    path = tmp_path / "20261101-020000.npz"
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole) - 16, max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + b"\xff" * 16 + whole[at + 16 :])
        try:
            after = shelf.load()
        except LearningError:
            refused += 1
        else:
            assert after is not None
            assert np.array_equal(after.category_weights, before.category_weights)
    assert refused > 30


@pytest.mark.parametrize("table", ["category_weights", "department_weights"])
@pytest.mark.parametrize("spoilt", ["short", "narrow", "infinite"])
def test_tables_of_another_shape_or_without_numbers_are_refused(tmp_path: Path, table: str, spoilt: str) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(learn(EXAMPLES, version="20261101-020000"))
    path = tmp_path / "20261101-020000.npz"
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays[table] = {
        "short": arrays[table][:-1],
        "narrow": arrays[table][:, :-1],
        "infinite": np.full_like(arrays[table], np.inf),
    }[spoilt]
    np.savez(path, **arrays)
    with pytest.raises(LearningError, match="not whole"):
        shelf.load()


def test_rolling_back_the_only_version_leaves_the_keywords_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(learn(EXAMPLES, version="20261101-020000"))
    assert shelf.roll_back() is None
    assert shelf.load() is None
