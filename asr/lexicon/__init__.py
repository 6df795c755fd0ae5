"""What a city brings to understanding its callers: categories, places, surnames, cue phrases; checked when loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

CATEGORIES_FILE = "categories.json"
PLACES_FILE = "places.json"
GAZETTEER_FILE = "gazetteer.json"
"""A city's own places, in the home folder, in the form of the packaged places."""
SURNAMES_FILE = "surnames.txt"
GIVEN_NAMES_FILE = "given_names.txt"
CUES_FILE = "cues.json"
PHRASINGS_FILE = "phrasings.txt"
TELLINGS_FILE = "tellings.txt"
TALK_FILE = "talk.txt"
"""In the home folder: a city's own sentences, beside the packaged ones."""
SURNAME_WORDS_FILE = "surname_words.txt"
GIVEN_WORDS_FILE = "given_name_words.txt"

APPEAL_TYPES = ("咨询", "求助", "投诉", "举报", "建议", "表扬", "其他")
URGENCIES = ("一般", "紧急", "特急")
GAP = "…"
"""In a keyword: a few other characters may stand between the two halves."""


class LexiconError(Exception):
    """A lexicon file cannot be used. ``file`` and ``entry`` say where, ``problem`` what."""

    def __init__(self, file: str, entry: str, problem: str) -> None:
        super().__init__(f"{file}: {entry}: {problem}")
        self.file = file
        self.entry = entry
        self.problem = problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """``strong`` words nearly decide, ``keywords`` count, ``weak`` ones only tip a balance.

    ``department`` handles it first, ``co_departments`` join; ``appeal_type`` is what most of its callers want, and
    ``demand`` how a clerk puts that where the caller does not.
    """

    code: str
    level1: str
    level2: str
    appeal_type: str
    department: str
    demand: str = ""
    co_departments: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


