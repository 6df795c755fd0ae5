"""The number to call back: said, put right, read back whole, on the operator's screen, or the caller id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from asr.numerals import Numeral, joined
from asr.prefill.digits_said import (
    LANDLINE,
    MOST_GROUPS,
    PUT_RIGHT,
    Group,
    chains_of,
    digits_of,
    groups_of,
    mended,
    runs_of,
    windows_of,
)
from asr.prefill.heard_digits import MOBILE, slip_of, without_echo
from asr.prefill.privacy import Privacy
from asr.prefill.questions import ASKS_PHONE, ASKS_SAME_PHONE
from asr.prefill.reading import PAUSES, Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_OWN = re.compile(
    r"我的?(?:电话|手机|号码|号|联系)|记(?:一下|我|个|一个)|联系(?:我|方式|电话|号码)"
    r"|打(?:我)?(?:这个|手机|电话|座机)|电话(?:是|号|留|写|打|记|就|你)|手机(?:号|是)?|留(?:个"
    r"|一个|我|这)|号码(?:是)?|回(?:我)?(?:电话|电)"
)
_FOREIGN = re.compile(
    r"(?:他|她|他们|她们|人家|老板|对方|骗子|物业|公司|店里|商家|中介|房东|司机|经理|快递|单位"
    r"|医院|学校|客服|那边|派出所|包工头|工头|诈骗)[^，。]{0,5}(?:电话|手机|号码|号)(?:是|就是"
    r"|叫)?$|(?:打(?:过来|来)的(?:电话|号码)?|来电显示|陌生(?:电话|号码)|给我打(?:来)?的?电话"
    r"|打了?他们?.{0,4}(?:电话)?|拨打?|官网.{0,4}|车牌.{0,4}|单号.{0,4}|编号.{0,4}"
    r"|(?:对方|他们?|老板|骗子|物业|商家|店里|公司|支书|村长|书记)[^，。]{0,3}的(?:是)?|也(?:可以|能|行)?打"
    r"|身份证.{0,5}|卡号.{0,4}|账号.{0,4}|QQ.{0,3}|户号.{0,3})(?:是|就是)?$"
)
_ASKS_FOREIGN = re.compile(
    r"(?:他|她|他们|对方|骗子|商家|公司|物业|中介|房东|司机|老板)(?:是|的|打来的|留的|给的|用的)*"
    r"(?:什么|哪个|多少)?(?:电话|手机|号码|号)|(?:面包车|车上|店里|门上|墙上|广告上).{0,6}(?:电话|号码)"
)
_SPARE = re.compile(
    r"(?:没电|打不通|接不通|不通|联系不上|联系不着|找不着我|没人接|关机)[^。！？]{0,4}(?:就|再|可以)?(?:打|找|联系|拨)[^。！？]{0,10}$"
)
"""A second number, for when the first does not answer."""
_SAME = re.compile(
    r"显示的?(?:这个|那个|号码?|电话)|[给往]这个?号码?(?:上)?(?:发|回|打)|"
    r"(?:就|还|是|用|打|留|写|记)[是打用留写]?(?:我|俺)?的?(?:现在)?(?:打的?)?这个(?:号码?|电话"
    r"|手机号?|座机|就行|就可以|吧|打|$|[，。！])|这个(?:号码?|电话|手机)(?:就)?(?:行|可以|能"
    r"|联系|打|找|接|，|。|$)|就(?:这|本)(?:个)?(?:机|号|座机)|本机"
    r"|现在(?:打的?)?(?:这个)?(?:电话|号码|手机|座机|号)|来电(?:的)?(?:这个)?(?:号码|电话|号)"
    r"|(?:座机|手机)[，。]|打(?:的)?就是(?:我的?)?"
)
_NOT_SAME = re.compile(
    r"(?:不是|别打|不要打|不用|别用)(?:我的?|打|用)?(?:这个|现在|本机)|这(?:个)?(?:是"
    r"|电话是)(?:公司|单位|别人|朋友|同事|邻居|店里|公用|办公室|亲戚|借|我(?:妈|爸|儿子|女儿"
    r"|闺女|老公|老婆|爱人|同事|同学|室友|工友|朋友|邻居))|别打过来|别往(?:我|这)[^，。]{0,3}(?:号上?打|上头?[打回])"
)
_TAKEN_BACK = re.compile(r"不对|错了|停机|欠费|不用了|算了|作废|注销|不是|还是(?:打|用|留|写|记)?(?:这|现在|来电|你们)")
_TAIL = re.compile(
    r"(?:后(?:面|头|边)?|最后|末尾|尾号|末)(?:[一两二三四五六]位?|[一两三四]个(?:数|字)?"
    r"|面)?(?:数)?(?:应该)?(?:是|说错了?)?$"
)


@dataclass(frozen=True, slots=True)
class _Number:
    digits: str
    said: Said
    evidence: tuple[Evidence, ...]
    foreign: bool = False
    own: bool = False
    asked: bool = False


def suggest_phone(talk: Talk, caller_number: str, privacy: Privacy) -> list[Suggestion]:
    own_line = plain_number(caller_number)
    same, same_evidence = _same_line(talk)
    if privacy.withholds_identity and not same:
        return []
    stated = _stated(talk) or _slipped(talk, own_line)
    if stated is not None and not (same and _later(talk, same_evidence, stated)):
        return [_of_stated(talk, _as_caller_id(talk, _as_read_back(talk, stated), own_line), own_line)]
    if not own_line:
        return []
    if same:
        return [Suggestion(field="contact_phone", value=own_line, confidence=0.96, evidence=same_evidence)]
    refused = any(said.by_caller and (_NOT_SAME.search(said.text) or _refuses_same(said)) for said in talk.caller)
    confidence = 0.3 if refused else 0.5 if _half_said(talk) else 0.85
    return [Suggestion(field="contact_phone", value=own_line, confidence=confidence)]


def _half_said(talk: Talk) -> bool:
    """Asked for a number the caller said one, but not as many digits as a phone has: it is not the caller id."""
    return any(
        ASKS_PHONE.search(said.asked) and 7 <= sum(len(group.digits) for group in groups_of(said)) <= 13
        for said in talk.caller
    )


def plain_number(number: str) -> str:
    """Digits as dialled in the city: no country code, no trunk zero before a mobile; empty if withheld."""
    digits = re.sub(r"\D", "", number)
    digits = re.sub(r"^(?:0086|86)(?=0?1[3-9]\d{9}$|0?[1-9]\d{8,10}$)", "", digits)
    digits = re.sub(r"^0(?=1[3-9]\d{9}$)", "", digits)
    return digits if len(digits) >= 7 else ""


def _later(talk: Talk, evidence: tuple[Evidence, ...], stated: _Number) -> bool:
    """这个就行 in a later turn, or in the same one where the number was taken back before."""
    order = {said.turn.seg: said.index for said in talk.all}
    last = max(evidence, key=lambda item: (order[item.seg], item.start), default=None)
    if last is None or order[last.seg] != stated.said.index:
        return last is not None and order[last.seg] > stated.said.index
    end = max((item.end for item in stated.evidence if item.seg == last.seg), default=0)
    between = stated.said.turn.text[end : last.end]
    return last.start >= end and _TAKEN_BACK.search(between) is not None


def _same_line(talk: Talk) -> tuple[bool, tuple[Evidence, ...]]:
    same, evidence = False, tuple[Evidence, ...]()
    for said in talk.caller:
        match = max(_SAME.finditer(said.text), key=lambda found: found.start(), default=None)
        if _NOT_SAME.search(said.text) or _refuses_same(said):
            same, evidence = False, ()
        elif match is not None and _points_on(talk, said, match.end()):
            continue
        elif match is not None and (
            ASKS_PHONE.search(said.asked) or ASKS_SAME_PHONE.search(said.asked) or _about_phone(said, match)
        ):
            same, evidence = True, (said.evidence(*match.span()),)
        elif _asks_same(said.asked) and said.agrees:
            same, evidence = True, (said.evidence(0, min(len(said.text), 4)),)
    return same, evidence


def _points_on(talk: Talk, said: Said, end: int) -> bool:
    """电话记这个，幺五四…: to the number that is said next."""
    groups = [group for group in groups_of(said) if group.start >= end]
    rest = said.text[end : groups[0].start] if groups else said.text[end:]
    following = next(talk.after(said), None)
    if not groups and following is not None and following.by_caller:
        groups = list(groups_of(following))
    return not PAUSES.sub("", rest) and sum(len(group.digits) for group in groups) >= _LONG_END


def _asks_same(asked: str) -> bool:
    told = re.search(r"不(?:再)?(?:显示|回电|回访|登记)", asked) is not None
    return not told and ASKS_SAME_PHONE.search(asked) is not None and ASKS_PHONE.search(asked) is not None


def _refuses_same(said: Said) -> bool:
    return _asks_same(said.asked) and said.refuses


def _about_phone(said: Said, match: re.Match[str]) -> bool:
    return re.search(r"号|电话|手机|座机|本机|打这个|打就这个", match.group()) is not None


def _stated(talk: Talk) -> _Number | None:
    best: _Number | None = None
    for number in _numbers(talk):
        if number.foreign:
            continue
        if best is None or _worth(number) >= _worth(best) or number.said.reading.corrected_at(_start(number), 24):
            best = number
    best = best or _heard_by_operator(talk)
    return _with_new_tail(talk, best) if best is not None else None


def _worth(number: _Number) -> int:
    return 2 * number.asked + number.own + (len(number.digits) == 11)


def _start(number: _Number) -> int:
    offsets = number.said.reading.offsets
    first = next((item for item in number.evidence if item.seg == number.said.turn.seg), None)
    return offsets.index(first.start) if first is not None else 0


def _numbers(talk: Talk) -> Iterator[_Number]:
    """Every phone the caller said, also one that pauses cut over several turns, or put right in its middle."""
    before: list[Group] = []
    for chain in chains_of(talk):
        whole = mended(before, chain) or chain
        for groups in windows_of(whole):
            yield _number(talk, digits_of(groups), groups)
        once = without_echo(digits_of(whole))
        if once is not None:
            yield _number(talk, once, whole)
        before = whole


def _number(talk: Talk, digits: str, groups: list[Group]) -> _Number:
    said, group = groups[0]
    before = said.text[max(0, group.start - 18) : group.start].rstrip("，,、：: 。是")
    before_with_verb = said.text[max(0, group.start - 18) : group.start].rstrip("，,、：: 。")
    asked = ASKS_PHONE.search(said.asked) is not None or any(
        ASKS_PHONE.search(other.text) for other in list(talk.before(said))[:3] if other.by_agent
    )
    return _Number(
        digits=digits,
        said=groups[-1][0],
        evidence=_evidence(groups),
        foreign=_FOREIGN.search(before) is not None
        or _FOREIGN.search(before_with_verb) is not None
        or _spare(said.text[: group.start].rstrip("，,、：: 。"))
        or _handed_over(groups[-1])
        or _ASKS_FOREIGN.search(said.asked) is not None,
        own=_OWN.search(before) is not None,
        asked=asked,
    )


def _spare(before: str) -> bool:
    """打不通再打我手机 is one; 座机没人接，你打我手机 is the number."""
    instead = re.search(r"打我的?手机$", before) is not None and re.search(r"先|再打|就打", before[-24:]) is None
    return _SPARE.search(before[-24:]) is not None and not instead


def _handed_over(last: Group) -> bool:
    """…那是我老公的, 是他的电话: somebody else's after all."""
    said, group = last
    return (
        re.match(
            r"^[，,。]?(?:这|那)?是?(?:他|她|他们|老板|物业|公司|对方|骗子|店里|我老公|我老婆)(?:的"
            r"|家)(?:电话|手机|号)?(?:[，。]|$)",
            said.text[group.end :],
        )
        is not None
    )


