"""Digits as they are said: in groups with pauses, over turns, mended in the middle; which of them make a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from asr.numerals import Numeral, NumeralKind, joined
from asr.prefill.heard_digits import MOBILE, by_sound
from asr.prefill.questions import ASKS_PHONE
from asr.prefill.reading import PAUSES, Said, Talk

MOST_GROUPS = 12
LANDLINE = re.compile(r"0\d{2,3}[2-9]\d{6,7}")
LOCAL = re.compile(r"[2-9]\d{6,7}")
PUT_RIGHT = re.compile(
    r"不对|错了|说错|念错|看错|记错|不是|重(?:新)?(?:说|念|来)|等等|等会|等我|稍等|我(?:再)?(?:看|瞅|想)|更正"
    r"|哎|唉|噢|哦"
)

Group = tuple[Said, Numeral]


def digits_of(groups: Sequence[Group]) -> str:
    return "".join(group.digits for _, group in groups)


def chains_of(talk: Talk) -> Iterator[list[Group]]:
    chain: list[Group] = []
    for said in talk.caller:
        for group in groups_of(said):
            if chain and not _continues(talk, chain[-1], (said, group)):
                yield chain
                chain = []
            chain.append((said, group))
    if chain:
        yield chain


def _continues(talk: Talk, left: Group, right: Group) -> bool:
    (before, one), (after, other) = left, right
    if before is after:
        return joined(before.text, one, other)
    end_of_turn = not PAUSES.sub("", before.text[one.end :])
    begin_of_turn = re.fullmatch(r"(?:呃|嗯|啊|然后|对|[，,、。…\s])*", after.text[: other.start]) is not None
    between = [said for said in talk.all[before.index + 1 : after.index] if not said.by_caller]
    acknowledged = all(_acknowledges(said) for said in between)
    return end_of_turn and begin_of_turn and acknowledged and after.index - before.index <= 4


def _acknowledges(said: Said) -> bool:
    """嗯, 好的, or the digits said after the caller."""
    rest = re.sub(r"[零〇一二三四五六七八九幺两0-9]", "", PAUSES.sub("", said.text))
    return len(rest) <= 4 and re.fullmatch(r"(?:嗯|好|的|对|您|请|说|继续|啊|哦|是)*", rest) is not None


def mended(before: list[Group], chain: list[Group]) -> list[Group]:
    """幺六四，三三幺二……错了，三三二幺，六零五四: what was said last before the slip gives way to what follows."""
    if not before or before[-1][0] is not chain[0][0] or MOBILE.fullmatch(digits_of(chain)):
        return []
    said = chain[0][0]
    between = said.text[before[-1][1].end : chain[0][1].start]
    if len(between) > 16 or PUT_RIGHT.search(between) is None or MOBILE.fullmatch(digits_of(before)):
        return []
    for dropped in range(1, len(before)):
        for last in range(len(chain), 0, -1):
            whole = [*before[:-dropped], *chain[:last]]
            if MOBILE.fullmatch(digits_of(whole)):
                return whole
    return []


def windows_of(chain: list[Group]) -> Iterator[list[Group]]:
    """Whole runs of groups that make a phone; never a slice of something longer, except of one said twice."""
    chain = _without_false_start(chain)
    total = digits_of(chain)
    seen: set[str] = set()
    for first in range(len(chain)):
        for last in range(first, min(first + MOST_GROUPS, len(chain))):
            digits = "".join(group.digits for _, group in chain[first : last + 1])
            whole = first == 0 and last == len(chain) - 1
            rest = len(total) - len(digits)
            if digits in seen or not _is_phone(digits, chain[first]):
                continue
            if whole or (MOBILE.fullmatch(digits) and (rest >= 7 or _spoken_break(chain, first, last))):
                seen.add(digits)
                yield chain[first : last + 1]


def _without_false_start(chain: list[Group]) -> list[Group]:
    """幺六四五五零九，七幺……七二八二: what trailed off in the middle was said again. Where the breath broke off too:
    幺五四，七，七七幺九，二零四六.
    """
    if not 12 <= len(digits_of(chain)) <= 15:
        return chain
    for at in range(1, len(chain) - 1):
        (said, group), (after, other) = chain[at], chain[at + 1]
        rest = [*chain[:at], *chain[at + 1 :]]
        trails_off = said is after and "…" in said.text[group.end : other.start]
        again = len(group.digits) < len(other.digits) and other.digits.startswith(group.digits)
        if (trails_off or again) and MOBILE.fullmatch(digits_of(rest)):
            return rest
    return chain


def _spoken_break(chain: list[Group], first: int, last: int) -> bool:
    """A false start before the number (幺六四, 幺六四三…): the rest is too short to be part of anything."""
    before = "".join(group.digits for _, group in chain[:first])
    after = "".join(group.digits for _, group in chain[last + 1 :])
    wanted = "".join(group.digits for _, group in chain[first : last + 1])
    return (not before or wanted.startswith(before)) and (not after or wanted.endswith(after))


_HOW_MANY = {"两": 2, "俩": 2, "二": 2, "三": 3, "仨": 3, "四": 4, "五": 5}
_TIMES_OVER = re.compile(
    r"(?P<n>[两二三四五俩仨])(?:个|(?<=[俩仨]))(?P<digit>[零〇一二三四五六七八九幺])(?![十百千万个号楼栋层点月])"
)


@lru_cache(maxsize=1024)
def groups_of(said: Said) -> tuple[Numeral, ...]:
    """Runs of digits, 三个八 among them where it stands beside another, and numbers half of words of their sound."""
    found = list(said.reading.digit_groups)
    for match in _TIMES_OVER.finditer(said.text):
        digit = str("零一二三四五六七八九".find(match.group("digit").replace("幺", "一").replace("〇", "零")))
        many = Numeral(
            start=match.start(), end=match.end(), digits=digit * _HOW_MANY[match.group("n")], kind=NumeralKind.DIGITS
        )
        rest = [one for one in found if one.end <= many.start or one.start >= many.end]
        if any(joined(said.text, *sorted((one, many), key=lambda each: each.start)) for one in rest):
            found = sorted([*rest, many], key=lambda each: each.start)
    for heard in by_sound(said.text):
        rest = [one for one in found if one.end <= heard.start or one.start >= heard.end]
        found = sorted([*rest, heard], key=lambda each: each.start)
    return tuple(found)


def _is_phone(digits: str, first: Group) -> bool:
    said, group = first
    if said.text[: group.start][-1:].isascii() and said.text[: group.start][-1:].isalpha():
        return False
    if MOBILE.fullmatch(digits) or LANDLINE.fullmatch(digits):
        return True
    about = said.text[max(0, group.start - 12) : group.start]
    return LOCAL.fullmatch(digits) is not None and (
        re.search(r"座机|固话|家里电话|电话|办公室", about) is not None or ASKS_PHONE.search(said.asked) is not None
    )


def runs_of(said: Said) -> Iterator[list[Group]]:
    """The groups of digits that are said in one go."""
    run: list[Group] = []
    for group in groups_of(said):
        if run and not joined(said.text, run[-1][1], group):
            yield run
            run = []
        run.append((said, group))
    if run:
        yield run
