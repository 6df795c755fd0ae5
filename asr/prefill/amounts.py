"""The sum the matter is about: paid, asked, owed or lost; not a price, an offer, or what the contract came to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from asr.numerals import Numeral, NumeralKind, value_of
from asr.prefill.naming import asks_own_name
from asr.prefill.reading import CORRECTION, Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_THINGS = r"[砖石板地田瓦布肉糖土木铁钢屏表碑瓷煤菜草皮疤牌]|玻璃|电池|广告|手表|路牌|儿|[一二三四五六七八九]块"
"""块 counts these as well as money."""
_UNIT = re.compile(rf"(?:多|来|余)?(?:元|圆|块(?!{_THINGS}))|钱(?=$|[，,。！？])")
_PENCE = re.compile(r"[块元](?!一分)[零一二三四五六七八九半]")
_PRICE = re.compile(r"(?:价|费|钱)[^，。！？]{0,4}，$")
_LEAD = re.compile(
    r"(?:钱|费|工资|工钱|赔|价|交|收|欠|花|罚|押金|定金|款|贷|给|退|骗|转|报|一共|总共|拢共|补|扣|付|充|值|要|发|领|垫|汇|剩下?"
    r"|掏|拿|打|来了|搭|贴|亏|损失|少|借|卖|买|出|合|折|差|多算|坑|讹|预存|存|补贴)"
    r"[^，。！？]{0,6}$"
)
_SPENT = re.compile(
    r"^(?:块钱?|元|多)*(?:买|交|办|充|花|付|租|订|收|报|拿|请|修|装|退|还给|赔)(?:下来|进|回来?)?的|^那[张笔][，,]"
    r"|^(?:块钱?|元|多)*的(?:课|卡|会员|学费|货|套餐|押金|票|团|单子|保健|药|车|房|东西)"
)
_ASKED_BACK = re.compile(r"^(?:块钱?|元|多)*[^，。！？]{0,2}(?:退|还|返|赔|补)(?:给|回|我)")
_SETTLED = re.compile(r"^(?:块钱?|元|多)*(?:就|了)?(?:拉倒|完事|算了|了事|打发|私了|两清)")
_DATED = re.compile(r"(?:(?<![一每个半])[月年]|[第初]|礼拜|星期|周)$")
_WHOLE = re.compile(
    r"(?:一共|总共|总计|合计|拢共|统共|通共|全部|共计|加起来|加一块儿?|加一起|算下来|合起来|满打满算|连本带利|欠)[^，。]{0,6}$"
)
_STILL_OWED = re.compile(r"(?:剩下?|还剩|还欠|尚欠|下欠|还差|还有|余下|尾款)(?:的|了|我们?|是)*[^，。]{0,4}$")
_REALLY = re.compile(r"(?:实收|实付|实际|到手|真正|最后(?:交|付|收|给)|其实(?:是|交|收))[^，。]{0,5}$")
_NOT_IT = re.compile(
    r"(?:标价|原价|定价|合同|总价|首付|房价|造价|工程款一?共|原先|原来|以前|去年|平常|平时|往常|别人|人家(?!收|要|扣)|别的|规定|按说|应该|本来"
    r"|打表|正常|市场价|预付过|付过|付了|给过|已经付|收入|工资(?!欠|没)|养老(?:金|钱)|月薪|便宜)(?:是|就|才|总共|一共|也就|都|是每)*[^，。]{0,5}$"
)
_PAID_OFF = re.compile(r"(?:付过|给过|还过|已经?(?:付|给|结)了?)[^。！？欠剩]*$")
_EACH = re.compile(
    r"(?:一|每|单)(?:桶|斤|张|件|次|天|度|吨|平|平米|方|袋|瓶|位|课|节|车|亩|季|个|个月|月|年|户|人|趟|小时|公里|立方|袋子|盒|箱|只|头|学期|期)(?:月)?"
    r"(?:才|就|要|是|收|给|补)?[^，。]{0,2}$"
)
"""The price of one is no amount of the matter, unless there is no other."""
_WRITTEN = re.compile(r"(?<!\d)\d{2,8}(?=元|块)")
_SAID_AGAIN = re.compile(
    r"[块元钱]*(?:…+|，?(?:呃|哦|噢|不对|不是|错了)[，…]*)+(?:是|应该是)?[一二两三四五六七八九十\d]+[百千万十]"
)
"""三千……三千二百八: begun anew."""
_EXACT = re.compile(r"^(?:块钱?|元)?[，,。]?(?:这个|这才|才是|就)?(?:准|没错|是准的|对的)")
_ROUGH_BEFORE = re.compile(r"(?:好几|几|上|近|将近|差不多|大概|大约|估摸着?|少说|得损失)(?:得|有|是)?$")
_ROUGH_AFTER = re.compile(r"^(?:多|来|几|余|左右|上下)")
_REFUTED = re.compile(r"^[，,。嗯哎啊呃]*(?:不对|不是|错|没那么|没有那么)")
_NOT_MONEY = re.compile(
    r"^(?:个|人|户|亩|斤|米|平|年|天|月|号|路|楼|岁|度|次|回|辆|公里|分|点|家|口|位|名|台|层|份|张|克|盏|块|里|栋|趟|袋|箱|只|头|本|条|间|吨)"
)
_ALONE_BEFORE = re.compile(r"[，,。！？!?…—\s]$|^$")
_ALONE_AFTER = re.compile(
    r"^[，,。！？!?…—]|^$|^(?:了|呢|吧|啊|嘛|呀|哪|的)[，,。！？]|^(?:现金|钱)?(?:就|都|全|一分|也|还|到现在|至今)*(?:没|不|打了水漂)"
)
_PAID = re.compile(r"(?:交|收|花|付|要|扣|赔|罚|退|充|欠|给|转|报|投|存|汇|垫|掏|押|借)(?:了|我|过|了我|掉|走)$")
_OTHERS_OFFER = re.compile(r"(?:他|她|他们|说|只|最多|才|才给|只给|答应|开始|退|补(?!课|习|办)|赔)[^，。]{0,6}$")
_ASKS_SUM = re.compile(
    r"多少钱|金额|多少(?:车|学|运|治)?费|花了多少|交了多少|付了多少|收(?:了|您)?多少|欠(?:了)?多少|多少元|什么价"
)
_LEAST = 0.15
_HUNDREDS = re.compile(r"(?<![\d,.点])([1-9]),([1-9])(?![\d,.])")
"""两千六 as a recogniser writes it: 2,6."""
_ROUND = re.compile(r"(?:找|铲|产|绕|走|跑|盖|看|扫|围|挖)了$")
"""一圈, heard as 一千."""


@dataclass(frozen=True, slots=True)
class _Sum:
    value: int
    worth: float
    evidence: Evidence


def suggest_amount(talk: Talk) -> Suggestion | None:
    """The operator's writing a sum down in 元, not refused, says most."""
    talk = replace(talk, all=tuple(map(_heard, talk.all)))
    told = _read_back(talk)
    best: _Sum | None = None
    first = _named_first(talk)
    for said in talk.caller:
        for one in _sums(said, told):
            if first.get(one.value, said.index) < said.index:
                continue
            worth = one.worth + (0.9 if told[-1:] == [one.value] else 0.7 if one.value in told else 0.0)
            if best is None or worth > best.worth:
                best = _Sum(one.value, worth, one.evidence)
    if best is None or best.worth < _LEAST:
        return None
    sure = round(min(0.6 + 0.13 * min(2.2, best.worth), 0.88 if best.value in told else 0.74), 2)
    return Suggestion(field="amount_yuan", value=str(best.value), confidence=sure, evidence=(best.evidence,))