def _evidence(groups: list[Group]) -> tuple[Evidence, ...]:
    spans: dict[int, tuple[Said, int, int]] = {}
    for said, group in groups:
        known = spans.get(said.turn.seg)
        start = known[1] if known is not None else group.start
        spans[said.turn.seg] = (said, start, group.end)
    return tuple(said.evidence(start, end) for said, start, end in spans.values())


def _with_new_tail(talk: Talk, number: _Number) -> _Number:
    """不对，后四位是四四四八: only the end is put right."""
    for said in [said for said in talk.caller if said.index >= number.said.index]:
        for group in groups_of(said):
            before = said.text[: group.start].rstrip("，,、：: 。")
            last_one = len(group.digits) == 1 and re.search(r"(?:最后|末尾?)(?:一[位个]|那个)(?:数|字)?是?$", before)
            fits = (2 <= len(group.digits) <= 6 or last_one) and not number.digits.endswith(group.digits)
            slip = _slip_after(number, said, group)
            if (
                fits
                and (_TAIL.search(before) or last_one or slip)
                and (said is not number.said or group.start > _start(number))
            ):
                digits = number.digits[: -len(group.digits)] + group.digits
                number = replace(
                    number, digits=digits, evidence=(*number.evidence, said.evidence(group.start, group.end))
                )
    return number


