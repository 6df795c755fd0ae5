"""Man or woman, where the words show it: what callers say of themselves, and how they are addressed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from asr.prefill.reading import PAUSE, Talk
from asr.prefill.suggestions import Evidence, Suggestion

TITLES = {
    **dict.fromkeys(("女士", "小姐", "大姐", "阿姨", "大娘", "大妈", "奶奶"), "女"),
    **dict.fromkeys(("先生", "大哥", "大爷", "叔叔", "爷爷"), "男"),
    **dict.fromkeys(("师傅", "老师", "同学", "同志", "医生", "总", "经理"), ""),
}
"""How people are addressed, and whether that tells a man from a woman."""
_PARENT = r"(?:我|俺)(?:是|就是)(?:孩子|娃|他|她)?(?:他|她)?"
_WOMAN = re.compile(
    rf"{_PARENT}(?:妈|妈妈|母亲|奶奶|姥姥)(?=[，,。！]|$)"
    r"|我(?:是个?|一个)?(?:女的|女同志|孕妇|老太太|老太婆|女人|妇女|宝妈)"
    r"|我(?:现在)?怀(?:着)?孕|我(?:刚)?生(?:完)?(?:孩子|宝宝)|我(?:休|在休)?产假"
)
_MAN = re.compile(
    rf"{_PARENT}(?:爸|爸爸|父亲|爷爷|姥爷)(?=[，,。！]|$)"
    r"|我(?:是个?|一个)?(?:男的|男同志|大老爷们|老头|大男人|爷们)|我当兵"
)
_WIFE = re.compile(r"[我俺](?:老婆|媳妇|妻子|婆娘|丈母娘|岳父|岳母)")
_HUSBAND = re.compile(r"[我俺](?:老公|丈夫|婆婆|公公|男人|当家的)")
_ADDRESSED = re.compile(
    rf"(?:^|{PAUSE}|好的?|嗯|那)(?:(?P<title>大娘|大爷|大妈|大姐|大哥|阿姨|叔叔|女士|先生|小姐"
    r"|奶奶|爷爷)(?:您|你|，|,|好|别|慢)|[\u4e00-\u9fff](?P<named>女士|先生)(?=[，,您]))"
)


_INTRODUCED = re.compile(r"(?:就写|就叫|叫我|称呼我|写上?|留个?|登记)[\u4e00-\u9fff](?P<title>女士|先生)(?!的|那)")


class Shown(NamedTuple):
    """``value`` 男 or 女, ``sure`` 0..1."""

    value: str
    sure: float
    evidence: Evidence


def suggest_gender(talk: Talk, by_name: Sequence[Shown], named: frozenset[int]) -> Suggestion | None:
    """``by_name``: what names and their titles show; ``named``: turns of the operator that count there already."""
    shown = [*_of_themselves(talk), *by_name, *_introduced(talk), *_addressed(talk, named)]
    if not shown:
        return None
    doubt = {"男": 1.0, "女": 1.0}
    for each in shown:
        doubt[each.value] *= 1 - each.sure
    value = "男" if doubt["男"] < doubt["女"] else "女"
    other = "女" if value == "男" else "男"
    confidence = (1 - doubt[value]) * doubt[other]
    evidence = tuple(dict.fromkeys(each.evidence for each in shown if each.value == value))
    return Suggestion(field="caller_gender", value=value, confidence=round(min(0.96, confidence), 2), evidence=evidence)


def _of_themselves(talk: Talk) -> Iterator[Shown]:
    """Each kind of words once: saying it again proves no more."""
    told: set[tuple[str, float]] = set()
    for said in talk.caller:
        for value, pattern, sure in (
            ("女", _WOMAN, 0.95),
            ("男", _MAN, 0.95),
            ("男", _WIFE, 0.5),
            ("女", _HUSBAND, 0.4),
        ):
            match = pattern.search(said.text)
            if match is not None and (value, sure) not in told:
                told.add((value, sure))
                yield Shown(value, sure, said.evidence(*match.span()))


def _introduced(talk: Talk) -> Iterator[Shown]:
    for said in talk.caller:
        match = _INTRODUCED.search(said.text)
        if match is not None:
            yield Shown(TITLES[match.group("title")], 0.9, said.evidence(*match.span("title")))


def _addressed(talk: Talk, named: frozenset[int]) -> Iterator[Shown]:
    for said in talk.agent:
        match = _ADDRESSED.search(said.text)
        if match is None:
            continue
        group = "title" if match.group("title") else "named"
        if group == "title" or said.index not in named:
            yield Shown(TITLES[match.group(group)], 0.85, said.evidence(*match.span(group)))
