"""What a place stands on: 环城路的哪一段？ 砖厂门口, and where on it a place was told when that was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asr.lexicon import PlaceKind
from asr.prefill.heard_places import Mention
from asr.prefill.mentions import Where
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence

_ASKS_ON_IT = re.compile(
    r"哪一?[段截块头]|(?:什么|哪个|具体|大概|准确)的?(?:位置|地方|地点)|哪里|哪儿|什么(?:明显的?)?(?:建筑|标志|参照)|挨着什么|靠近什么"
)


def anchor_of(talk: Talk, mentions: Sequence[Mention], main: Where) -> tuple[str, list[Evidence]] | None:
    """The road or village, with the side of it told there, that ``main`` was named for when asked where on it."""
    first = next((m for m in mentions if m.where == main and m.said.by_caller and not m.negated), None)
    if first is None:
        return None
    by_structure = main.place is None and main.name[-1] in _STRUCTURES
    which = _which_one(mentions, main)
    if which is not None:
        return which
    if not _ASKS_ON_IT.search(first.said.asked) and not by_structure:
        return None
    before = [m for m in mentions if m.said.index < first.said.index and m.stands and not m.negated and not m.elsewhere]
    for mention in reversed(before):
        where = mention.where
        if where is None or where.place is None or where.place.name in main.name:
            continue
        road, village = where.place.kind is PlaceKind.ROAD, where.place.name.endswith("村")
        if mention.said.by_agent:
            fits = road and _asks_on(mention)
        else:
            fits = main.place is None and (
                (road and _next(talk, mention.said, first.said)) or (village and by_structure)
            )
        if fits and where.name == where.place.name:
            sides = [spot for spot in mention.spots[:1] if village and _SIDE_OF_VILLAGE.fullmatch(spot.shown)]
            proofs = [mention.head, *(mention.evidence(spot) for spot in sides)]
            return where.name + "".join(spot.shown for spot in sides), proofs
    return None


_THAT_ONE = re.compile(r"(?:上|那边|那儿)?的?(?:那[个家所座]|这边|那边)?(?=[，,。！？]|$)")


def _which_one(mentions: Sequence[Mention], main: Where) -> tuple[str, list[Evidence]] | None:
    """哪个百货大楼？ 神农街那个: a road alone in its clause, where the main place is on no list."""
    if main.place is not None:
        return None
    known = [m for m in mentions if m.where is not None and m.where.place is not None]
    if any(m.where and m.where.place and m.where.place.kind is not PlaceKind.ROAD and m.stands for m in known):
        return None
    for mention in known:
        where = mention.where
        if not mention.said.by_caller or mention.negated or mention.elsewhere or where is None or where.place is None:
            continue
        if where.name == where.place.name and _alone(mention):
            return where.name, [mention.head]
    return None


_STRUCTURES = "桥井坡沟坝渠塘闸"
"""Nothing that is found by its name alone."""
_SIDE_OF_VILLAGE = re.compile(r"村[东西南北口]头?")


def _asks_on(mention: Mention) -> bool:
    """环城路的哪一段？ said in one breath with the road."""
    return _ASKS_ON_IT.match(mention.said.text[mention.span.end :].lstrip("的，, 上")) is not None


def _next(talk: Talk, said: Said, other: Said) -> bool:
    """The caller's very next turn."""
    return next((later for later in talk.after(said) if later.by_caller), None) is other


def answered_on(mentions: Sequence[Mention], main: Where) -> Mention | None:
    """长平路哪个位置？ 汽车站斜对面: what the caller answered of the road itself."""
    if main.place is None or main.place.kind is not PlaceKind.ROAD or main.name != main.place.name:
        return None
    asked = {m.said.index for m in mentions if m.said.by_agent and m.where == main and _asks_on(m)}
    apart = {m.said.index for m in mentions if m.said.by_caller and m.where == main and _alone(m)}
    return next(
        (
            m
            for m in mentions
            if m.said.by_caller
            and (m.said.index - 1 in asked or (m.said.index in apart and _begins(m) and bool(m.spots)))
            and not (m.negated or m.elsewhere)
            and m.where is not None
            and m.where.place is None
        ),
        None,
    )


def _begins(mention: Mention) -> bool:
    return mention.said.reading.clause_at(mention.span.start)[0] >= mention.span.start - 1


def _alone(mention: Mention) -> bool:
    """A clause that only names the road."""
    behind = _THAT_ONE.match(mention.said.text, mention.span.head_end)
    return _begins(mention) and not mention.span.details and behind is not None