def _slip_after(number: _Number, said: Said, group: Numeral) -> bool:
    """幺八三，啊不，幺八二: right behind the whole number."""
    if said is not number.said or not number.evidence or not said.by_caller:
        return False
    end = max(item.end for item in number.evidence if item.seg == said.turn.seg)
    offsets = said.reading.offsets
    between = "".join(char for at, char in zip(offsets, said.text, strict=True) if end <= at < offsets[group.start])
    return (
        re.fullmatch(r"[，,。、…]*(?:哎|啊|呃|哦|噢)?(?:不是|不对|不|错了|说错了)[，,。、…]*(?:应该)?是?", between)
        is not None
    )


_ON_SCREEN = re.compile(
    r"您(?:的|留的|登记的|预留的)?(?:联系)?(?:电话|手机|号码)|(?:登记|预留|留)的(?:是|电话|手机|号码)"
)


def _heard_by_operator(talk: Talk) -> _Number | None:
    """The operator's number was not refused: one read back whole where a digit was lost, or one on the screen."""
    foreign = {number.digits for number in _numbers(talk) if number.foreign}
    for said in talk.agent:
        spoke = next((other for other in talk.before(said) if other.by_caller), None)
        if spoke is None or _ASKS_FOREIGN.search(spoke.asked) is not None:
            continue
        told = groups_of(spoke)
        if not talk.confirmed(said) and not _unopposed(talk, said, told):
            continue
        read_back = sum(len(group.digits) for group in told) >= 7 or _completed(said, told)
        if not read_back and not (_ON_SCREEN.search(said.text) and talk.agreed(said)):
            continue
        groups = [(said, group) for group in groups_of(said)]
        for first in range(len(groups)):
            for last in range(first, min(first + MOST_GROUPS, len(groups))):
                digits = "".join(group.digits for _, group in groups[first : last + 1])
                adjacent = all(joined(said.text, groups[i][1], groups[i + 1][1]) for i in range(first, last))
                digits = _without_one(digits, told) or digits
                if adjacent and (MOBILE.fullmatch(digits) or LANDLINE.fullmatch(digits)):
                    number = _number(talk, digits, groups[first : last + 1])
                    return None if number.foreign or digits in foreign else replace(number, asked=True)
    return None


