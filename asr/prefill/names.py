"""Who calls: full name or surname as said, put right by spelling talk and by what the operator calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from asr.lexicon.pinyin import may_sound_like, sounds_like, syllables, unlike
from asr.prefill.addressing import addressed, opens_revisit
from asr.prefill.genders import Shown, suggest_gender
from asr.prefill.given_names import usual_given_name
from asr.prefill.naming import Claim, asks_own_name, claims_of
from asr.prefill.privacy import Privacy
from asr.prefill.reading import Said, Talk
from asr.prefill.spelling import (
    built,
    denied_at,
    explained_behind,
    given_meant,
    inside_at,
    near,
    spellings,
    surnames_by_sound,
    words_meant,
)
from asr.prefill.suggestions import Suggestion
from asr.prefill.surname_votes import Elected, elect, is_xing, likeness
from asr.prefill.told_names import given_told, of_names
from asr.prefill.whole_heard import given_heard

_DOUBTED, _CERTAIN = 0.62, 0.85
_SAME_SOUND = 0.8
_BESIDE = 3
"""Characters between a surname and the word that explains it, where that is what the word is for."""
_POINTED = re.compile("[，,]?就?是?[那这]个")
_WORD = 4
"""Characters of a word that explains a surname."""
_NEARLY = 0.7
_VERY_RARE = 500
_CLOSE = 0.25
_OFFERED = 0.7
_HEARD_ONLY, _CLEAR = 0.75, 0.9
_NEAR = 0.5
_RARE = 300
"""Rank of a surname: who was misheard in the given name is rather called what sounds so and is common."""


def suggest_caller(talk: Talk, privacy: Privacy) -> list[Suggestion]:
    claims = list(_claims(talk))
    called = list(addressed(talk))
    answers = [said for said in talk.caller if asks_own_name(said.asked)]
    settled = _settle(claims, called)
    voted = _voted(talk, settled, elect(talk, answers), frozenset(each.surname for each in called))
    claim = _told(talk, _common(talk, voted))
    suggestions = []
    if claim is not None and not privacy.withholds_identity:
        suggestions.append(
            Suggestion(field="caller_name", value=claim.name, confidence=round(claim.sure, 2), evidence=claim.evidence)
        )
    named = frozenset(each.said.index for each in called)
    gender = suggest_gender(talk, tuple(_shown(claims, claim, called)), named)
    return suggestions if gender is None else [*suggestions, gender]


def _shown(claims: Sequence[Claim], claim: Claim | None, called: Sequence[Claim]) -> Iterator[Shown]:
    """What titles say of the caller: claimed, said to be written down, heard from the operator."""
    if claim is not None and claim.gender and claim not in called:
        yield Shown(claim.gender, 0.93, claim.evidence[-1])
    for titled in claims:
        if titled.gender and titled is not claim:
            yield Shown(titled.gender, 0.93, titled.evidence[-1])
    for address in called:
        if address.gender:
            yield Shown(address.gender, 0.9, address.evidence[-1])
        elif address.said.text[address.said.text.find(address.surname) + len(address.surname) :].startswith("师傅"):
            yield Shown("男", 0.6, address.evidence[-1])


def _claims(talk: Talk) -> Iterator[Claim]:
    named = False
    for said in talk.caller:
        if opens_revisit(said):
            continue
        found = list(claims_of(said, spelling=named and len(said.asked) <= 24))
        named = bool(found)
        for claim in found:
            yield _spelled_right(talk, claim)


def _spelled_right(talk: Talk, claim: Claim) -> Claim:
    """施工的施, 晴天的晴, 木子李: the explained character replaces one that only sounds like it."""
    name = list(claim.name)
    explained: set[int] = set()
    for said in talk.caller:
        if claim.said.index <= said.index <= claim.said.index + 4:
            for position, meant in _corrections(said, tuple(name)):
                if position not in explained or meant == name[position]:
                    name[position] = meant
                    explained.add(position)
    right = replace(
        claim,
        name="".join(name),
        surname="".join(name[: len(claim.surname)]),
        sure=min(0.95, claim.sure + 0.05 * bool(explained)),
    )
    if not explained:
        return _usual(talk, right)
    doubted = claim.sure <= _HEARD_ONLY
    meant = (usual_given_name(talk.lexicon, right.name[len(claim.surname) :]) or "") if doubted else ""
    kept = all(meant[at - len(claim.surname) :][:1] == name[at] for at in explained if at >= len(claim.surname))
    return replace(right, name=right.surname + meant) if meant and kept else right


def _usual(talk: Talk, claim: Claim) -> Claim:
    """柴秀蓝 for 柴秀兰, 妙雨彤 for 苗雨彤: of a name that nobody explained, what sounds so and people are called."""
    given = claim.name[len(claim.surname) :]
    meant = usual_given_name(talk.lexicon, given) if given else None
    if meant is None or meant == given:
        return claim
    surname = claim.surname
    if talk.lexicon.surnames.get(surname, _RARE) >= _RARE:
        surname = surnames_by_sound(talk.lexicon).get(syllables(surname), surname)
    return replace(claim, name=surname + meant, surname=surname, sure=max(0.5, claim.sure - 0.1))


@lru_cache(maxsize=8192)
def _corrections(said: Said, name: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Which characters of the name this turn explains, and as what; those explained as what they are come first."""
    return tuple(_explained(said, name))


