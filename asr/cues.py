"""The urgency ear: which other line a call is for, heard in what the caller says while he says it (pure).

Each caller turn, partial or final, is searched for events and matters by their words and by their sound. What is
denied, past, supposed, figurative, asked about or complained of counts less or not at all; what happens now counts
more. Beside the phrases the gist of the sentence has its say. A later turn raises what an earlier one
left low, and takes back what it says was wrong or is over.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from pypinyin.phrases_dict import phrases_dict

from asr.doubt import INTERRUPTED, doubt_of, ordinary, seen_to
from asr.gist import EMERGENCIES, HEADS, LINES, Gist, Weighed, together
from asr.lexicon import Lexicon
from asr.lexicon.phrases import Found, Phrases
from asr.lexicon.urgency import Concern, Urgency
from asr.prefill.reading import Reading, reading_of
from asr.transcript import Speaker, Turn

RAISES = 0.8
"""From here on a cue is shown."""
KEPT = 0.6
"""Of what a turn left too low for a cue, what the next turn still has of it."""
_STRONG, _WEAK = 1.0, 0.5
_BY_SOUND = {2: 0.55, 3: 0.85, 4: 0.95}
_IN_SCENE = 0.85
"""Of something heard by its sound where more of the sentence is about the same."""
_COMPANY = 0.35
_MOST = 1.3
"""More than this the phrases do not say, however many there are."""
_DECIDED, _DECIDED_OFFER = -1.4, -0.7
"""So much phrases and gist have to say together for a cue, and by each beyond it a cue is surer by ``_PACE``; the
second of a service line."""
_PACE = 0.25
_UNSAID = 0.3
"""So much surer the gist has to be of an emergency line that no phrase names: most turns are about no danger."""
_BESIDE = 0.1
"""Where one line is certain another may fall short by so much."""
_CLAUSE = re.compile(r"[^，。！？!?,…；;]+")
_FEW = 4
"""Of so few characters no gist is taken."""
_UNSURE_ORDER = 9
_BONUS = {"now": 0.25, "help": 0.25, "own": 0.1}
_NO_TARGET = "none"
GIST = "gist"
"""The concern of a cue that no phrase names."""
_NONE = Phrases([])
_DENIED = re.compile(
    r"(?<!是)(?<!还)(?:不是|没有?|并没有?|不会|没啥|也没|从没|不算|并非|别|甭|不叫|没说)"
    r"(?:什么|啥|有人|有|人|真|再|说|发生|出现|闻到|发现|看见|看到|被|在|敢|去)?$"
)
_DENIED_WITHIN = re.compile(
    r"(?:没有?|不是|不会|并没)(?!有|呼吸|反应|动静|人|见|出|露|上来|回|气|意识|心跳|影|知觉|停|了|盖|法|脉|退|几|多|救|敢|开)"
    r"[\u4e00-\u9fff]{1,2}$|不(?:流血|出血|冒烟|漏|疼|痛)$"
)
"""阀门…没漏: what makes it an event is denied inside."""
_OR_NOT = re.compile(r"(?:有没有?|是不是|要不是|会不会|能不能)$")
_BEFORE, _AFTER, _PAST_REACH = 14, 12, 40
_STILL_NOT = re.compile(
    r"(?:到|直到)?(?:现在|今天|这会儿)(?:还|都|也)?(?:没|不|到哪|什么情况|咋样|怎么样|进展|处理|好了|没事)"
)
"""到现在没下来 says nothing of now."""
_EVERYDAY = frozenset(
    "是的了一不我你他有在就都也这那个们到去来上下没要会说还又很太吗呢吧啊二三四五六七八九十零两次年月号点走看听做开给让把被和"
    "跟拿放吃喝买卖家里外前后边自己人什么谁怎哪多少大小好坏时候天今明昨事情用能可以得对过起出进回住问叫想知道办找从再才刚先"
)
_FAINT = 16
"""A cry for help with hardly a word around it."""


class Action(StrEnum):
    TRANSFER_NOW = "transfer_now"
    """Warm, the operator speaks first."""
    CONFERENCE = "conference"
    """Several lines, or one that has sent the caller away."""
    KEEP_LINE = "keep_line"
    """Never hand this caller off; somebody else tells the line."""
    OFFER = "transfer_offer"
    """A service line, with the caller's consent."""
    NOTIFY = "notify"
    """A firm that should know as well."""
    SOFT_ALERT = "soft_alert"
    """Said in anger; nothing to transfer, worth an ear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """``text[start:end]`` of the turn ``seg`` is what was heard; ``score`` from ``RAISES`` up, higher is surer."""

    target: str
    action: Action
    concern: str
    seg: int
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class _Hit:
    concern: Concern
    start: int
    end: int
    weight: float
    strong: bool
    heard: bool = False
    """By the sound of three syllables or more, not by its characters."""


@dataclass(frozen=True, slots=True)
class _Sensed:
    """What one turn says of each concern. ``gone`` are concerns it takes back or says are over; ``all_gone`` all."""

    hits: tuple[_Hit, ...]
    gone: tuple[Concern, ...]
    all_gone: bool
    soft: tuple[int, int] | None
    since: int
    """Where what counts begins."""


@dataclass(frozen=True, slots=True)
class _Standing:
    hit: _Hit
    turn: Turn
    reading: Reading
    score: float


def hear(turns: Sequence[Turn], lexicon: Lexicon, urgency: Urgency) -> tuple[Cue, ...]:
    """The cues that stand after these turns, the most urgent first. What was sensed of a turn is kept."""
    standing: dict[str, _Standing] = {}
    rests: dict[str, float] = {}
    soft: Cue | None = None
    modes = list[str]()
    told, speaks, asked, behind = 0, False, "", frozenset[str]()
    for turn in sorted(turns, key=lambda turn: (turn.start_s, turn.seg)):
        if turn.speaker is Speaker.AGENT:
            told, speaks, asked = told + speaks, False, turn.text
        if turn.speaker is not Speaker.CALLER or not turn.text.strip():
            continue
        reading = reading_of(turn.text, lexicon)
        if not reading.text:
            continue
        doubt = doubt_of(told, asked, reading.text, behind)
        speaks, behind = True, behind | ordinary(reading.text, urgency)
        sensed = _sense(reading.text, urgency, _words(lexicon))
        if sensed.all_gone or seen_to(told, reading.text):
            standing = {} if sensed.all_gone else {t: one for t, one in standing.items() if t not in EMERGENCIES}
            rests = {}
        for concern in sensed.gone:
            known = standing.get(concern.target)
            if known is not None and known.hit.concern.name in (concern.name, GIST):
                del standing[concern.target]
        if sensed.soft is not None:
            soft = _cue(_NO_TARGET, Action.SOFT_ALERT, "figurative", turn, reading, *sensed.soft, RAISES)
        modes += _modes(reading.text, urgency)
        rests = _raise(standing, rests, sensed, turn, reading, urgency, doubt=doubt)
    cues = list(_cues(standing, modes, urgency))
    return tuple([*cues, soft] if soft is not None and not cues else cues)


def _raise(
    standing: dict[str, _Standing],
    rests: Mapping[str, float],
    sensed: _Sensed,
    turn: Turn,
    reading: Reading,
    urgency: Urgency,
    *,
    doubt: tuple[float, float],
) -> dict[str, float]:
    """Take in one turn; returns what of it was too little for a cue. Beside a standing emergency nothing is doubted,
    but the gist of what is told of it (我开着门了) calls for no other line unless it weighs more."""
    stood = max((one.score for target, one in standing.items() if target in EMERGENCIES), default=None)
    if stood is not None:
        doubt = 0.0, 0.0
    left = {target: rest * KEPT for target, rest in rests.items()}
    ruled = _ruled(sensed.hits, reading.text, urgency)
    garbled = {hit.concern.target for hit in sensed.hits if hit.heard and hit.weight >= RAISES}
    agreed = _with_gist(ruled, reading.text[sensed.since :], garbled)
    for target, score in agreed.items():
        score += left.get(target, 0.0)
        plain = [hit for hit in sensed.hits if hit.concern.target == target and hit.weight >= _STRONG]
        if any(hit.concern.certain for hit in plain):
            score = max(score, RAISES)
        elif target in EMERGENCIES:
            score -= doubt[bool(plain)]
        known = standing.get(target)
        if known is None and target in EMERGENCIES and target not in ruled and score <= (stood or 0.0):
            continue
        if score >= RAISES:
            if known is None or score > known.score + 0.2:
                best = _best(sensed.hits, target) or _of_gist(target, reading.text, sensed.since)
                standing[target] = _Standing(best, turn, reading, score)
        elif target in ruled:
            left[target] = max(left.get(target, 0.0), min(score, ruled[target]) * KEPT)
    return left


def _ruled(hits: Sequence[_Hit], text: str, urgency: Urgency) -> dict[str, float]:
    scores: dict[str, float] = {}
    also = set[str]()
    for target in dict.fromkeys(hit.concern.target for hit in hits):
        best = _best(hits, target)
        assert best is not None
        others = {
            hit.concern.name + str(hit.start): hit
            for hit in sorted(hits, key=lambda hit: -hit.weight)
            if hit.concern.target == target and hit is not best and not _overlap(hit, best)
        }
        score = best.weight + _COMPANY * sum(hit.weight for hit in list(others.values())[:3])
        if target in EMERGENCIES:
            score += _bonus(text, urgency) * min(1.0, best.weight / 0.4)
            score = min(score, _MOST)
            if score >= RAISES and best.strong:
                also.update(best.concern.also)
        scores[target] = score
    return scores | {target: max(scores.get(target, 0.0), RAISES) for target in also if target in EMERGENCIES}


def _best(hits: Sequence[_Hit], target: str) -> _Hit | None:
    return max((hit for hit in hits if hit.concern.target == target), key=lambda hit: hit.weight, default=None)


def _with_gist(ruled: Mapping[str, float], text: str, garbled: Container[str]) -> dict[str, float]:
    """Of each line what phrases and gist say together, on the scale of the phrases."""
    if len(text) < _FEW:
        return dict(ruled)
    weighed = _weighed(text)
    scores = dict(ruled)
    for line in LINES:
        rule = ruled.get(line, 0.0)
        voice = together(rule, rule >= RAISES, weighed, line, garbled=line in garbled)
        scores[line] = RAISES + _PACE * (voice - (_DECIDED if line in EMERGENCIES else _DECIDED_OFFER))
        if not rule and line in EMERGENCIES:
            scores[line] -= _UNSAID
    if max(scores[line] for line in EMERGENCIES) >= RAISES:
        scores |= {line: RAISES for line in EMERGENCIES if RAISES - _BESIDE <= scores[line] < RAISES}
    return scores


@lru_cache(maxsize=4096)
def _weighed(text: str) -> Weighed:
    """Each turn is asked for anew with every turn that follows it."""
    return Gist.load().weigh(text)


def _of_gist(target: str, text: str, since: int) -> _Hit:
    """The clause that says it most, where no phrase does."""
    line = HEADS.index(target)
    clauses = [found.span() for found in _CLAUSE.finditer(text, since)] or [(since, len(text))]
    start, end = max(clauses, key=lambda span: _weighed(text[span[0] : span[1]]).whole[line])
    return _Hit(
        Concern(name=GIST, target=target, strong=_NONE, weak=_NONE, unless=_NONE, over=_NONE, scene=_NONE),
        start,
        end,
        RAISES,
        False,
    )


def _overlap(one: _Hit, other: _Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _bonus(text: str, urgency: Urgency) -> float:
    return sum(worth for name, worth in _BONUS.items() if any(urgency.context[name].read(text)))


@lru_cache(maxsize=8)
def _words(lexicon: Lexicon) -> frozenset[str]:
    """Words of the lexicon, which are no mishearing of others."""
    listed = (word for one in lexicon.categories for word in (*one.strong, *one.keywords, *one.weak))
    return frozenset((*listed, *lexicon.cues.strangers, *lexicon.cues.spots, *lexicon.cues.roles))


# one turn -------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _sense(text: str, urgency: Urgency, known: frozenset[str]) -> _Sensed:
    taken_back = max((found.end for found in urgency.suppress["retracted"].read(text)), default=-1)
    hits: list[_Hit] = []
    gone: list[Concern] = []
    soft: tuple[int, int] | None = None
    for concern in urgency.events:
        over = max((found.end for found in concern.over.read(text)), default=-1)
        if over >= 0:
            gone.append(concern)
        for found, weight, strong in _found(text, concern, known):
            if found.start < max(taken_back, over):
                continue
            if _denied(text, found):
                gone.append(concern)
                continue
            factor, angry = _standing_factor(text, found, concern, urgency)
            if angry and concern.name in ("suicide", "heart", "violence", "explosion") and strong:
                soft = soft or (found.start, found.end)
            if factor * weight >= 0.15:
                hits.append(_Hit(concern, found.start, found.end, weight * factor, strong, found.sounds > 2))
    for line in urgency.lines:
        for found, weight, strong in _found(text, line, known):
            if not _near(line.unless, text, found) and not _is_a_place(text, found, urgency):
                hits.append(_Hit(line, found.start, found.end, weight, strong, found.sounds > 2))
    return _Sensed(tuple(hits), tuple(gone), taken_back >= 0, soft, max(taken_back, 0))


def _is_a_place(text: str, found: Found, urgency: Urgency) -> bool:
    """It only says where: 税务局旁边."""
    return any(place.start <= 2 for place in urgency.suppress["elsewhere"].read(text[found.end : found.end + 8]))


def _found(text: str, concern: Concern, known: frozenset[str]) -> Iterator[tuple[Found, float, bool]]:
    """Every place with its weight; one that is only heard where it is not read already."""
    taken: list[Found] = []
    for found in concern.strong.read(text):
        taken.append(found)
        yield found, _STRONG, True
    for found in concern.strong.heard(text):
        inside = any(found.start < other.end and other.start < found.end for other in taken)
        if not inside and _is_no_word(text[slice(*found.heard)], known):
            taken.append(found)
            rest = text[: found.heard[0]] + "，" + text[found.heard[1] :]
            sure = _BY_SOUND[found.sounds]
            yield found, max(sure, _IN_SCENE) if any(concern.scene.read(rest)) else sure, True
    for found in concern.weak.read(text):
        if not any(found.start < other.end and other.start < found.end for other in taken):
            taken.append(found)
            yield found, _WEAK, False


def _is_no_word(heard: str, known: frozenset[str]) -> bool:
    """What is a word of its own was meant as such, and so are two everyday characters or numbers."""
    bare = heard.rstrip("了")
    return bare not in phrases_dict and bare not in known and (len(heard) > 2 or not set(bare) & _EVERYDAY)


def _denied(text: str, found: Found) -> bool:
    if _DENIED_WITHIN.search(text[found.start : found.end]):
        return True
    before = text[max(0, found.start - 7) : found.start]
    if before.endswith("不") and text[found.end : found.end + 1] == "了":
        return True  # 就不流血了: no more
    return _DENIED.search(before) is not None and _OR_NOT.search(before) is None


def _standing_factor(text: str, found: Found, concern: Concern, urgency: Urgency) -> tuple[float, bool]:
    """How much of a hit is left after what speaks against it, and whether it was a manner of speaking."""
    suppress = urgency.suppress
    figurative = any(suppress["figurative"].read(text[max(0, found.start - 10) : found.end + 6]))
    if figurative or _near(concern.unless, text, found):
        return 0.0, figurative
    around = text[max(0, found.start - _BEFORE) : found.end + _AFTER]
    before = text[max(0, found.start - _BEFORE) : found.end]
    lead = text[max(0, found.start - _PAST_REACH) : found.end + 8]
    if any(suppress["rumour"].read(text[: found.end + _AFTER])):
        return 0.0, True
    heard = around if concern.past_counts else _STILL_NOT.sub("", around)
    now = any(urgency.context["now"].read(heard))
    factor = 1.0
    if concern.needs_now and not now:
        factor *= 0.5
    if any(suppress["supposed"].read(before)) and not concern.supposed_counts:
        factor *= 0.1
    if any(suppress["past"].read(lead)) and not now and not concern.past_counts:
        factor *= 0.2
    since = max((each.end() for each in INTERRUPTED.finditer(text, 0, found.start)), default=0)
    if any(suppress["asking"].read(text[since:])):
        factor *= 0.8 if now else 0.45
    if any(suppress["complaint"].read(text[since:])):
        factor *= 0.7 if now else 0.45
    return factor, False


def _near(phrases: Phrases, text: str, found: Found) -> bool:
    low, high = max(0, found.start - _BEFORE), found.end + _AFTER
    return any(phrases.read(text[low:high]))


def _modes(text: str, urgency: Urgency) -> list[str]:
    said = [name for name in ("child", "whisper", "own_act", "pushed_back") if any(getattr(urgency, name).read(text))]
    plain = re.sub(r"[^\u4e00-\u9fff]|（[^）]*）", "", re.sub(r"（[^）]*）", "", text))
    return [*said, "faint"] if len(plain) <= _FAINT and re.search(r"救.{0,3}救|救命|救我", text) else said


# all turns ------------------------------------------------------------------------------------------------------------
def _cues(standing: Mapping[str, _Standing], modes: Sequence[str], urgency: Urgency) -> Iterator[Cue]:
    urgent = [one for target, one in standing.items() if target in EMERGENCIES]
    urgent.sort(key=_precedence)
    action = _action(urgent, modes, urgency)
    named: set[str] = set()
    for one in urgent:
        named.add(one.hit.concern.target)
        yield _of(one, one.hit.concern.target, action)
    for one in urgent:
        for target in (*one.hit.concern.also, *one.hit.concern.notices):
            if target not in named and one.hit.strong:
                named.add(target)
                yield replace(_of(one, target, action if target in EMERGENCIES else Action.NOTIFY), score=RAISES)
    for target, one in standing.items():
        if target not in EMERGENCIES:
            yield _of(one, target, Action.OFFER)


def _action(urgent: Sequence[_Standing], modes: Sequence[str], urgency: Urgency) -> Action:
    keeping = [one for one in urgent if one.hit.concern.mode == Action.KEEP_LINE and one.hit.strong]
    if any("faint" in modes or (one.hit.concern.name == "suicide" and not _of_others(one, urgency)) for one in keeping):
        return Action.KEEP_LINE
    if {"child", "whisper", "faint"} & set(modes):
        return Action.KEEP_LINE
    if "own_act" in modes and any(one.hit.concern.name == "poison" for one in urgent):
        return Action.KEEP_LINE
    return Action.CONFERENCE if "pushed_back" in modes and len(urgent) > 1 else Action.TRANSFER_NOW


def _precedence(one: _Standing) -> tuple[int, int, float]:
    concern = one.hit.concern
    return concern.order if one.hit.strong else _UNSURE_ORDER, EMERGENCIES.index(concern.target), -one.score


def _of_others(one: _Standing, urgency: Urgency) -> bool:
    """Whether it is told of somebody else, who cannot be kept on this line."""
    before = one.reading.text[max(0, one.hit.start - _BEFORE) : one.hit.end]
    others = max((found.start for found in urgency.others.read(before)), default=-1)
    own = max((found.start for found in urgency.context["own"].read(before)), default=-1)
    return others > own


def _of(one: _Standing, target: str, action: Action) -> Cue:
    return _cue(target, action, one.hit.concern.name, one.turn, one.reading, one.hit.start, one.hit.end, one.score)


def _cue(
    target: str, action: Action, concern: str, turn: Turn, reading: Reading, start: int, end: int, score: float
) -> Cue:
    first, last = reading.offsets[start], reading.offsets[end - 1] + 1
    return Cue(
        target=target,
        action=action,
        concern=concern,
        seg=turn.seg,
        start=first,
        end=last,
        text=turn.text[first:last],
        score=round(score, 2),
    )