def _unopposed(talk: Talk, said: Said, told: Sequence[Numeral]) -> bool:
    """A no without a digit, to a number that ends as the caller's own words did: a 嗯对 heard badly."""
    reply, end = talk.reply(said), "".join(group.digits for group in told)[-_LONG_END:]
    heard = [digits for groups in runs_of(said) if MOBILE.fullmatch(digits := digits_of(groups))]
    return (
        reply is not None
        and not any(len(group.digits) > 1 for group in groups_of(reply))
        and len(end) == _LONG_END
        and any(digits.endswith(end) for digits in heard)
    )


def _without_one(digits: str, told: Sequence[Numeral]) -> str | None:
    """幺六四八八零二七一七幺三 read back to …七七幺三: one digit too many for a mobile, and the end that was said."""
    end = told[-1].digits if told else ""
    if len(digits) != 12 or len(end) < _LOCAL_ENDS or digits.endswith(end):
        return None
    left = {digits[:at] + digits[at + 1 :] for at in range(len(digits))}
    fit = [one for one in left if one.endswith(end) and MOBILE.fullmatch(one)]
    return fit[0] if len(fit) == 1 else None


_MOST_UNLIKE = 3
"""So many digits may differ of one number said twice."""


def _as_read_back(talk: Talk, number: _Number) -> _Number:
    """The operator understood a number put right in its middle, said it whole, and the caller let it stand."""
    unsure = MOBILE.fullmatch(number.digits) is None or PUT_RIGHT.search(number.said.text) is not None
    for said in list(talk.after(number.said))[:3]:
        if not said.by_agent or not talk.confirmed(said) or not _let_stand(talk, said, unsure=unsure):
            continue
        for groups in runs_of(said):
            heard = digits_of(groups)
            if MOBILE.fullmatch(heard) is None or heard == number.digits:
                continue
            ends = heard.endswith(number.digits[-_LOCAL_ENDS:])
            if Levenshtein.distance(heard, number.digits) <= _MOST_UNLIKE or (len(number.digits) < len(heard) and ends):
                return replace(number, digits=heard, evidence=(*number.evidence, *_evidence(groups)))
    return number