def _explained(said: Said, name: Sequence[str]) -> Iterator[tuple[int, str]]:
    surnames = said.reading.lexicon.surnames
    told = [(word.removeprefix("".join(name)), char) for word, char in spellings(said.text)]
    for position, own in enumerate(name):
        if any(char == own and own in word for word, char in told):
            yield position, own
    yield from _explained_in_order(said, name)
    yield from _given_explained(said, name)
    meant_by_parts = built(said.text, name[0])
    if meant_by_parts is not None:
        yield 0, meant_by_parts
    for word, char in told:
        meant = char if char in word else next((other for other in word if may_sound_like(other, char)), char)
        for position, own in enumerate(name):
            if (
                (sounds_like(own, meant) or (position and own == char and may_sound_like(own, meant)))
                and (char == own or meant in word)
                and (position or meant in surnames or own not in surnames)
            ):
                yield position, meant
    first = said.text.find("".join(name))
    for meant, heard in words_meant(said, first + len(name) if first >= 0 else 0):
        for position, own in enumerate(name):
            strict = not position and own in surnames
            alike = sounds_like(heard, own) if strict else bool(heard) and near(heard, own)
            if alike and (position or meant in surnames) and sounds_like(own, meant):
                yield position, meant
    for parts, meant in said.reading.lexicon.cues.surname_parts.items():
        start = said.text.find(parts)
        if (
            start >= 0
            and not denied_at(said.text, start)
            and not inside_at(said.text, start)
            and sounds_like(name[0], meant)
        ):
            yield 0, meant


_IN_ORDER = re.compile(
    r"(?:^|(?<=，))[\u4e00-\u9fff]{2,3}的[\u4e00-\u9fff](?:，[\u4e00-\u9fff]{2,3}的[\u4e00-\u9fff])+(?=[，。]|$)"
)


def _explained_in_order(said: Said, name: Sequence[str]) -> Iterator[tuple[int, str]]:
    """孔子的曾，涵养的涵: as many as there are characters, whatever was heard of the name itself."""
    for row in _IN_ORDER.finditer(said.text):
        told = [each.split("的", 1) for each in row.group().split("，")]
        first = len(name) - len(told)
        behind = not row.start() or said.text[: row.start()].endswith("".join(name[1:]) + "，")
        if not behind or first not in (0, 1) or (first and not near(told[0][1], name[1])):
            continue
        for position, (word, char) in enumerate(told, start=first):
            if position and char in word and char in said.reading.lexicon.given_words:
                yield position, char


def _given_explained(said: Said, name: Sequence[str]) -> Iterator[tuple[int, str]]:
    """新上的新 for 欣赏的欣; what only few words explain was not put there by a recogniser."""
    explained = said.reading.lexicon.given_words
    first = said.text.find("".join(name))
    for word, meant, heard in given_meant(said, first + len(name) if first >= 0 else 0):
        for position, own in enumerate(name[1:], start=1):
            known = own in explained and near(heard, own) and sounds_like(own, meant) if heard else False
            if known or (heard not in ("", own, *word) and _near_both(own, heard, meant)):
                yield position, meant


def _near_both(own: str, heard: str, meant: str) -> bool:
    sounds = syllables(meant)[0]
    return max(unlike(syllables(own)[0], sounds), unlike(syllables(heard)[0], sounds)) <= _CLOSE