class PlaceKind(StrEnum):
    DISTRICT = "district"
    TOWN = "town"
    COMMUNITY = "community"
    ROAD = "road"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A named place with what it lies in; ``town`` is None for districts and for roads, which cross towns."""

    name: str
    kind: PlaceKind
    district: str
    town: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cues:
    """Phrases that say what is being talked about; each list is read by the module of the same subject."""

    fillers: tuple[str, ...]
    openings: tuple[str, ...]
    small_talk: tuple[str, ...]
    address_terms: Mapping[str, tuple[str, ...]]
    """A word that follows a number in addresses, and what recognisers write for it there."""
    misheard: Mapping[str, tuple[str, ...]]
    """A phrase and what recognisers write for it anywhere; of the same length, so that evidence stays exact."""
    surname_parts: Mapping[str, str]
    """What a surname is taken apart into when it is spelled (木子, 弓长), and the surname."""
    name_words: Mapping[str, str]
    """A word that people say a character of their name is the one of (柴火, 晴天), and the character."""
    place_suffixes: tuple[str, ...]
    spots: tuple[str, ...]
    strangers: tuple[str, ...]
    roles: tuple[str, ...]
    organisations: Mapping[str, str]
    """A word for an office and the department that answers for it."""
    appeal_types: Mapping[str, tuple[str, ...]]
    urgency: Mapping[str, tuple[str, ...]]
    confidential: tuple[str, ...]
    anonymous: tuple[str, ...]
    demand: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """Immutable and compared by identity, so that readings of a turn can be kept per lexicon."""

    city: str
    categories: tuple[Category, ...]
    places: tuple[Place, ...]
    surnames: Mapping[str, int]
    """Each with its rank, the commonest first."""
    given_names: Mapping[str, int]
    """So too; those of two characters that many people have."""
    cues: Cues
    phrasings: Mapping[str, tuple[str, ...]]
    """By category: how people put it, in their own words."""
    talk: tuple[str, ...] = ()
    """Sentences as they are said on the line by callers and operators, one said twice being there twice."""
    tellings: tuple[str, ...] = ()
    """What callers tell first, of dangers and of what is none: for recognisers, which have to know its words."""
    surname_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What callers explain a surname with."""
    given_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """So too a character of a given name."""
    ticket_prefixes: tuple[str, ...] = ("GD", "ZA")
    """The letters before the digits of a ticket's number, the city's own first; ZA is that of the recorded talks."""
    _by_code: Mapping[str, Category] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {category.code: category for category in self.categories})

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Lexicon:
        """The packaged defaults: the fictional city 泽安市."""
        return _assemble(_packaged)

    @staticmethod
    def from_dir(path: Path) -> Lexicon:
        """A city's own files; one that is missing there is taken from the packaged defaults. Raises LexiconError."""

        def read(name: str) -> str:
            own = path / name
            return own.read_text(encoding="utf-8") if own.is_file() else _packaged(name)

        if not path.is_dir():
            raise LexiconError(str(path), "-", "is not a directory")
        return _assemble(read)

    @staticmethod
    def of_home(home: Path) -> Lexicon:
        """The packaged defaults with the city's own places and with its own talk added, where ``home`` has a gazetteer
        or a file of talk. Raises LexiconError."""
        own = home / GAZETTEER_FILE
        lexicon = _with_places(own) if own.is_file() else Lexicon.load()
        talk = home / TALK_FILE
        return replace(lexicon, talk=(*lexicon.talk, *_own_talk(talk))) if talk.is_file() else lexicon

    @property
    def place_names(self) -> tuple[str, ...]:
        """The ones that a recogniser knows least first: communities and roads, then towns, then districts."""
        rank = {PlaceKind.TOWN: 1, PlaceKind.DISTRICT: 2}
        named = sorted(self.places, key=lambda place: rank.get(place.kind, 0))
        return tuple(dict.fromkeys(place.name for place in named))

    def with_ticket_prefix(self, prefix: str) -> Lexicon:
        if self.ticket_prefixes[0] == prefix:
            return self
        others = (each for each in self.ticket_prefixes if each != prefix)
        return replace(self, ticket_prefixes=(prefix, *others))

    def category(self, code: str) -> Category | None:
        return self._by_code.get(code)

    @cached_property
    def departments(self) -> tuple[str, ...]:
        """Every department a category names, the ones that handle first."""
        handling = [category.department for category in self.categories]
        joining = [name for category in self.categories for name in category.co_departments]
        offices = list(self.cues.organisations.values())
        return tuple(dict.fromkeys(handling + joining + offices))


class _Reader(Protocol):
    def __call__(self, name: str, /) -> str: ...


def _with_places(own: Path) -> Lexicon:
    def read(name: str) -> str:
        return own.read_text(encoding="utf-8-sig") if name == PLACES_FILE else _packaged(name)

    try:
        return _assemble(read)
    except LexiconError as error:
        if error.file != PLACES_FILE:
            raise
        raise LexiconError(GAZETTEER_FILE, error.entry, error.problem) from error
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8, or a number of thousands of digits
        raise LexiconError(GAZETTEER_FILE, "file", f"cannot be read ({type(error).__name__})") from error


def _own_talk(path: Path) -> tuple[str, ...]:
    try:
        return _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise LexiconError(TALK_FILE, "file", f"cannot be read ({type(error).__name__})") from error


def _packaged(name: str) -> str:
    return (resources.files(__package__) / "data" / name).read_text(encoding="utf-8")


def _assemble(read: _Reader) -> Lexicon:
    city, places = _places(_json(read, PLACES_FILE))
    categories = _categories(_json(read, CATEGORIES_FILE))
    return Lexicon(
        city=city,
        categories=categories,
        places=places,
        surnames=_names(SURNAMES_FILE, read, "surname"),
        given_names=_names(GIVEN_NAMES_FILE, read, "given name"),
        cues=_cues(_json(read, CUES_FILE)),
        phrasings=_phrasings(read(PHRASINGS_FILE), {category.code for category in categories}),
        talk=_lines(read(TALK_FILE)),
        tellings=_lines(read(TELLINGS_FILE)),
        surname_words=_explained(read(SURNAME_WORDS_FILE)),
        given_words=_explained(read(GIVEN_WORDS_FILE)),
    )


