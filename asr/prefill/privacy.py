"""Whether the caller wants to stay unknown: to everybody (anonymous) or to those complained about (confidential)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from asr.prefill import discretion as put
from asr.prefill.heard_secrecy import by_ear
from asr.prefill.questions import ASKS_ANONYMOUS, ASKS_NAME, ASKS_PHONE
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion
from asr.prefill.surname_votes import elect


@dataclass(frozen=True, slots=True)
class Wish:
    """``wanted`` and what it was understood from. ``mild``: of a name only, and gone once a surname is told."""

    wanted: bool
    confidence: float
    evidence: tuple[Evidence, ...]
    mild: bool = False
    asked_only: bool = False
    """Whether it would be kept: a wish only of who has something to tell."""


@dataclass(frozen=True, slots=True)
class Privacy:
    confidential: Wish | None
    anonymous: Wish | None

    @property
    def withholds_identity(self) -> bool:
        return self.anonymous is not None and self.anonymous.wanted


_BARE_NO = re.compile(
    r"^(?:那|我|就|也|啊|嗯|哦|这个|倒|都|呃|哎|最好|还是|可)*(?:不(?:用|需要|必|要|怕|介意|至于|保|做|选|搞|弄|勾|加|打|设|可以|行|能)?|没必要"
    r"|用不着|无所谓|随便|都行|都可以|没事|没关系|不要紧|算了|公开|甭|别|没有?(?:这个|那个|啥|什么)?(?:必要|需要)?|随你们?|看着办|无妨){1,2}"
    r"(?:了|吧|啦|的|儿|呀|啊|呗|那个|就行|都行|哈|嘞|了吧|密|保密)*$"
)
_BARE_YES = re.compile(
    r"^(?:那|我|觉得|看|嗯|啊|哦|对|是|呃|哎|可|太|不得|还|都|就|要不|还是|当然|肯定|最好|一定|必须|千万|麻烦|要么|要是能|能保就|能|给|帮|先"
    r"|你?给我)*(?:尽量|选|勾|加|做|弄|设|打上|需要|要|保|当然|最好|必须|肯定|嗯+|对+|是的?"
    r"|好的?|行|可以|中|成|得保|麻烦了?|千万|介意|有顾虑|(?:有|很有)(?:这个)?(?:必要|需要)|应该|稳妥点?|保险点?|谨慎点?|那当然|那肯定|那必须)"
    r"(?:上|着|一个|个|的|了|吧|啊|呀|啦|哈|呗|保|保密|一下|你了|您了|滴|要|必)*$"
)
_CHOICE = re.compile(
    r"(?P<secret>保密|匿名)[^，。？！]{0,4}还是(?:公开|实名|留)|(?:公开|实名)[^，。？！]{0,4}还是(?P<open>保密|匿名)"
)
_HESITATES = re.compile(r"^[嗯哦啊呃那]+$")
_FORMER, _LATTER = re.compile(r"前(?:面|一|者|头)|第一"), re.compile(r"后(?:面|一|者|头)|第二")
_OPENLY = re.compile(r"(?P<not>(?:不|别|甭|莫)(?:要|想|用|能|愿意?)?)?公开")
_ALL_OF_IT = re.compile(r"^(?:那|我)?都?(?:不|别|免)(?:太)?(?:方便|留|登|写|说)")
"""To 您贵姓，电话多少."""
_COUNTER_QUESTION = re.compile(r"(?:？|[吗么呢]|[^要]不)[。…]*$")
"""Asked back, the question stays open: 选了影响办理不."""
_FAREWELL = 12
_ACCEPTS = re.compile(
    r"^(?:那|嗯|哦|啊|，|。)*(?:行|好|可以|中|嗯|对|要|成|就好|就行|我就放心|放心|麻烦|选上|勾上|给我选|给我勾"
    r"|那我说)"
)

_CALLED = (
    r"(?:先生|女士|小姐|师傅|大姐|大哥|大爷|大妈|大娘|大叔|阿姨|奶奶|爷爷|老师|同学|老板|经理|会计|同志|哥|姐"
    r"|叔|姨|婶|工|总)"
)
_STATED = re.compile(
    r"(?:我|俺|免贵|本人)(?:是|就)?姓(?!名|什么|啥|甚|氏|也|就)(?P<one>[\u4e00-\u9fff])|(?:我叫|俺叫|本人叫"
    r"|全名叫?)(?!你|您|什么|啥)(?P<two>[\u4e00-\u9fff])"
)
_TO_BE_CALLED = re.compile(
    rf"(?:叫|称呼|写|记|登|就说|留|喊)(?:我|成|个|为|上|下)*(?P<one>[\u4e00-\u9fff]{{1,2}}?){_CALLED}"
)
_ANSWERED = re.compile(
    r"(?:^|[，。！？])(?:就|叫我|喊我|称呼)?[小老](?P<three>[\u4e00-\u9fff])(?=就|吧|[，。！？]|$)|"
    rf"(?:^|[，。…、])(?:嗯|呃|啊|哦|我|就|那个)*姓(?!名|什么|啥|甚|氏|也|就)(?P<two>[\u4e00-\u9fff])|^(?:嗯|呃"
    rf"|啊|哦|我|就|那个|[，。…、])*(?P<one>[\u4e00-\u9fff])(?:，|。|、|$|{_CALLED})"
)
_REACHABLE = re.compile(
    r"(?:留|给|有)(?:个|了|你们?)?(?:电话|号码|手机)|给我(?:个)?回(?:个)?(?:话|电)|联系我|打(?:给)?我"
)
"""名字就算了，留电话还不够吗: who wants to be called is not nameless."""
_ADDRESSED = re.compile(rf"(?:^|[，。！？、好])(?:那)?(?P<one>[\u4e00-\u9fff]{{1,2}}?){_CALLED}(?=[，。！？、您]|$)")


@lru_cache(maxsize=64)
def privacy_of(talk: Talk) -> Privacy:
    talk = by_ear(talk)
    anonymous = _latest(talk, _caller_nameless, _agent_nameless)
    if anonymous is not None and anonymous.wanted and anonymous.mild and _has_surname(talk):
        anonymous = None
    confidential = _latest(talk, _caller_secret, _agent_secret)
    if anonymous is not None and anonymous.wanted and not (confidential is not None and confidential.wanted):
        confidential = anonymous
    return Privacy(confidential, anonymous)


def suggest_privacy(privacy: Privacy) -> list[Suggestion]:
    wishes = (("confidential", privacy.confidential), ("anonymous", privacy.anonymous))
    return [
        Suggestion(
            field=name, value="true" if wish.wanted else "false", confidence=wish.confidence, evidence=wish.evidence
        )
        for name, wish in wishes
        if wish is not None
    ]


def _latest(
    talk: Talk, of_caller: Callable[[Said], Wish | None], of_agent: Callable[[Talk, Said], Wish | None]
) -> Wish | None:
    """The last wish that was heard; a weaker repetition of it changes nothing."""
    latest: Wish | None = None
    open_question, explains = "", False
    for said in talk.all:
        if said.by_caller:
            asked = replace(said, asked=open_question + said.asked) if open_question else said
            wish = of_caller(asked)
            explains = put.ASKS_WHAT_IT_IS.search(said.text) is not None
            open_question = asked.asked + "，" if wish is None and _COUNTER_QUESTION.search(said.text) else ""
        else:
            wish = of_agent(talk, said) if said.by_agent and not explains else None
        signs_nothing_away = wish is not None and wish.mild and not wish.wanted and latest is None
        if wish is None or signs_nothing_away or (wish.asked_only and not _tells_something(talk)):
            continue
        repeated = latest is not None and latest.wanted and wish.wanted
        if (
            (latest is not None and repeated and latest.mild and not wish.mild)
            or latest is None
            or not repeated
            or (wish.confidence >= latest.confidence and not wish.mild)
        ):
            latest = wish
    return latest


def _tells_something(talk: Talk) -> bool:
    told = 0
    for said in talk.caller:
        for start, end in said.reading.clauses:
            clause = said.text[start : end + 1]
            asks = put.ASKS_WHETHER.search(clause) or put.ONLY_ASKS.search(clause)
            told += 0 if asks else end - start
    return told > _FAREWELL


# confidential ---------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=8192)
def _caller_secret(said: Said) -> Wish | None:
    """What was said last in the turn counts, words that name the matter before bare answers."""
    named = _named(said)
    if named is not None:
        return named
    if put.AGENT_ASKS.search(said.asked):
        answer = _openly(said) if _CHOICE.search(said.asked) else None
        answer = answer or _answer(said)
        if answer is not None:
            return Wish(answer[0], 0.93, (answer[1],))
        reason = put.NEIGHBOURLY.search(said.text) or put.KNOWN_BY.search(said.text)
        return Wish(True, 0.8, (said.evidence(*reason.span()),)) if reason is not None else None
    if put.AGENT_ASKS_OPEN.search(said.asked):
        answer = _openly(said)
        if answer is None and (yes := _answer(said)) is not None:
            answer = not yes[0], yes[1]
        return Wish(answer[0], 0.85, (answer[1],)) if answer is not None else None
    if put.AGENT_OFFERS.search(said.asked) and (accepts := _ACCEPTS.match(said.text)) is not None:
        return Wish(True, 0.85, (said.evidence(*accepts.span()),), asked_only=True)
    if (asked := put.ASKS_TO_STAY_OUT.search(said.text)) is not None:
        return Wish(True, 0.85, (said.evidence(*asked.span()),))
    known = put.KNOWN_BY.search(said.text)
    return Wish(True, 0.8, (said.evidence(*known.span()),)) if known is not None else None


def _named(said: Said) -> Wish | None:
    waived = [match.span() for match in put.WAIVED.finditer(said.text) if not _what_it_is(said, *match.span())]
    secret = None
    for match in put.SECRET.finditer(said.text):
        start, end = match.span()
        apart = not any(first < end and start < last for first, last in waived)
        if apart and not _of_others(said, match) and not _only_named(said, start, end):
            secret = (start, end)
    if secret is not None and (not waived or secret[0] > waived[-1][0]):
        asked_only = _asks_whether(said, *secret)
        return Wish(True, 0.92, (said.evidence(*secret),), asked_only=asked_only)
    return Wish(False, 0.93, (said.evidence(*waived[-1]),)) if waived else None


def _only_named(said: Said, start: int, end: int) -> bool:
    """The word is repeated after the operator, or asked about."""
    echoed = said.text[end : end + 1] in ("？", "…", "吗", "嘛", "呢") and said.reading.clause_at(start)[0] == start
    return (echoed and put.AGENT_ASKS.search(said.asked) is not None) or _what_it_is(said, start, end)


def _what_it_is(said: Said, start: int, end: int) -> bool:
    return any(match.start() < end and start < match.end() for match in put.ASKS_WHAT_IT_IS.finditer(said.text))


def _asks_whether(said: Said, start: int, end: int) -> bool:
    return any(match.start() < end and start < match.end() for match in put.ASKS_WHETHER.finditer(said.text))


def _of_others(said: Said, match: re.Match[str]) -> bool:
    """Secrets of an office, what others bid one keep, and what one's own family is not to know."""
    before = said.text[: match.start()]
    if put.BIDDEN.search(before) or (put.THEIR_WILL.match(match.group()) and put.THEY.search(before)):
        return True
    if put.THIRD.search(said.text[max(0, match.start() - 6) : match.end() + 2]):
        return True
    return bool(put.KIN.search(said.asked + said.text) and put.OF_ONE.search(match.group()))


