"""What else a ticket holds: money, people, when to call back, earlier calls and tickets, a wish for an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from asr.numerals import NumeralKind, value_of
from asr.prefill.privacy import Privacy
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_MONEY_UNIT = re.compile(r"(?:块钱?|元|圆|块)(?!地|头|玻璃|砖|石|木|板|牌|布|表|肉|[儿五四三二一六七八九])")
_MONEY_LEAD = re.compile(
    r"(?:钱|费|工资|工钱|赔|价|交|收|欠|花|罚|押金|款|贷|给|退|骗|转|报|报销|一共|总共|补|扣|付|充|值|要)"
    r"[^，。！？]{0,6}$"
)
_TOTAL = re.compile(r"(?:一共|总共|总计|合计|拢共|全部|加起来|欠)[^，。]{0,6}$")
_EACH = re.compile(r"(?:一|每)(?:桶|斤|张|件|次|天|度|吨|平|袋|瓶|位|课|节|车)(?:月)?[^，。]{0,3}$")
"""The price of one is no amount of the matter."""
_EXACT = re.compile(r"^(?:块钱?|元)?[，,。]?(?:这个|这才|才是|就)?(?:准|没错|是准的|对的)")
_ROUGH_BEFORE = re.compile(r"(?:好几|几|上|近|将近|差不多|大概|大约)$")
_ROUGH_AFTER = re.compile(r"^(?:多|来|几|余|左右|上下)")
_NOT_MONEY = re.compile(
    r"^(?:个|人|户|亩|斤|米|平|年|天|月|号|路|楼|岁|度|次|回|辆|多|公里|分|点|家|口|位|名|台|层|份|张|克)"
)
_ALONE = re.compile(r"^[，,。！]|[，,。]$|^$")
_PAID = re.compile(r"(?:交|收|花|付|要|扣|赔|罚|退|充|欠)(?:了|我|过|了我|掉)$")
_OTHERS_OFFER = re.compile(r"(?:他|她|他们|说|只|最多|才|才给|只给|答应|开始)[^，。]{0,6}$")

_ASKS_PEOPLE = re.compile(r"几个人|多少人|几口人|几位|有多少(?:人|户)|涉及多少")
_PEOPLE = re.compile(r"(?:个|位|名|口)(?:人|工人|工友|农民工|村民|家长|业主|学生|孩子|老人|同事|乘客|员工)?")
_PEOPLE_NAMED = re.compile(r"(?:个|位|名)(?:人|工人|工友|农民工|村民|家长|业主|同事|员工)(?!都|有病)")
_PAIR = re.compile(r"就?我(?:和|跟)我?[^，。]{1,4}两个(?:人)?|我俩|我们俩|我们两(?:个|口)")

_CALL_WHEN = re.compile(
    r"(?P<when>白天|晚上|上午|中午|下午|早上|周末|工作日|(?:上午|下午|晚上|中午)?[零一二两三四五六七八九十0-9]{1,3}点半?)"
    r"(?P<side>以后|之后|以前|之前|后|前)?(?:再|才)?(?P<no>别|不要|不能|甭|不方便|接不了)?(?:给我)?(?:打|联系|接电话|接|来电)"
)
_TEXT_ONLY = re.compile(r"发(?:个|条)?(?:短信|信息|微信)")
_NO_CALL = re.compile(r"(?:别|不要|不用|甭|勿)(?:给我|再|老)?打电话|接不了电话|不方便接")
_LENT = re.compile(
    r"(?:电话|号码|手机)[^，。]{0,6}(?:写|留|记|打|是)我?(?P<who>妈|爸|儿子|女儿|闺女|老公|老婆|媳妇|爱人|同事|朋友|邻居|孙子)"
)
_PROXY = re.compile(r"(?:我是?)?(?:替|代|帮)(?:我)?(?P<who>[^，。我你]{1,8}?)(?:打|反映|问|说|投诉)")

_NO_REPLY = re.compile(
    r"(?:不用|不需要|不必|别|甭|不要)(?:再|给我|你们|跟我|和我)?(?:回电话?|回复|回访|答复|联系|打电话|回话|给我回|给我打|告诉我结果)"
    r"|不用回|别给我打电话|别联系了|没了，不用"
)
_WANTS_REPLY = re.compile(
    r"给(?:我)?(?:回|个)(?:个)?(?:话|电话|信|复|说法|答复)|告诉我|有结果|发(?:个|条)?短信|等(?:你们|着)?(?:回|消息)|说法|回个话"
)
_ASKS_REPLY = re.compile(r"(?:回复|回电|告诉您|回访|通知您|答复您|联系您)[^，。]{0,8}(?:吗|么|？|\?)")

_AGAIN = re.compile(
    r"又来了|又打|(?:第[二三四五六七八九十0-9]+|头一|上一|前[几两])[次回遍趟](?!发|修|去|瞅|看|见|碰|遇|打|来|听|用|坐|买)|(?<!没)反映过|(?<!没)投诉过|(?<!没)举报过|打过.{0,4}(?:12345|你们|热线|电话|[一二两三四五六七八九十几好0-9]+[次回遍])"
    r"|(?:之前|以前|上次|上回|前几天|上个月|去年)(?:我)?(?:也|就|已经)?(?:打|反映|投诉|说)(?:过|的|了)|不满意|给你们打|你们(?:又|也)?转(?:到|给)|工单(?:号|编号)|上次(?:那个)?(?:答复|回复)|办结了"
)
_NOT_US = re.compile(
    r"(?:110|119|120|122|幺幺零|一一零|幺二零|幺幺九|派出所|物业|村里|厂家|他|电视|社区|单位|公司)[^，。]{0,4}$"
)
_NTH = re.compile(r"第([二三四五六七八九十0-9]{1,3})[次回遍趟]")
_TIMES = re.compile(
    r"(?:打|反映|投诉|说|找)(?:过|了)?(?:你们)?(?:都|得有)?([一二两三四五六七八九十0-9]{1,3})[次回遍趟]"
)
_BETWEEN_DIGITS = re.compile(r"(?:[\s，,、。.\-]|呃|嗯|啊|哦|那个|然后|后面|是|杠)*")
_NUMBER = r"(\d{12}(?P<more>\d)?)"
_BARE_TICKET = re.compile(r"(?<!\d)(20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}(?P<more>\d)?)(?!\d)")
_OF_TICKETS = re.compile(r"工单|(?<!快递)(?<!运)单号|编号")
_DIGIT = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}


def suggest_details(talk: Talk, privacy: Privacy) -> list[Suggestion]:
    found = [_amount(talk), _people(talk), _note(talk), *_repeat(talk), _reply(talk)]
    kept = [suggestion for suggestion in found if suggestion is not None]
    return [
        one
        for one in kept
        if not (one.field == "contact_note" and privacy.withholds_identity and "短信" not in one.value)
    ]


def _one(name: str, value: object, confidence: float, *evidence: Evidence) -> Suggestion:
    return Suggestion(field=name, value=str(value), confidence=round(confidence, 2), evidence=evidence)


def _amount(talk: Talk) -> Suggestion | None:
    """What was paid, asked or lost; a sum named as the whole wins, what the other side offers is not it."""
    best: tuple[float, int, Evidence] | None = None
    agents = (said for said in talk.agent if talk.confirmed(said))
    echoed = {numeral.digits for said in agents for numeral in said.reading.numerals}
    for said in talk.caller:
        for plain, value, evidence in _sums(said):
            worth = plain + 0.7 * (str(value) in echoed)
            if best is None or worth > best[0]:
                best = (worth, value, evidence)
    return None if best is None else _one("amount_yuan", best[1], 0.62 + 0.12 * min(2.0, best[0]), best[2])


def _sums(said: Said) -> Iterator[tuple[float, int, Evidence]]:
    rough: int | None = None
    for numeral in said.reading.numerals:
        text, digits = said.text, numeral.digits
        before, after = text[: numeral.start], text[numeral.end :]
        if not digits.isdecimal():
            continue
        value = int(digits)
        unit = _MONEY_UNIT.match(after)
        if rough is not None and numeral.kind is NumeralKind.DIGITS and digits[:2] == str(rough)[:2] and unit is None:
            yield 1.4, value, said.evidence(numeral.start, numeral.end)
            rough = None
            continue
        lead = _MONEY_LEAD.search(before) is not None
        counted = re.search(r"[百千万]", text[numeral.start : numeral.end]) is not None
        paid = _PAID.search(before) is not None and value >= 5
        alone = value >= 1000 and counted and _ALONE.search(before) is not None and _ALONE.match(after) is not None
        plain = (lead and counted and value >= 100) or paid or alone
        if unit is None and (not plain or _NOT_MONEY.match(after)):
            continue
        if _EACH.search(before) or _ROUGH_BEFORE.search(before) or _ROUGH_AFTER.match(after):
            continue
        worth = 0.6 + 0.4 * (unit is not None) + 0.3 * (lead or paid) + 0.8 * (_TOTAL.search(before) is not None)
        worth += 1.2 * (_EXACT.match(after) is not None)
        worth -= 0.5 * (_OTHERS_OFFER.search(before) is not None) + 0.01 * said.index
        yield worth, value, said.evidence(numeral.start, numeral.end)
    about = re.search(r"[一二三四五六七八九][千百][一二三四五六七八九]?[百]?(?=多)", said.text)
    if about is not None and (base := value_of(about.group())) is not None:
        for group in said.reading.digit_groups:
            if group.start > about.end() and len(group.digits) == len(str(base)) and group.digits[:1] == str(base)[:1]:
                yield 1.4, int(group.digits), said.evidence(group.start, group.end)


_LEFT = re.compile(r"(?:剩下?|还剩|只剩|还有)(?:我们)?(?P<n>[一二两三四五六七八九十0-9]{1,3})个")


def _people(talk: Talk) -> Suggestion | None:
    for said in talk.caller:
        left = _LEFT.search(said.text)
        if left is not None and _ASKS_PEOPLE.search(said.asked):
            count = value_of(left.group("n")) if not left.group("n").isdecimal() else int(left.group("n"))
            if count:
                return _one("people_count", count, 0.78, said.evidence(*left.span()))
    for said in talk.caller:
        asked = _ASKS_PEOPLE.search(said.asked) is not None
        pair = _PAIR.search(said.text)
        if asked and pair is not None:
            return _one("people_count", 2, 0.85, said.evidence(*pair.span()))
        for match in re.finditer(r"(?<![几好多])([一二两三四五六七八九十百0-9]{1,5})(?=个|位|名|口|户)", said.text):
            value = int(match.group(1)) if match.group(1).isdecimal() else value_of(match.group(1))
            rough = re.fullmatch(r"[一二两三四五六七八九]{2}", match.group(1)) is not None
            behind = said.text[match.end() :]
            shape = _PEOPLE.match(behind) if asked else _PEOPLE_NAMED.match(behind)
            if (
                value
                and (asked or value > 1)
                and not rough
                and shape is not None
                and not re.search(r"第$", said.text[: match.start()])
            ):
                return _one("people_count", value, 0.8 if asked else 0.66, said.evidence(*match.span()))
    return None


def _note(talk: Talk) -> Suggestion | None:
    parts: list[str] = []
    proof: list[Evidence] = []
    for said in talk.caller:
        for match in _CALL_WHEN.finditer(said.text):
            when = said.reading.shown(*match.span("when")) + (match.group("side") or "")
            parts.append(f"{when}{'勿打' if match.group('no') else '联系'}")
            proof.append(said.evidence(*match.span()))
        for pattern, words in ((_TEXT_ONLY, "短信回复"), (_NO_CALL, "勿致电")):
            wish = pattern.search(said.text)
            if wish is not None and words not in parts and re.search(r"我|就", said.text):
                parts.append(words)
                proof.append(said.evidence(*wish.span()))
        lent = _LENT.search(said.text)
        if lent is not None:
            parts.append(f"电话为来电人{lent.group('who')}的")
            proof.append(said.evidence(*lent.span()))
    for said in talk.caller[:2]:
        proxy = _PROXY.search(said.text)
        if proxy is not None:
            parts.append("代诉求")
            proof.append(said.evidence(*proxy.span()))
            break
    value = "，".join(dict.fromkeys(parts))
    return _one("contact_note", value, 0.76, *proof) if value else None


def _repeat(talk: Talk) -> Iterator[Suggestion]:
    number = _earlier_ticket(talk)
    again = next(
        (
            (said, match)
            for said in talk.caller
            for match in _AGAIN.finditer(said.text)
            if not _NOT_US.search(said.text[max(0, match.start() - 8) : match.start()])
            and not re.search(
                r"110|119|120|122|幺幺零|一一零|幺二零|派出所|村里",
                match.group() + said.text[match.end() : match.end() + 4],
            )
        ),
        None,
    )
    if number is not None:
        yield number
    if again is None and number is None:
        return
    proof = (
        [said.evidence(*match.span()) for said, match in [again]]
        if again is not None
        else list(number.evidence if number else ())
    )
    yield _one("is_repeat", "true", 0.82 if again is not None else 0.78, *proof)
    count = _count(talk)
    if count is not None:
        yield count


def _count(talk: Talk) -> Suggestion | None:
    for said in reversed(talk.caller):
        nth = _NTH.search(said.text)
        if nth is not None and (value := value_of(nth.group(1)) if not nth.group(1).isdecimal() else int(nth.group(1))):
            return _one("repeat_count", value, 0.85, said.evidence(*nth.span()))
    for said in talk.caller:
        times = _TIMES.search(said.text)
        if times is None or re.fullmatch(r"[二三四五六七八九][三四五六七八九]", times.group(1)):
            continue
        value = value_of(times.group(1)) if not times.group(1).isdecimal() else int(times.group(1))
        if value and not _NOT_US.search(said.text[max(0, times.start() - 8) : times.start()]):
            return _one("repeat_count", value + 1, 0.7, said.evidence(*times.span()))
    return None


def _earlier_ticket(talk: Talk) -> Suggestion | None:
    """The letters and the day with its four or five digits; the digits alone where a ticket's number is spoken of."""
    own = talk.lexicon.ticket_prefixes[0]
    pattern = _with_prefix(talk.lexicon.ticket_prefixes)
    for said in (*talk.caller, *(agent for agent in talk.agent if talk.confirmed(agent))):
        spoken_of = _OF_TICKETS.search(said.asked + said.text) is not None
        for run in _runs(said.text):
            joined = "".join(char for _, char in run)
            match = pattern.search(joined) or (_BARE_TICKET.search(joined) if spoken_of else None)
            if match is None:
                continue
            named = match.groupdict().get("prefix")
            end = match.end()
            if match["more"] and run[end - 1][0] != run[end - 2][0] + 1:
                end -= 1  # a pause before the thirteenth digit: what follows is another number
            first = match.end("prefix") if named else match.start()
            proof = said.evidence(run[match.start()][0], run[end - 1][0] + 1)
            number = f"{(named or own).upper()}{joined[first:end]}"
            return _one("previous_ticket_no", number, 0.93 if named else 0.8, proof)
    return None