def _voted(talk: Talk, claim: Claim | None, elected: Elected | None, echoed: frozenset[str]) -> Claim | None:
    """What everything that was heard of the surname says together, where the words alone say less."""
    if elected is None:
        return claim
    if claim is not None and not (
        _outvoted(talk, claim, elected, echoed) if claim.surname != elected.surname else _lacks_given(claim)
    ):
        return claim
    found = elected.said.evidence(elected.start, elected.end)
    voted = Claim(elected.surname, elected.surname, elected.sure, elected.said, (found,))
    if claim is None or not claim.full:
        given = given_heard(talk.lexicon, elected)
        whole = replace(
            voted,
            name=elected.surname + given,
            sure=min(elected.sure, _HEARD_ONLY),
            evidence=(elected.said.evidence(elected.start, elected.end + len(given)),),
        )
        return _spelled_right(talk, whole) if given else voted
    same = likeness(claim.surname, elected.surname) >= _SAME_SOUND or claim.name.startswith(elected.heard)
    given = claim.name[len(claim.surname) :] if same else ""
    gender = claim.gender if claim.said.by_agent else ""
    return replace(voted, name=elected.surname + given, gender=gender)


def _told(talk: Talk, claim: Claim | None) -> Claim | None:
    """With the given name whose characters were all explained, unless it is a whole name heard just so."""
    if claim is None:
        return None
    claim = _doubted(talk, claim)
    first = (
        claim.said if claim.said.by_caller else next((said for said in talk.caller if asks_own_name(said.asked)), None)
    )
    told = given_told(talk, claim.surname, first) if first is not None else None
    if told is None or claim.name == claim.surname + told.given:
        return claim
    given = claim.name[len(claim.surname) :]
    if given and (not told.explained or len(told.given) < len(given)):
        return claim
    other = syllables(given) != syllables(told.given) or not of_names(talk.lexicon).issuperset(given)
    if given and other and claim.sure >= _CLEAR and not _garbled(talk, given, told.given):
        return claim  # of 长水 and 桂馥, heard clearly, only what sounds the same is put right
    return replace(
        claim,
        name=claim.surname + told.given,
        sure=min(claim.sure, 0.8),
        evidence=(told.said.evidence(told.start, told.end),),
    )


def _garbled(talk: Talk, given: str, told: str) -> bool:
    """手森 for 树森: a character nobody is called by, where the explained one sounds nearly so."""
    odd = [(one, other) for one, other in zip(given, told, strict=False) if one != other]
    usual = of_names(talk.lexicon) | _spelled_out(talk)
    by_itself = any(
        re.search(f"{one}[\u4e00-\u9fff]{{1,3}}的{one}", said.text) for said in talk.caller for one, _ in odd
    )
    alike = all(one not in usual and likeness(one, other) >= _NEAR for one, other in odd)
    return len(given) == len(told) and alike and not by_itself


def _spelled_out(talk: Talk) -> set[str]:
    """Characters that the caller explained by a word with them in it."""
    return {own for said in talk.caller for word, own in spellings(said.text) if own in word}


def _doubted(talk: Talk, claim: Claim) -> Claim:
    """鞋筋 for 学军: what nobody is called and nobody explained is offered, not filled."""
    given = claim.name[len(claim.surname) :]
    if claim.sure >= _CLEAR or of_names(talk.lexicon).issuperset(given):
        return claim
    if _spelled_out(talk) & set(given) or len(given) < 2:
        return claim
    return replace(claim, sure=min(claim.sure, _OFFERED))


def _lacks_given(claim: Claim) -> bool:
    """Only half heard, so the rest may be there too."""
    return not claim.full and not claim.corrected and claim.sure <= _DOUBTED


def _common(talk: Talk, claim: Claim | None) -> Claim | None:
    """母女士, only said by the operator, is rather 穆女士; 姓好 is 姓郝, for nobody is called so."""
    ranks = talk.lexicon.surnames
    if claim is None or claim.full or ranks.get(claim.surname, _VERY_RARE) < _VERY_RARE:
        return claim
    behind = claim.said.text[claim.evidence[0].end :]
    if not claim.said.by_agent and (claim.surname in ranks or explained_behind(behind, claim.surname)):
        return claim
    meant = surnames_by_sound(talk.lexicon).get(syllables(claim.surname))
    if meant is None or ranks[meant] >= _RARE or likeness(claim.surname, meant) < 1:
        return claim
    return replace(claim, name=meant, surname=meant, sure=0.55 if claim.said.by_agent else claim.sure)