def _openly(said: Said) -> tuple[bool, Evidence] | None:
    """公开, 别公开."""
    found = _OPENLY.search(said.text)
    return (found["not"] is not None, said.evidence(*found.span())) if found is not None else None


def _answer(said: Said) -> tuple[bool, Evidence] | None:
    """The first bare yes or no among the clauses."""
    for start, end in said.reading.clauses:
        clause = said.text[start:end]
        if _HESITATES.match(clause) and end + 2 < len(said.text):
            continue
        if _BARE_NO.match(clause):
            return False, said.evidence(start, end)
        if _BARE_YES.match(clause):
            return True, said.evidence(start, end)
    choice = _CHOICE.search(said.asked)
    if choice is not None:
        former, latter = _FORMER.search(said.text), _LATTER.search(said.text)
        found = former or latter
        if found is None or (former is not None and latter is not None):
            return None
        return (former is None) == (choice["secret"] is None), said.evidence(*found.span())
    if said.refuses:
        return False, said.evidence(0, min(len(said.text), 4))
    if said.agrees or re.match(r"^(?:那当然|当然|最好(?![别不])|麻烦|肯定|必须|还是(?![别不算]))", said.text):
        return True, said.evidence(0, min(len(said.text), 4))
    return None


def _agent_secret(talk: Talk, said: Said) -> Wish | None:
    if not talk.confirmed(said):
        return None
    latest = None
    for start, end in said.reading.clauses:
        clause = said.text[start:end] + said.text[end : end + 1]
        if "？" in clause or put.AGENT_ASKS.search(clause) or put.AGENT_ASKS_OPEN.search(clause):
            continue
        if put.AGENT_OPEN.search(clause):
            latest = Wish(False, 0.9, (said.evidence(start, end),))
        elif put.AGENT_SECRET.search(clause) and not _offered(said, start, end):
            latest = Wish(True, 0.9, (said.evidence(start, end),))
    return latest