@lru_cache(maxsize=8192)
def _heard(said: Said) -> Said:
    text = _HUNDREDS.sub(_spelled, said.text) if _about_money(said) else said.text
    return said if text == said.text else replace(said, reading=replace(said.reading, text=text))


def _spelled(match: re.Match[str]) -> str:
    """In words, which are as long."""
    thousands, hundreds = ("一二三四五六七八九"[int(digit) - 1] for digit in match.groups())
    return f"{thousands}千{hundreds}"


_FIGURES = re.compile(r"(?<![\d.,:A-Za-z-])[1-9]\d{1,6}(?![\d.,:%A-Za-z多来几余-])")


def _figures(said: Said) -> list[Numeral]:
    """The numbers said, and those written in figures."""
    spoken = list(said.reading.numerals)
    written = [
        Numeral(start=match.start(), end=match.end(), digits=match.group(), kind=NumeralKind.CARDINAL)
        for match in _FIGURES.finditer(said.text)
        if not any(one.start < match.end() and match.start() < one.end for one in spoken)
    ]
    return sorted([*spoken, *written], key=lambda one: one.start)


def _read_back(talk: Talk) -> list[int]:
    found: list[int] = []
    for said in talk.agent:
        reply = next((other for other in talk.after(said) if other.by_caller), None)
        if reply is not None and (_REFUTED.match(reply.text) or CORRECTION.search(reply.text[:12])):
            continue
        for numeral in said.reading.numerals:
            after = said.text[numeral.end :]
            of_money = _UNIT.match(after) or _of_money(said.text[numeral.start : numeral.end])
            if numeral.digits.isdecimal() and of_money and not _NOT_MONEY.match(after):
                found.append(int(numeral.digits))
        found += [int(match.group()) for match in _WRITTEN.finditer(said.text)]
    return found


def _named_first(talk: Talk) -> dict[int, int]:
    """Where the operator named a sum that the caller had not: what things cost is told to those who ask."""
    first: dict[int, int] = {}
    heard: set[int] = set()
    for said in talk.all:
        values = {int(one.digits) for one in _figures(said) if one.digits.isdecimal()}
        if said.by_agent and "？" not in said.text:
            first |= dict.fromkeys(values - heard - first.keys(), said.index)
        heard |= values
    return first