_LOCAL_ENDS = 4
_LONG_END = 7


def _as_caller_id(talk: Talk, number: _Number, own_line: str) -> _Number:
    """A number that was heard or read back with some digits lost or wrong, and else is the one they call from."""
    if _echo(talk, number):
        return number
    heard = [(number.digits, number.evidence)]
    for said in (number.said, *list(talk.after(number.said))[:3]):
        if said is number.said or said.by_agent:
            heard += [(digits_of(groups), (*number.evidence, *_evidence(groups))) for groups in runs_of(said)]
    for digits, evidence in heard:
        if digits == own_line or slip_of(digits, own_line):
            return replace(number, digits=own_line, evidence=evidence)
    return number


def _slipped(talk: Talk, own_line: str) -> _Number | None:
    """No number was heard whole, but enough of the one they call from."""
    for chain in chains_of(talk):
        number = _number(talk, digits_of(chain), chain)
        if number.asked and not number.foreign and slip_of(number.digits, own_line):
            return number
    return None


def _let_stand(talk: Talk, said: Said, *, unsure: bool) -> bool:
    """The caller answered without digits of his own (后头是六二五), with a yes if it was told without a slip."""
    reply = talk.reply(said)
    return reply is not None and not groups_of(reply) and (unsure or talk.agreed(said))


def _completed(said: Said, told: Sequence[Numeral]) -> bool:
    """…少一位？ 末了还有个八，三三六八: the operator now says it whole, and it ends so."""
    last = told[-1].digits if told else ""
    return len(last) >= 3 and any(
        heard.endswith(last) and MOBILE.fullmatch(heard) for heard in map(digits_of, runs_of(said))
    )


def _of_stated(talk: Talk, number: _Number, own_line: str) -> Suggestion:
    echo = _echo(talk, number)
    confidence = 0.78 + 0.06 * number.asked + 0.05 * number.own + 0.06 * (MOBILE.fullmatch(number.digits) is not None)
    if echo is True:
        confidence += 0.08
    if (echo is False and number.digits != own_line) or number.said.by_agent:
        confidence -= 0.2
    return Suggestion(
        field="contact_phone", value=number.digits, confidence=round(min(0.98, confidence), 2), evidence=number.evidence
    )


def _echo(talk: Talk, number: _Number) -> bool | None:
    """Whether the operator said the same digits after the caller; None if none were read back."""
    for other in list(talk.after(number.said))[:3]:
        if not other.by_agent:
            continue
        heard = "".join(group.digits for group in other.reading.digit_groups)
        if number.digits in heard:
            return True
        if len(heard) in (10, 11, 12) and heard[:2] == number.digits[:2]:
            return False
    return None
