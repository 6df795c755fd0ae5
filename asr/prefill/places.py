"""Where it is: a place of the gazetteer, or one that only its wording shows, with building, unit, room and spot.

The place that is talked about most, asked for, read back or corrected is the main one. Its details come from all its
mentions; a correction wins over what it corrects, and what belongs to the neighbour upstairs is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from asr.lexicon import PlaceKind
from asr.prefill.addresses import address_of
from asr.prefill.along import firm_of
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.half_heard import half_heard
from asr.prefill.heard_places import Mention, judged
from asr.prefill.landmarks import reheard
from asr.prefill.mentions import Where, spans_of
from asr.prefill.questions import READS_BACK
from asr.prefill.reading import Said, Talk
from asr.prefill.rows import answers
from asr.prefill.suggestions import Evidence, Suggestion

_INCIDENT = re.compile(r"(?:在|位于|反映|投诉|举报|我们|咱们?|就是|那个|附近|家是)[，,]?(?:一下|的|个|那个)?$")


def suggest_place(talk: Talk, subject: str = "") -> list[Suggestion]:
    """``subject`` is whom it is about, which is no part of the address."""
    talk = reheard(talk)
    garbled = half_heard(talk)
    mentions = [
        judged(talk, said, span)
        for said in talk.all
        if said.by_caller or said.by_agent
        for span in spans_of(said.reading, garbled.get(said.reading, ()))
    ]
    main = _main(talk, mentions, firm_of(subject))
    found = [] if main is None else [address_of(talk, mentions, main, subject)]
    return found + _region(talk, mentions, main)


# choosing the main place ----------------------------------------------------------------------------------------------
def _main(talk: Talk, mentions: Sequence[Mention], who: str) -> Where | None:
    scores: dict[str, float] = {}
    wheres: dict[str, Where] = {}
    spoken: set[str] = set()
    before = _asked_for(mentions)
    for order, mention in enumerate(mentions):
        where = mention.where
        if where is None:
            continue
        if where.name not in wheres or where.score > wheres[where.name].score:
            wheres[where.name] = where
        heard = mention.said.by_caller or (
            mention.stands
            and (
                where.place is not None
                or talk.agreed(mention.said)
                or _echoes(talk, where.name)
                or _FROM_RECORD.search(mention.said.text) is not None
            )
        )
        if heard or _only_doors_refused(talk, mention):
            spoken.add(where.name)
        scores[where.name] = scores.get(where.name, 0.0) + _weight(talk, mention, order)
        if mention.asked and _ASKS_HOME.search(mention.said.asked) is not None:
            scores[where.name] -= 1.6 if order > before else 1.0 * any(map(_tells_more, mentions[:order]))
    for name, where in wheres.items():
        longer = [other for other in wheres if other != name and name in other]
        if longer and where.score <= wheres[longer[0]].score:
            scores[longer[0]] += max(0.0, scores[name]) + 0.1
    housed = any(m.asked and m.where and m.where.place and m.where.place.kind is PlaceKind.COMMUNITY for m in mentions)
    for name, where in wheres.items():
        known = where.place is None and bool(who) and name.endswith(who) and _OPEN_TO_ALL.search(who) is not None
        scores[name] += _IS_WHO * (known and not housed)
    best = max(spoken, key=lambda name: (scores[name], name), default=None)
    return wheres[best] if best is not None and scores[best] > 0.3 else None


_IS_WHO = 0.6
_OPEN_TO_ALL = re.compile(r"(?:[医学法病]院|[一二三四五六七八九]院|政府|派出所|大厅|[小中]学|学校|[东西南北车]站)$")
"""Where the matter is about such a house it is there, rather than where the caller comes from."""
_ASKS_HOME = re.compile(r"住哪|住在哪|家住|您住|家在哪|家是哪")


def _asked_for(mentions: Sequence[Mention]) -> int:
    """The first place told when it was asked for; where the caller lives, if that is asked later, is another matter."""
    asked = (
        order
        for order, mention in enumerate(mentions)
        if mention.where is not None and mention.asked and not _ASKS_HOME.search(mention.said.asked)
    )
    return next(asked, len(mentions))


def _tells_more(mention: Mention) -> bool:
    """科创街恒远服装厂: what stands on a road was named, in the caller's own words."""
    where = mention.where
    if not mention.said.by_caller or mention.elsewhere or mention.negated or where is None or where.place is None:
        return False
    return where.place.kind is PlaceKind.ROAD and where.name != where.place.name


_FROM_RECORD = re.compile(r"查到|看到|显示|(?:之前|上次|此前|曾)反映|您反映")
"""The operator reads what was registered before."""


