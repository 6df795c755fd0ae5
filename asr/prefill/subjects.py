"""Whom or what it is about: of all that is named, what the talk complains of, asks for or praises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from asr.numerals import with_digits
from asr.prefill.counterparts import counterparts, is_caller
from asr.prefill.doors import homes
from asr.prefill.firms import firms
from asr.prefill.heard_kinds import by_ear
from asr.prefill.matters import rank_categories
from asr.prefill.named import Kind, Named
from asr.prefill.reading import Talk
from asr.prefill.suggestions import Suggestion
from asr.prefill.vehicles import vehicles

LEAST = 0.95
"""What weighs less is only spoken of."""
_PRAISE, _VEHICLES, _EMERGENCY = ("1404",), ("0502", "0406", "9004", "0506", "0209", "0501"), "90"
_FOR_SOMEBODY = ("1101", "1102", "1103", "9001")
_ASKS = re.compile(r"咨询|想问|问一下|问问|(?<!别)打听|请教|问个|想了解")
_GRIEVANCE = re.compile(
    r"(?<!不是)(?<!不是来)(?<!不)投诉|举报|不给|不让|不退|没人管|反映|丢|凭啥|凭什么|推来推去|扣|骗|停了|拖|欠|少了|坏|卡在"
    r"|不认|协调|催|要不[出来回到着]|没(?:结|退|修|赔)|走丢|不见了|工伤|丢了|落"
)
_PASSED_ON = re.compile(r"登记|(?<!流)(?<!周)转(?!账|钱|让)|派单|退回|接通|按.{2,6}件")
_MINDS = re.compile(r"管不管|归不归|管不了|该谁管|归谁管|有没有人管|有人管")
_PRAISES = re.compile(r"(?<!不)(?:表扬|夸|感谢)(?!你们)|锦旗")


def suggest_subject(talk: Talk, caller: str) -> list[Suggestion]:
    """``caller`` is the caller's own name, who is not complained about."""
    talk = by_ear(talk)
    ranked = rank_categories([said.turn for said in talk.all], talk.lexicon)
    code = next((code for code, _ in ranked if code != "1403"), "")
    every = [*firms(talk, code), *counterparts(talk, caller), *homes(talk, code), *vehicles(talk, code)]
    asks = _only_asks(talk)
    redone = bool(ranked) and ranked[0][0] == "1403"
    least = LEAST + 0.35 * asks + (0.25 if code.startswith(_EMERGENCY) and code != "9001" else 0.0)
    found = [
        named
        for named in _merged(every)
        if named.weight >= least + 0.1 * (asks and named.kind is Kind.FIRM) + 0.25 * (redone and named.said.by_caller)
        and not is_caller(named.name, caller)
    ]
    praised = _praised_driver(talk, found, code)
    if praised is not None:
        return [praised]
    if not found:
        return []
    chosen = _chosen(found, talk, code)
    best = chosen[0]
    confidence = round(min(0.88, 0.3 + 0.3 * best.weight), 2)
    evidence = tuple(one.said.evidence(one.start, one.end) for one in chosen)
    return [Suggestion(field="subject", value=_digits(_worded(chosen, talk)), confidence=confidence, evidence=evidence)]


_BUS = re.compile(r"公交|(?P<line>[零一二三四五六七八九十百0-9]{1,4})路(?!口)")

_OF_BUSES = re.compile(r".*公交公司|.{1,4}路(?:公交)?车?")


def _praised_driver(talk: Talk, found: Sequence[Named], code: str) -> Suggestion | None:
    """Who praises the driver of a bus and knows no name does not mean the firm that is to hear of it."""
    praises = code in _PRAISE or any(_PRAISES.search(said.text) for said in talk.caller)
    others = [named for named in found if not _OF_BUSES.fullmatch(named.name)]
    said = next((one for one in talk.caller if "司机" in one.text), None)
    if not praises or others or said is None or not any("公交" in one.text for one in talk.all):
        return None
    lines = [match for one in talk.caller for match in _BUS.finditer(one.text) if match.group("line")]
    line = with_digits(lines[0].group()) if lines else ""
    at = said.text.find("司机")
    evidence = (said.evidence(at, at + 2),)
    return Suggestion(field="subject", value=f"{line}公交司机", confidence=0.62, evidence=evidence)


def _only_asks(talk: Talk) -> bool:
    """Somebody who wants to know how something is done complains of nobody."""
    opening = "，".join(said.text for said in talk.caller[:2])
    told = "，".join(said.text for said in talk.caller)
    passed_on = any(
        _PASSED_ON.search(clause) and not clause.endswith(("吗", "么"))
        for said in talk.agent
        for clause in re.split(r"[，。！？]", said.text)
    )
    return (
        _ASKS.search(opening) is not None
        and not passed_on
        and not _GRIEVANCE.search(told)
        and not _MINDS.search(opening)
    )


