"""What else a ticket holds: money, people, when to call back, earlier calls and tickets, a wish for an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from asr.numerals import value_of
from asr.prefill.amounts import suggest_amount
from asr.prefill.privacy import Privacy
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_ASKS_PEOPLE = re.compile(
    r"几个人|多少人|几口人|几位|有多少(?:人|户)|涉及多少|(?:还有|其他)[^，。？]{0,4}(?:人|会员|业主|家长|工友|村民|户)"
)
_N = "[一二两三四五六七八九十百0-9]{1,4}"
_HURT = re.compile(
    rf"(?P<n>{_N})(?:位|名|个)?[^，。]{{0,6}}?(?:人|老人|孩子|学生|工人|乘客)[^，。]{{0,3}}?(?:受伤|被困|被压|中毒|昏迷|落水|不便|昏倒)"
)
"""How many of them need help, as the operator passes it on."""
_PEOPLE = re.compile(r"(?:个|位|名|口)(?:人|工人|工友|农民工|村民|家长|业主|学生|孩子|老人|同事|乘客|员工)?")
_PEOPLE_NAMED = re.compile(r"(?:个|位|名)(?:人|工人|工友|农民工|村民|家长|业主|同事|员工)(?!都|有病)")
_ALL_OF = re.compile(r"(?:连我|连上我|一共|总共|拢共|我们|加起来|加一块)[^，。]{0,4}$")
_MET = re.compile(r"(?:问|找|换|来|叫|派|请|碰|见|看|认识|缺|招|够|每|就一|最多一)(?:了|过|着|到|见|来)?(?:他们|他)?$")
_PAIR = re.compile(r"就?我(?:和|跟)我?[^，。]{1,4}两个(?:人)?|我俩|我们俩|我们两(?:个|口)")

_CALL_WHEN = re.compile(
    r"(?P<when>白天|晚上|上午|中午|下午|早上|周末|工作日|(?:上午|下午|晚上|中午)?[零一二两三四五六七八九十0-9]{1,3}点半?)"
    r"(?P<side>以后|之后|以前|之前|后|前)?(?:再|才)?(?P<no>别|不要|不能|甭|不方便|接不了)?(?:给我)?(?:打|联系|接电话|接|来电)"
)
_TEXT_ONLY = re.compile(r"发(?:个|条)?(?:短信|信息|微信)")
_NO_CALL = re.compile(r"(?:别|不要|不用|甭|勿)(?:给我|再|老)?打电话|接不了电话|不方便接")
_KIN = (
    "妈|爸|儿子|儿|女儿|闺女|老公|老婆|媳妇|爱人|老伴|同事|朋友|邻居|孙子|孙女|弟弟?|妹妹?|哥|姐|外甥女?|侄子|侄女|女婿|儿媳妇?"
    "|大?[二三小]?(?:姨|舅|姑|叔|婶)|大伯|大爷|工友|同学|亲戚"
)
_LENT = re.compile(
    rf"(?:(?:电话|号码|手机)[^，。]{{0,6}}(?:写|留|记|打|是)|(?:打|留|记|写)(?:的)?)(?:我|俺)(?P<who>{_KIN})(?:的|家(?!门))"
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

_DECLINES = re.compile(r"[，,。、嗯哎啊那]*(?:不用|不要|不需要|不必|别|甭|算了|可别|千万别|不了|没必要|没事)")
_AGAIN = re.compile(
    r"又来了|又(?:给你们)?打(?:来|过来|进来|电话|你们|给你们|12345|热线|(?=[，。！]|$))|(?:第[二三四五六七八九十0-9]+|上一|前[几两])[次回遍趟](?:打|反映|投诉|举报|来电|给你们)(?!一)"
    r"|(?:这|今天)?(?:是)?第[二三四五六七八九十0-9]+[次回遍趟](?:了|啦|反映|打)|(?<!没)反映过|(?<!没)投诉过|(?<!没)举报过|(?<!没)(?<!没有)打过[^，。！？]{0,4}(?:12345|你们|热线|电话|[一二两三四五六七八九十几好0-9]+[次回遍])"
    r"|(?:之前|以前|上次|上回|前几天|上个月|去年)(?:我)?(?:也|就|已经)?(?:打|反映|投诉|说)(?:过|的|了)|不满意|(?<![才就来])给你们打(?:了|过|的)|你们(?:又|也|上次|上回|说)转(?:到|给|了)|你们转(?:到|给)(?:了|谁|哪)|工单(?:号|编号)|上次(?:那个)?(?:答复|回复)|办结了"
)
_NOT_US = re.compile(
    r"(?:110|119|120|122|幺幺零|一一零|幺二零|幺幺九|派出所|物业|村里|厂家|他|电视|社区|单位|公司)[^，。]{0,4}$"
)
_THEM = re.compile(
    r"(?:给)?[\u4e00-\u9fff]{0,4}?(?:联|局|所|站|委|办|中心|公司|厂家|物业|社区|客服|医院|银行)(?=[，。！？]|说|$)"
)
_FIRST_CALL = re.compile(
    r"(?:头一|第一|首)[次回遍](?:给你们|往这儿?|来)?(?:打|反映|投诉|来电)|没(?:有)?(?:打|反映|投诉)过"
)
_NTH = re.compile(r"第([二三四五六七八九十0-9]{1,3})[次回遍趟]")
_WITH_THIS = re.compile(
    r"(?:加上|算上|连|带)(?:上)?(?:今天|这次|这回|今儿)[^，。]{0,4}?([一二两三四五六七八九十0-9]{1,3})[次回遍趟]"
)
_TIMES = re.compile(
    r"(?:打|反映|投诉|说|找)(?:过|了)?(?:你们)?(?:都|得有)?([一二两三四五六七八九十0-9]{1,3})[次回遍趟]"
)
_BETWEEN_DIGITS = re.compile(r"(?:[\s，,、。.\-]|呃|嗯|啊|哦|那个|然后|后面|是|杠)*")
_NUMBER = r"(\d{12}(?P<more>\d)?)"
_BARE_TICKET = re.compile(r"(?<!\d)(20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{4}(?P<more>\d)?)(?!\d)")
_OF_TICKETS = re.compile(r"工单|(?<!快递)(?<!运)单号|编号")
_DIGIT = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}


def suggest_details(talk: Talk, privacy: Privacy) -> list[Suggestion]:
    found = [suggest_amount(talk), _people(talk), _note(talk), *_repeat(talk), _reply(talk)]
    kept = [suggestion for suggestion in found if suggestion is not None]
    return [
        one
        for one in kept
        if not (one.field == "contact_note" and privacy.withholds_identity and "短信" not in one.value)
    ]


def _one(name: str, value: object, confidence: float, *evidence: Evidence) -> Suggestion:
    return Suggestion(field=name, value=str(value), confidence=round(confidence, 2), evidence=evidence)


_LEFT = re.compile(r"(?:剩下?|还剩|只剩|还有)(?:我们)?(?P<n>[一二两三四五六七八九十0-9]{1,3})个")


def _value(number: str) -> int | None:
    return int(number) if number.isdecimal() else value_of(number)


def _people(talk: Talk) -> Suggestion | None:
    for said in talk.caller:
        left = _LEFT.search(said.text)
        if left is not None and _ASKS_PEOPLE.search(said.asked) and (count := _value(left.group("n"))):
            return _one("people_count", count, 0.78, said.evidence(*left.span()))
    for said in talk.agent:
        hurt = _HURT.search(said.text)
        if hurt is not None and talk.confirmed(said) and (count := _value(hurt.group("n"))) and count > 1:
            return _one("people_count", count, 0.78, said.evidence(*hurt.span()))
    best: tuple[float, int, Evidence] | None = None
    for said in talk.caller:
        pair = _PAIR.search(said.text)
        if _ASKS_PEOPLE.search(said.asked) is not None and pair is not None:
            return _one("people_count", 2, 0.85, said.evidence(*pair.span()))
        for worth, value, evidence in _counted(talk, said):
            if best is None or worth > best[0]:
                best = (worth, value, evidence)
    return None if best is None else _one("people_count", best[1], min(0.85, 0.6 + 0.1 * best[0]), best[2])


def _counted(talk: Talk, said: Said) -> Iterator[tuple[float, int, Evidence]]:
    """What the operator repeats, and what is said to be all of them, goes before the rest."""
    asked = _ASKS_PEOPLE.search(said.asked) is not None
    for match in re.finditer(r"(?<![几好多第])([一二两三四五六七八九十百0-9]{1,5})(?=个|位|名|口|户)", said.text):
        value = _value(match.group(1))
        before, behind = said.text[: match.start()], said.text[match.end() :]
        family = re.search(r"一家(?:子|人)?$|全家$", before) is not None and behind.startswith("口")
        whole = _ALL_OF.search(before) is not None
        shape = _PEOPLE.match(behind) if asked or family else _PEOPLE_NAMED.match(behind)
        house = re.search(r"家里?(?:一共|就|有|共)?$", before) is not None and behind.startswith("口") and not family
        rough = re.fullmatch(r"[一二两三四五六七八九]{2}", match.group(1)) is not None
        if not value or (value == 1 and not asked) or rough or shape is None or _MET.search(before) or house:
            continue
        repeated = any(
            re.search(rf"{match.group(1)}(?:个|位|名|口|户)?(?:人|家|户|村民|工人|业主|家长)", other.text)
            for other in talk.agent
            if talk.confirmed(other)
        )
        again = re.search(r"(?:不对|不是|后来|现在|又|哦|呃)[^。！？]{0,12}$", before) is not None
        yield 2 * asked + 1.5 * repeated + whole + 0.5 * family + 0.6 * again, value, said.evidence(*match.span())


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
        if lent is not None and not re.search(
            r"别[^，。]{0,3}$|现在[^，。]{0,3}$|不通|没人接", said.text[max(0, lent.start() - 20) : lent.start() + 1]
        ):
            parts.append(f"电话为{lent.group('who')}电话")
            proof.append(said.evidence(*lent.span()))
    for said in talk.caller[:2]:
        proxy = _PROXY.search(said.text)
        if proxy is not None:
            kin = re.fullmatch(rf"(?:我|俺)?(?P<who>{_KIN})(?:们)?", proxy.group("who"))
            parts.append(f"代{kin.group('who')}反映" if kin is not None else "代诉求")
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
            and not _FIRST_CALL.search(said.text)
            and not _THEM.match(said.text, match.end())
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
    yield _count(talk) or _one("repeat_count", 2, 0.6, *proof)


def _count(talk: Talk) -> Suggestion | None:
    for said in reversed(talk.caller):
        nth = _WITH_THIS.search(said.text)
        if nth is not None and (value := value_of(nth.group(1)) if not nth.group(1).isdecimal() else int(nth.group(1))):
            return _one("repeat_count", value, 0.85, said.evidence(*nth.span()))
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
        elif _ASKS_REPLY.search(said.asked) and said.refuses and _DECLINES.match(said.text):
            latest = _one("reply_required", "false", 0.84, said.evidence(0, min(3, len(said.text))))
    return latest