def _offered(said: Said, start: int, end: int) -> bool:
    """您可以要求保密，转办时不显示您的姓名: what would be done is offered, not done."""
    return put.AGENT_OFFERS.search(said.text[:end]) is not None and "给您" not in said.text[start:end]


# anonymous ------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=8192)
def _caller_nameless(said: Said) -> Wish | None:
    if put.IMPATIENT.search(said.text) or put.PUT_ANOTHER.search(said.text):
        return None
    asked = put.ASKS_TO_STAY_OUT.search(said.text)
    if asked is not None:
        return Wish(True, 0.9, (said.evidence(*asked.span()),), mild="匿名" not in asked.group())
    if (
        ASKS_NAME.search(said.asked)
        and (not ASKS_PHONE.search(said.asked) or _ALL_OF_IT.search(said.text))
        and not put.ONLY_ASKS.search(said.text)
        and not _REACHABLE.search(said.text)
    ):
        for start, end in said.reading.clauses:
            if put.DECLINED.search(said.text[start:end]):
                return Wish(True, 0.85, (said.evidence(start, end),), mild=True)
    waived = next(
        iter(match for match in put.NOT_NAMELESS.finditer(said.text) if not _what_it_is(said, *match.span())), None
    )
    if waived is not None and put.NAMELESS_FOR_ALL.search(said.text, waived.end()) is None:
        return Wish(False, 0.92, (said.evidence(*waived.span()),))
    if "匿名" in said.asked and ("还是" in said.asked or ASKS_ANONYMOUS.search(said.asked)):
        answer = _answer(said)
        if answer is not None:
            return Wish(answer[0], 0.9, (answer[1],))
        for start, end in said.reading.clauses:
            if put.DECLINED.search(said.text[start:end]):
                return Wish(True, 0.9, (said.evidence(start, end),))
    match = put.NAMELESS_FOR_ALL.search(said.text) or _own_name_withheld(said)
    if match is None:
        signed = put.SIGNED.search(said.text)
        if signed is None or (signed["name"] or signed["full"]) not in said.reading.lexicon.surnames:
            return None
        return Wish(False, 0.85, (said.evidence(*signed.span()),), mild=True)
    if put.THIRD.search(said.text[max(0, match.start() - 6) : match.end() + 8]) or _only_named(said, *match.span()):
        return None
    if put.NAMELESS_FOR_ALL.search(said.text) is None and _REACHABLE.search(said.text):
        return None
    strong = put.NAMELESS_FOR_ALL.search(said.text) is not None and "匿名" in said.text
    strong = strong or put.SURNAME_TOO.search(said.text) is not None
    return Wish(True, 0.93, (said.evidence(*match.span()),), not strong, _asks_whether(said, *match.span()))