def _outvoted(talk: Talk, claim: Claim, elected: Elected, echoed: frozenset[str]) -> bool:
    """A surname heard clearly gives way only to words that explain a rarer one exactly."""
    ranks = talk.lexicon.surnames
    if claim.said is elected.said and elected.told and claim.name.startswith(elected.heard):
        if elected.explained is None:  # 姓冉，耳朵旁一个元: of two that sound nearly so only 阮 has that part
            if _CERTAIN <= likeness(claim.surname, elected.surname) < 1 and claim.surname in ranks:
                return True
        elif _written_out(elected) and claim.surname not in _word_of(elected):
            # 姓栗，蔺相如的利: a recogniser whose words are whole writes those right that explain
            agreed = elected.surname in echoed
            return agreed or likeness(claim.surname, elected.surname) >= (_NEARLY if elected.sure >= _CERTAIN else 1)
    behind = claim.name[1 : 1 + len(elected.heard)]
    introduced = is_xing(claim.surname) and likeness(behind, elected.surname) >= _CERTAIN
    if claim.said is elected.said and elected.told and introduced:
        return True  # 庆台 and 向接 for 姓邰 and 姓揭
    if claim.said is elected.said and elected.told and elected.explained == claim.evidence[0].start < elected.end:
        return True  # 双口里: the name is the word that explains it
    rare = ranks.get(claim.surname, 0) > max(_RARE, ranks[elected.surname])
    if len(claim.surname) > 1 or (rare and claim.sure >= _CLEAR and elected.explained is None):
        return False  # a recogniser writes no rare character for a common one
    if claim.surname not in ranks:
        return likeness(claim.surname, elected.surname) >= _SAME_SOUND
    alike = likeness(claim.surname, elected.surname)
    if claim.sure <= _DOUBTED or claim.said.by_agent:
        return elected.told or ranks[claim.surname] >= _RARE or alike < _SAME_SOUND
    denied = re.search(f"不是[^，。]{{0,5}}?[那的个]{claim.surname}(?=[，,。啊呀吧嘛]|$)", claim.said.text) is not None
    if denied and alike >= _CERTAIN and elected.told:
        return True
    said_again = f"的{elected.surname}" in claim.said.text and elected.named
    beside = elected.explained is None or elected.explained <= _behind(elected) or said_again
    return elected.told and beside and elected.sure >= _CERTAIN and alike >= _CERTAIN


def _behind(elected: Elected) -> int:
    """Up to where a word begins that stands beside the surname: 姓丰，就那个酆都城."""
    pointed = _POINTED.match(elected.said.text, elected.end)
    return max(elected.end + _BESIDE, pointed.end() if pointed is not None else 0)


def _word_of(elected: Elected) -> str:
    """The word that explains the surname, and what follows it."""
    assert elected.explained is not None
    return elected.said.text[elected.explained : elected.explained + _WORD]


def _written_out(elected: Elected) -> bool:
    """With the surname's own character in it."""
    return elected.surname in _word_of(elected)


def _settle(claims: Sequence[Claim], called: Sequence[Claim]) -> Claim | None:
    best: Claim | None = None
    echoed = {claim.surname for claim in called}
    for claim in [claim for claim in claims if claim.surname in echoed] or claims:
        if best is None or (claim.corrected and not (best.full and claim.surname == best.surname)):
            best = claim
        elif claim.surname == best.surname:
            best = claim if claim.full and not best.full else best
        elif claim.sure > best.sure + 0.03:
            best = claim
    if best is None or (called and best.sure < 0.6 and syllables(best.surname) != syllables(called[0].surname)):
        return max(called, key=lambda claim: claim.full) if called else None
    for claim in sorted(called, key=lambda claim: not claim.full):
        if claim.surname == best.surname:
            whole = claim.name if claim.full and not best.full else best.name
            return replace(
                best, name=whole, sure=min(0.97, best.sure + 0.07), evidence=(*best.evidence, *claim.evidence)
            )
    if called and all(syllables(claim.surname) != syllables(best.surname) for claim in called):
        return replace(best, sure=max(0.4, best.sure - 0.2))
    return best