def _json(read: _Reader, name: str) -> Any:
    try:
        return json.loads(read(name))
    except json.JSONDecodeError as error:
        raise LexiconError(name, f"line {error.lineno}", error.msg) from error


def _categories(data: Any) -> tuple[Category, ...]:
    entries = _list(CATEGORIES_FILE, "file", data)
    if not entries:
        raise LexiconError(CATEGORIES_FILE, "file", "has no category")
    found: dict[str, Category] = {}
    for number, entry in enumerate(entries, start=1):
        category = _category(entry, number)
        if category.code in found:
            raise LexiconError(CATEGORIES_FILE, category.code, "is there twice")
        found[category.code] = category
    return tuple(found.values())


def _category(entry: Any, number: int) -> Category:
    where = entry.get("code") if isinstance(entry, dict) else None
    where = where if isinstance(where, str) and where else f"entry {number}"
    if not isinstance(entry, dict):
        raise LexiconError(CATEGORIES_FILE, where, "is not an object")
    unknown = sorted(set(entry) - set(Category.__slots__))
    if unknown:
        raise LexiconError(CATEGORIES_FILE, where, f"has unknown keys: {', '.join(unknown)}")
    text = {key: _text(CATEGORIES_FILE, where, entry, key) for key in ("code", "level1", "level2", "department")}
    lists = {
        key: _texts(CATEGORIES_FILE, where, entry.get(key, []), key)
        for key in ("co_departments", "strong", "keywords", "weak")
    }
    appeal_type = entry.get("appeal_type", "其他")
    if appeal_type not in APPEAL_TYPES:
        raise LexiconError(CATEGORIES_FILE, where, f"appeal_type is none of {' '.join(APPEAL_TYPES)}")
    for key in ("strong", "keywords", "weak"):
        if any(not all(half for half in word.split(GAP)) for word in lists[key]):
            raise LexiconError(CATEGORIES_FILE, where, f"{key}: {GAP} needs words on both sides")
    demand = _text(CATEGORIES_FILE, where, entry, "demand") if "demand" in entry else ""
    return Category(appeal_type=appeal_type, demand=demand, **text, **lists)  # type: ignore[arg-type]  # keys are Category's own


def _places(data: Any) -> tuple[str, tuple[Place, ...]]:
    if not isinstance(data, dict):
        raise LexiconError(PLACES_FILE, "file", "is not an object")
    city = _text(PLACES_FILE, "file", data, "city")
    places: list[Place] = []
    for district in _list(PLACES_FILE, "districts", data.get("districts", [])):
        name, aliases = _named(district)
        places.append(Place(name=name, kind=PlaceKind.DISTRICT, district=name, aliases=aliases))
        inside = district if isinstance(district, dict) else {}
        for town in _list(PLACES_FILE, name, inside.get("towns", [])):
            town_name, town_aliases = _named(town)
            places.append(
                Place(name=town_name, kind=PlaceKind.TOWN, district=name, town=town_name, aliases=town_aliases)
            )
            communities = town.get("communities", []) if isinstance(town, dict) else []
            for community in _list(PLACES_FILE, town_name, communities):
                own, other = _named(community)
                places.append(Place(name=own, kind=PlaceKind.COMMUNITY, district=name, town=town_name, aliases=other))
        for road in _list(PLACES_FILE, name, inside.get("roads", [])):
            own, other = _named(road)
            places.append(Place(name=own, kind=PlaceKind.ROAD, district=name, aliases=other))
    return city, tuple(places)


