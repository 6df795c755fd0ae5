"""The packaged lexicon is whole, and a city's own is checked with errors that say where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asr.lexicon import (
    APPEAL_TYPES,
    CATEGORIES_FILE,
    CUES_FILE,
    GAZETTEER_FILE,
    GIVEN_NAMES_FILE,
    PLACES_FILE,
    SURNAMES_FILE,
    TALK_FILE,
    Lexicon,
    LexiconError,
    PlaceKind,
)
from asr.lexicon.pinyin import sounds_like, syllables


def test_the_defaults_hold_91_categories_in_15_groups() -> None:
    categories = Lexicon.load().categories
    assert len(categories) == 91
    assert len({category.level1 for category in categories}) == 15
    assert all(category.department and category.strong for category in categories)
    assert {category.appeal_type for category in categories} <= set(APPEAL_TYPES)


def test_a_category_is_found_by_its_code() -> None:
    category = Lexicon.load().category("0401")
    assert category is not None
    assert (category.level2, category.department) == ("餐饮油烟", "城市管理部门")
    assert "生态环境部门" in category.co_departments
    assert Lexicon.load().category("nothing") is None


def test_departments_are_named_once() -> None:
    departments = Lexicon.load().departments
    assert len(departments) == len(set(departments))
    assert {"公安机关", "住建部门", "街道办"} <= set(departments)


def test_places_know_what_they_lie_in() -> None:
    places = {place.name: place for place in Lexicon.load().places}
    assert (places["锦绣花园"].district, places["锦绣花园"].town) == ("城区", "钟楼街道")
    assert places["文昌路"].kind is PlaceKind.ROAD
    assert places["文昌路"].town is None


def test_double_surnames_are_known() -> None:
    assert {"欧阳", "尉迟", "王"} <= set(Lexicon.load().surnames)
    assert len(Lexicon.load().surnames) >= 500


def write(folder: Path, name: str, data: Any) -> Path:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


CATEGORY = {"code": "0101", "level1": "甲", "level2": "乙", "department": "丙", "strong": ["丁"]}


def test_a_city_brings_what_it_has_and_keeps_the_rest(tmp_path: Path) -> None:
    places = {"city": "某市", "districts": [{"name": "东区", "towns": [], "roads": ["一号大街"]}]}
    lexicon = Lexicon.from_dir(write(tmp_path, PLACES_FILE, places))
    assert lexicon.city == "某市"
    assert [place.name for place in lexicon.places] == ["东区", "一号大街"]
    assert lexicon.categories == Lexicon.load().categories


@pytest.mark.parametrize(
    ("file", "data", "entry", "problem"),
    [
        (CATEGORIES_FILE, "[", "line 1", "Expecting"),
        (CATEGORIES_FILE, [], "file", "no category"),
        (CATEGORIES_FILE, [{"code": "0101"}], "0101", "level1"),
        (CATEGORIES_FILE, [CATEGORY, CATEGORY], "0101", "twice"),
        (CATEGORIES_FILE, [CATEGORY | {"keyword": []}], "0101", "unknown keys: keyword"),
        (CATEGORIES_FILE, [CATEGORY | {"appeal_type": "骂人"}], "0101", "appeal_type"),
        (CATEGORIES_FILE, [CATEGORY | {"strong": ["欠…"]}], "0101", "both sides"),
        (CATEGORIES_FILE, [CATEGORY | {"strong": "欠薪"}], "0101", "not a list of texts"),
        (CATEGORIES_FILE, ["0101"], "entry 1", "not an object"),
        (PLACES_FILE, {"city": "某市", "districts": {}}, "districts", "not a list"),
        (PLACES_FILE, {"districts": []}, "file", "city"),
        (PLACES_FILE, {"city": "某市", "districts": [{"name": "东区", "roads": ["路"]}]}, "'路'", "two or more"),
        (SURNAMES_FILE, "王 Li", "Li", "no surname"),
        (GIVEN_NAMES_FILE, "秀兰 Xiulan", "Xiulan", "no given name"),
        (CUES_FILE, {"fillers": []}, "address_terms", "missing"),
    ],
)
def test_a_mistake_is_named_with_file_and_entry(tmp_path: Path, file: str, data: Any, entry: str, problem: str) -> None:
    with pytest.raises(LexiconError, match=problem) as raised:
        Lexicon.from_dir(write(tmp_path, file, data))
    assert raised.value.file == file
    assert entry in raised.value.entry


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        ("{", "line 1"),
        ({"city": "某市", "districts": 5}, "districts"),
        ({"city": "某市", "districts": [{"name": "东区", "roads": ["路"]}]}, "'路'"),
        ("9" * 5_000, "file"),
        ("[" * 100_000, "file"),
    ],
)
def test_a_mistake_in_ones_own_gazetteer_is_named_by_its_own_file(tmp_path: Path, data: Any, entry: str) -> None:
    with pytest.raises(LexiconError) as raised:
        Lexicon.of_home(write(tmp_path, GAZETTEER_FILE, data))
    assert (raised.value.file, raised.value.entry) == (GAZETTEER_FILE, entry)
    assert str(raised.value).startswith(GAZETTEER_FILE)


def test_a_mishearing_must_be_as_long_as_what_was_meant(tmp_path: Path) -> None:
    from importlib import resources

    cues = json.loads((resources.files("asr.lexicon") / "data" / CUES_FILE).read_text(encoding="utf-8"))
    cues["misheard"]["油烟"] = ["由"]
    with pytest.raises(LexiconError, match="as long as"):
        Lexicon.from_dir(write(tmp_path, CUES_FILE, cues))


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="not a directory"):
        Lexicon.from_dir(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("one", "other"), [("锐风园", "瑞丰园"), ("以后", "驿后"), ("金绣", "锦绣"), ("四川", "是船"), ("花", "发")]
)
def test_what_telephones_mix_up_sounds_alike(one: str, other: str) -> None:
    assert sounds_like(one, other)


def test_what_does_not_sound_alike_is_kept_apart() -> None:
    assert not sounds_like("学院", "医院")
    assert syllables("3路A") == ("3", "lu", "A")


def test_a_citys_own_talk_stands_beside_the_packaged(tmp_path: Path) -> None:
    (tmp_path / TALK_FILE).write_text("\ufeff# ours\n\n云栖里门口又堵了\n", encoding="utf-8")
    assert Lexicon.of_home(tmp_path).talk == (*Lexicon.load().talk, "云栖里门口又堵了")
    assert Lexicon.of_home(tmp_path / "elsewhere") is Lexicon.load()


def test_talk_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / TALK_FILE).write_bytes("云栖里".encode("gb18030"))
    with pytest.raises(LexiconError) as raised:
        Lexicon.of_home(tmp_path)
    assert raised.value.file == TALK_FILE


def test_words_that_explain_a_name_go_with_its_character() -> None:
    assert "岳飞" in Lexicon.load().surname_words["岳"]
    assert "欣赏" in Lexicon.load().given_words["欣"]