def _own_name_withheld(said: Said) -> re.Match[str] | None:
    for match in put.NAMELESS.finditer(said.text):
        if not put.of_another(said.text[said.reading.clause_at(match.start())[0] : match.start()]):
            return match
    return None


def _agent_nameless(talk: Talk, said: Said) -> Wish | None:
    if ASKS_ANONYMOUS.search(said.text) or not talk.confirmed(said):
        return None
    if put.AGENT_OPEN.search(said.text) and "匿名" in said.text:
        return Wish(False, 0.9, (said.evidence(0, len(said.text)),))
    match = put.AGENT_NAMELESS.search(said.text)
    if match is None:
        match = put.AGENT_LEAVES_OUT.search(said.text)
        if match is not None and put.AGENT_OFFERS.search(said.text):
            match = None
    elif put.AGENT_OFFERS.search(said.text[: match.end()]):
        match = None
    if match is None:
        return None
    return Wish(True, 0.93, (said.evidence(*match.span()),), mild="匿名" not in match.group())


def _has_surname(talk: Talk) -> bool:
    """The caller told one, or is called by one and did not object."""
    surnames = talk.lexicon.surnames
    for said in talk.all:
        patterns = [_STATED, _TO_BE_CALLED] if said.by_caller else [_ADDRESSED] if said.by_agent else []
        if said.by_caller and ASKS_NAME.search(said.asked):
            patterns.append(_ANSWERED)
        if said.by_agent and not talk.confirmed(said):
            continue
        for pattern in patterns:
            for match in pattern.finditer(said.text):
                name = next(group for group in match.groups() if group)
                if name in surnames or name[0] in surnames:
                    return True
    told = elect(talk, [said for said in talk.caller if ASKS_NAME.search(said.asked)])
    return told is not None and told.told