def _named(entry: Any) -> tuple[str, tuple[str, ...]]:
    if isinstance(entry, str) and len(entry) >= 2:
        return entry, ()
    if isinstance(entry, dict):
        name = _text(PLACES_FILE, "an entry", entry, "name")
        return name, _texts(PLACES_FILE, name, entry.get("aliases", []), "aliases")
    raise LexiconError(PLACES_FILE, repr(entry), "is neither a name of two or more characters nor an object with one")


def _names(file: str, read: _Reader, what: str) -> Mapping[str, int]:
    names = [name for line in read(file).splitlines() if not line.startswith("#") for name in line.split()]
    for name in names:
        if not all("\u4e00" <= char <= "\u9fff" for char in name) or len(name) > 4:
            raise LexiconError(file, name, f"is no {what}")
    if not names:
        raise LexiconError(file, "file", f"has no {what}")
    return {name: rank for rank, name in enumerate(dict.fromkeys(names), start=1)}


def _phrasings(text: str, codes: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Those of categories that a city does not have are passed over."""
    found: dict[str, list[str]] = {}
    code = ""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if words.startswith("[") and words.endswith("]"):
            code = words[1:-1]
        elif words and not words.startswith("#"):
            if not code:
                raise LexiconError(PHRASINGS_FILE, f"line {number}", "stands under no [category]")
            found.setdefault(code, []).append(words)
    return {code: tuple(lines) for code, lines in found.items() if code in codes}


def _lines(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _explained(text: str) -> Mapping[str, tuple[str, ...]]:
    """The first word of each line and the others."""
    found: dict[str, tuple[str, ...]] = {}
    for first, *others in map(str.split, _lines(text)):
        found[first] = (*found.get(first, ()), *others)
    return found


def _cues(data: Any) -> Cues:
    if not isinstance(data, dict):
        raise LexiconError(CUES_FILE, "file", "is not an object")
    unknown = sorted(set(data) - set(Cues.__slots__))
    missing = sorted(set(Cues.__slots__) - set(data))
    if unknown or missing:
        raise LexiconError(CUES_FILE, ", ".join(unknown or missing), "unknown" if unknown else "missing")
    tables: dict[str, Callable[[str, Any], object]] = {
        "address_terms": _table_of_lists,
        "misheard": _table_of_lists,
        "organisations": _table_of_texts,
        "surname_parts": _table_of_texts,
        "name_words": _table_of_texts,
        "appeal_types": _table_of_lists,
        "urgency": _table_of_lists,
    }
    values = {
        key: tables[key](key, value) if key in tables else _texts(CUES_FILE, key, value, key)
        for key, value in data.items()
    }
    cues = Cues(**values)  # type: ignore[arg-type]  # each key went through the reader of its kind
    for table in (cues.address_terms, cues.misheard):
        for meant, heard in table.items():
            if any(len(variant) != len(meant) for variant in heard):
                raise LexiconError(CUES_FILE, meant, "is not as long as each of its variants")
    for key, allowed in (("appeal_types", APPEAL_TYPES), ("urgency", URGENCIES)):
        for name in getattr(cues, key):
            if name not in allowed:
                raise LexiconError(CUES_FILE, f"{key}.{name}", f"is none of {' '.join(allowed)}")
    return cues


def _table_of_lists(key: str, value: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise LexiconError(CUES_FILE, key, "is not an object of lists")
    return {name: _texts(CUES_FILE, f"{key}.{name}", words, name) for name, words in value.items()}


def _table_of_texts(key: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) and text for text in value.values()):
        raise LexiconError(CUES_FILE, key, "is not an object of texts")
    return dict(value)


def _list(file: str, entry: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise LexiconError(file, entry, "is not a list")
    return value


def _text(file: str, entry: str, value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text.strip():
        raise LexiconError(file, entry, f"{key} is missing or not a text")
    return text


def _texts(file: str, entry: str, value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise LexiconError(file, entry, f"{key} is not a list of texts")
    return tuple(value)