def _of_money(words: str) -> bool:
    return re.search(r"[百千万]", words) is not None


def _sums(said: Said, told: Sequence[int]) -> Iterator[_Sum]:
    if asks_own_name(said.asked) and re.search(r"的(?:那个)?[万千百金钱]", said.text):
        return
    rough: int | None = None
    for numeral in _figures(said):
        if not numeral.digits.isdecimal() or _SAID_AGAIN.match(said.text, numeral.end):
            continue
        value, unit = int(numeral.digits), _UNIT.match(said.text, numeral.end)
        if (
            rough is not None
            and numeral.kind is NumeralKind.DIGITS
            and numeral.digits[:2] == str(rough)[:2]
            and not unit
        ):
            yield _Sum(value, 1.4, said.evidence(numeral.start, numeral.end))
            rough = None
            continue
        worth = _worth(said, numeral, value, unit, told)
        if worth is not None:
            yield _Sum(value, worth, said.evidence(numeral.start, numeral.end))
    about = re.search(r"[一二三四五六七八九][千百][一二三四五六七八九]?[百]?(?=多)", said.text)
    if about is not None and (base := value_of(about.group())) is not None:
        for group in said.reading.digit_groups:
            if group.start > about.end() and len(group.digits) == len(str(base)) and group.digits[:1] == str(base)[:1]:
                yield _Sum(int(group.digits), 1.4, said.evidence(group.start, group.end))


def _worth(said: Said, numeral: Numeral, value: int, unit: re.Match[str] | None, told: Sequence[int]) -> float | None:
    """None where it is no sum at all, or said to be rough."""
    text = said.text
    before, after = text[: numeral.start], text[numeral.end :]
    if value < 2 or re.match(r"(?:块钱|元|块)?的(?:那个)?[百千万]", after):
        return None
    lead = _LEAD.search(before) is not None
    whole = _WHOLE.search(before) is not None
    counted = _of_money(text[numeral.start : numeral.end])
    paid = _PAID.search(before) is not None and value >= 5
    asked = _ASKS_SUM.search(said.asked) is not None
    alone = _ALONE_BEFORE.search(before) is not None and _ALONE_AFTER.match(after) is not None
    ends = _ALONE_AFTER.match(after) is not None
    each = _EACH.search(before) is not None
    spent = _SPENT.match(after) is not None
    if _DATED.search(before) is not None or re.match(r"[号月日年]", after) or _PENCE.match(after):
        return None
    plain = (
        (ends and value >= 10 and _PRICE.search(before) is not None)
        or (spent and value >= 10)
        or (lead and counted and value >= 100)
        or paid
        or (ends and counted and value >= (100 if asked or _about_money(said) else 1000))
        or (asked and ends and value >= 10)
        or (whole and counted and ends)
        or (value in told and ends and (counted or (alone and value >= 10)))
        or (ends and value >= 10 and _STILL_OWED.search(before) is not None)
        or (each and ends and value >= 10 and not after.startswith("了"))
    )
    if unit is None and (not plain or _NOT_MONEY.match(after)):
        return None
    figures = text[numeral.start : numeral.end].isdecimal()
    if figures and unit is None and value not in told and _STILL_OWED.search(before) is None:
        return None
    if _ROUGH_BEFORE.search(before) or (value == 1000 and unit is None and _ROUND.search(before)):
        return None
    worth = 0.6 + 0.4 * (unit is not None) + 0.3 * (lead or paid or asked or spent) + 0.8 * whole
    worth += 0.3 * spent + 0.6 * (_ASKED_BACK.match(after) is not None) - 0.8 * (_SETTLED.match(after) is not None)
    worth -= 0.5 * (_ROUGH_AFTER.match(after) is not None)
    worth += 1.2 * (_EXACT.match(after) is not None) + 1.1 * (_STILL_OWED.search(before) is not None)
    worth += 0.9 * (_REALLY.search(before) is not None)
    worth -= 0.5 * (_OTHERS_OFFER.search(before) is not None and not whole) + 0.01 * said.index
    own = asked and re.search(r"[零一二两三四五六七八九十百千万\d]", before) is None
    worth -= (
        0.8 * ((_NOT_IT.search(before) is not None and not own) or _PAID_OFF.search(before) is not None) + 0.4 * each
    )
    return worth - 0.6 * (re.match(r"(?:块钱|元|块)?的?(?:券|优惠|代金|红包|积分)", after) is not None)


def _about_money(said: Said) -> bool:
    return (
        re.search(
            r"元|块钱|钱(?!江)|补贴|津贴|[一二三四五六七八九十百千万]块|收费|交费|价|票|退|押金|工钱|工资|欠|打表|扫的码|转账|收了|现金|刷卡",
            said.text + said.asked,
        )
        is not None
    )