@lru_cache(maxsize=8)
def _with_prefix(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?P<prefix>{'|'.join(map(re.escape, prefixes))}){_NUMBER}", re.IGNORECASE)


def _runs(text: str) -> Iterator[list[tuple[int, str]]]:
    """Letters and digits, spoken ones too, that are said in one go, each with its place in the text."""
    run: list[tuple[int, str]] = []
    for place, char in enumerate(text):
        if char not in _DIGIT and not (char.isascii() and char.isalnum()):
            continue
        if run and not _BETWEEN_DIGITS.fullmatch(text, run[-1][0] + 1, place):
            yield run
            run = []
        run.append((place, _DIGIT.get(char, char)))
    if run:
        yield run


def _reply(talk: Talk) -> Suggestion | None:
    latest: Suggestion | None = None
    for said in talk.caller:
        no, yes = _NO_REPLY.search(said.text), _WANTS_REPLY.search(said.text)
        if no is not None and not (yes is not None and (yes.start() > no.end() or "短信" in yes.group())):
            latest = _one("reply_required", "false", 0.86, said.evidence(*no.span()))
        elif yes is not None or (_ASKS_REPLY.search(said.asked) and said.agrees):
            span = yes.span() if yes is not None else (0, min(2, len(said.text)))
            latest = _one("reply_required", "true", 0.84, said.evidence(*span))
        elif _ASKS_REPLY.search(said.asked) and said.refuses:
            latest = _one("reply_required", "false", 0.84, said.evidence(0, min(3, len(said.text))))
    return latest