def _echoes(talk: Talk, name: str) -> bool:
    """The caller named it in pieces: 东岭镇 … 那个文化广场."""
    return any(name[-4:] in said.text for said in talk.caller)


_WHICH = re.compile(r"哪一?[个家所座](?P<kind>村|[\u4e00-\u9fff]{2,4})")
_ASKED_AT = re.compile(r"(?:村|小区|街|路)?(?:的)?(?:哪里|哪儿|什么位置|具体位置|哪个位置|哪一?[块段栋])")


def _only_doors_refused(talk: Talk, mention: Mention) -> bool:
    """怡景苑五号楼三单元，对吗？ 错了，我家是二单元: the number is wrong, the place is not."""
    if mention.said.by_caller or mention.where is None or mention.where.place is None:
        return False
    if not mention.doors and mention.where.score >= 100:
        return False
    reply = next((other for other in talk.after(mention.said) if other.by_caller), None)
    spans = spans_of(reply.reading) if reply is not None else ()
    return any(span.details for span in spans) and not any(span.where is not None for span in spans)


def _weight(talk: Talk, mention: Mention, order: int) -> float:
    assert mention.where is not None
    if mention.negated:
        return -2.0
    place = mention.where.place
    weight = (0.9 if place.kind is PlaceKind.ROAD else 1.0) * (mention.where.score / 100) ** 2 if place else 0.45
    weight += 0.25 * len(mention.span.details)
    if mention.said.by_agent:
        if not mention.stands:
            return 0.6 if _only_doors_refused(talk, mention) else 0.0
        weight = 0.8 * weight + (0.5 if READS_BACK.search(mention.said.text) else 0.0)
        weight += 0.5 * answers(talk, mention)
        weight += 0.9 * (_ASKED_AT.match(mention.said.text, mention.span.head_end) is not None)
    which = _WHICH.search(mention.said.asked)
    weight += 0.9 * (which is not None and mention.where.name.endswith(which.group("kind")[:3]))
    weight += 0.9 * mention.asked + 1.5 * mention.corrected + 0.9 * mention.blamed - 0.7 * mention.elsewhere
    weight += 0.2 * bool(_INCIDENT.search(mention.said.text[max(0, mention.span.start - 6) : mention.span.start]))
    return weight + max(0.0, 0.2 - order * 0.02)


# district and town ----------------------------------------------------------------------------------------------------
def _region(talk: Talk, mentions: Sequence[Mention], main: Where | None) -> list[Suggestion]:
    """What the gazetteer knows of the main place; else what was said."""
    place = main.place if main is not None else None
    anchor = next(
        (
            m
            for m in mentions
            if main is not None and m.where is not None and m.where.name == main.name and not m.negated
        ),
        None,
    )
    found: dict[str, Suggestion] = {}
    if main is not None and place is not None and anchor is not None:
        sure = 0.93 if main.score >= 100 else 0.78
        found["district"] = _suggestion("district", place.district, sure, anchor.head)
        if place.town is not None:
            found["town"] = _suggestion("town", place.town, sure, anchor.head)
    if place is None:
        known = next((m for m in mentions if m.where is not None and m.where.place is not None and m.stands), None)
        if known is not None and known.where is not None and known.where.place is not None:
            near = known.where.place
            found["district"] = _suggestion("district", near.district, 0.72, known.head)
            if near.town is not None:
                found["town"] = _suggestion("town", near.town, 0.7, known.head)
    for said, hit in _said_regions(talk):
        proof = said.evidence(hit.start, hit.end)
        fits = "district" not in found or found["district"].value == hit.place.district
        if hit.place.kind is PlaceKind.TOWN and "town" not in found and fits:
            found["town"] = _suggestion("town", hit.place.name, 0.88 if hit.score >= 100 else 0.76, proof)
        if "district" not in found:
            found["district"] = _suggestion("district", hit.place.district, 0.84 if hit.score >= 100 else 0.74, proof)
    return list(found.values())


def _said_regions(talk: Talk) -> Iterator[tuple[Said, PlaceHit]]:
    for kind in (PlaceKind.TOWN, PlaceKind.DISTRICT):
        for said in (*talk.caller, *(agent for agent in talk.agent if talk.confirmed(agent))):
            for hit in said.reading.places:
                if hit.place.kind is kind:
                    yield said, hit


def _suggestion(name: str, value: str, confidence: float, proof: Evidence) -> Suggestion:
    return replace(Suggestion(field=name, value=value, confidence=confidence), evidence=(proof,))