def _merged(every: Sequence[Named]) -> list[Named]:
    """Of one name the mention that says most, a little more for each other; the heaviest first."""
    best: dict[tuple[str, Kind], Named] = {}
    for named in every:
        key = (named.name, named.kind)
        old = best.get(key)
        if old is None:
            best[key] = named
        else:
            top = max(old, named, key=lambda one: one.weight)
            best[key] = replace(top, weight=top.weight + 0.05, role=top.role or old.role or named.role)
    whole = [_whole(named, best.values()) for named in best.values()]
    roles = {named.name: named.role for named in whole if named.role}
    known = [replace(named, role=named.role or roles.get(named.name, "")) for named in whole]
    return sorted(dict.fromkeys(known), key=lambda named: -named.weight)


def _whole(named: Named, every: Iterable[Named]) -> Named:
    """老马家, then 老马家铜锅涮肉: the fuller name, if it is not worth much less."""
    if named.kind is Kind.PERSON and (surname := _surname(named.name)):
        whole = [one for one in every if one.kind is Kind.PERSON and _FULL.fullmatch(one.name)]
        known = next((one for one in whole if one.name[0] == surname), None)
        return (
            named
            if known is None
            else replace(known, weight=max(known.weight, named.weight), role=known.role or named.role)
        )
    if named.kind is not Kind.FIRM:
        return named
    fuller = [
        one
        for one in every
        if one.kind is Kind.FIRM
        and one.name.startswith(named.name)
        and one.name != named.name
        and one.weight >= named.weight - 0.9
    ]
    longest = max(fuller, key=lambda one: len(one.name), default=None)
    return named if longest is None else replace(longest, weight=max(longest.weight, named.weight))


def _surname(name: str) -> str:
    """Of one known by the surname only: 仲姓民警, 小岳, 逄大夫."""
    found = re.fullmatch("(?P<a>[一-鿿])姓.+|[小老](?P<b>[一-鿿])", name)
    return (found.group("a") or found.group("b")) if found is not None else ""


_FULL = re.compile("(?![小老大阿])[一-鿿](?![姓某总工姐哥])[一-鿿]{1,2}")


def _chosen(found: Sequence[Named], talk: Talk, code: str) -> list[Named]:
    """The one it is about; with a firm the person behind it, with one supplier the other that blames it."""
    firm = next((one for one in found if one.kind in (Kind.FIRM, Kind.OFFICE)), None)
    person = next((one for one in found if one.kind is Kind.PERSON), None)
    kin = next((one for one in found if one.kind is Kind.KIN), None)
    vehicle = next((one for one in found if one.kind is Kind.VEHICLE), None)
    home = next((one for one in found if one.kind is Kind.HOME), None)
    badge = person if person is not None and re.search("[A-Z0-9零〇幺]{3}", person.name) else None
    if badge is not None:
        return [badge]
    if code in _PRAISE or any(_PRAISES.search(said.text) for said in talk.caller[:2]):
        praised = person or kin
        if praised is not None:
            return [praised]
    if vehicle is not None and (
        firm is None or (code in _VEHICLES and vehicle.weight > 1) or vehicle.weight >= firm.weight
    ):
        return [vehicle]
    if code in _FOR_SOMEBODY and kin is not None:
        return [kin]
    if home is not None and (firm is None or firm.weight < home.weight + 0.2):
        return [home]
    if firm is not None and person is not None and person.name not in firm.name:
        return [firm, person] if firm.weight >= LEAST else [person]
    if firm is not None:
        return [firm]
    if person is not None:
        return [person]
    return [one for one in (kin,) if one is not None] or [found[0]]


def _worded(chosen: Sequence[Named], talk: Talk) -> str:
    best = chosen[0]
    told = "".join(said.text for said in talk.caller)
    if best.kind is Kind.FIRM and "校车" in told and re.search(r"学|校|园", best.name):
        best = replace(best, name=f"{best.name}校车")
    if best.name in _SUPPLIERS and re.search(r"物业(?:说|一个|不管|也|推|根本|没)", told):
        best = replace(best, name=f"{best.name}、物业")
    if len(chosen) > 1:
        other = chosen[1]
        return (
            f"{best.name}（{other.role if other.role in _POSTS and other.role not in other.name else ''}{other.name}）"
        )
    return f"{best.name}（{best.role}）" if best.role and best.role not in best.name else best.name


_POSTS = ("经理", "带班", "会计", "负责人", "包工头", "老板", "经营人", "店长", "法人", "书记", "主任", "校长")
_SUPPLIERS = ("供水公司", "自来水公司", "供电公司", "供热公司", "热力公司", "燃气公司")
_DIGITS = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}


def _digits(value: str) -> str:
    """GX零五三 as well, which no unit stands beside."""
    spelled = re.fullmatch(r"([A-Za-z]{1,3})([零〇一二两三四五六七八九幺0-9]{2,6})", value)
    if spelled is None:
        return with_digits(value) if re.search(r"路|号", value) else value
    return spelled.group(1).upper() + "".join(_DIGITS.get(char, char) for char in spelled.group(2))
