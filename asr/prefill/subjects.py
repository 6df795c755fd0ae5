"""Whom or what it is about: a shop, a firm, a school, a bus line, a person named as such."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from asr.numerals import with_digits
from asr.prefill.questions import ASKS_OTHER_NAME, ASKS_SUBJECT
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Suggestion

_KINDS = (
    "公司|饭店|火锅店|烧烤店?|涮肉|餐厅|餐馆|饭馆|面馆|快餐|烤肉|酒楼|酒店|宾馆|旅馆|民宿"
    "|超市|便利店|商店|商场|药店|药房|诊所|医院|卫生院|卫生所|卫生室|门诊部?"
    "|健身房|健身|健身俱乐部|游泳馆|瑜伽馆|美容院|美发|理发店|驾校|培训机构|培训班|培训学校"
    "|辅导班|幼儿园|小学|中学|学校|职校|物业|银行|快递|驿站|KTV|网吧|酒吧|棋牌室|麻将馆"
    "|洗车行|汽修店?|修理厂|4S店"
    "|加油站|化工厂|砖厂|石料厂|纺织厂|养猪场|养鸡场|养殖场|屠宰场|厂|工地|项目部|搅拌站"
    "|供水公司|自来水公司|热力公司|燃气公司|供电所|供电公司|公交公司|客运公司|旅行社|景区"
    "|山庄|农家乐|中介|保险公司|开发商|房地产|地产|劳务公司|建筑公司|养老院|影楼|婚庆|家具城"
    "|热力|燃气|水务|电信|移动营业厅|联通营业厅|村委会|居委会|街道办|敬老院|福利院|殡仪馆|菜市场|批发市场|电影院|影城"
    "|图书馆|博物馆|文化馆|体育馆|体育场|美术馆|科技馆|少年宫|动物园|游乐园|游乐场"
    "|养生馆|足疗店?|推拿店?|奶茶店|早餐店|包子铺|水果店|五金店|租车行|洗浴中心|浴池|停车场|充电站|废品站|收购站"
    "|4s店"
)
_CALLED = re.compile(
    r"(?:叫|名叫|名字叫|写着|店名(?:是|叫)|招牌(?:是|叫)|名称(?:是|叫))(?:那个|个|什么|作|做|啥|呃"
    r"|嗯|…|，)*(?P<name>[\u4e00-\u9fffA-Za-z0-9]{2,14})"
)
_FIRM = re.compile(rf"(?P<name>[\u4e00-\u9fffA-Za-z]{{2,10}}?(?:{_KINDS}))")
_LINE = re.compile(
    r"(?P<name>[零一二三四五六七八九十百幺0-9]{1,4}路(?:公交车?|车|(?=[，,。的]|司机|就是|今|昨|早上|晚上|$)))"
)
_SHORT = re.compile(
    r"(?<![\u4e00-\u9fff]城)(?:(?:移动|联通|电信)营业厅|[市省县区](?:第)?[一二三四五六七八九](?:医)?院|[市省县区](?:人民|中|妇幼|儿童|传染病|精神病)医?院|[市省县]医院)"
)
_KIN = re.compile(
    r"(?:父亲|母亲|爸|妈|爹|娘|老人|孩子|儿子|女儿|闺女|老伴|爱人|岳父|岳母|公公|婆婆|奶奶|爷爷|病人|患者)[^，。]{0,3}$"
)
_PLATE = re.compile(
    r"(?P<where>[\u4e00-\u9fff])[，,、\s]*(?P<letter>[A-Za-z])[，,、·\s]*"
    r"(?P<rest>(?:[A-Za-z0-9零〇一二三四五六七八九幺][，,、\s]*){5,6})(?![A-Za-z0-9零〇一二三四五六七八九幺])"
)
_VEHICLE = re.compile(
    r"(?:[白黑红蓝银灰绿黄]色?的?)?(?:面包车|轿车|小车|越野车|皮卡|货车|大货车|渣土车|罐车|洒水车|出租车|网约车|客车|大巴|校车|三轮车|摩托车|车)"
)
_PERSON = re.compile(
    r"(?:经理|老板|户主|司机|负责人|工头|包工头|经营人|校长|主任|书记|大夫|医生|护士|教练|邻居"
    r"|房东|中介|店长|导游|姑娘|窗口|工作人员)[^，。]{0,4}?(?:姓"
    r"|叫)(?P<name>[\u4e00-\u9fff]{1,3})(?=[，。、！]|的|$)"
)
_ASKS_FIRM = re.compile(
    r"哪一?家|什么店|哪个店|店名|哪个(?:饭店|商场|超市|公司|厂|医院|学校|工地|单位)|(?:店|饭店|公司|厂)叫什么"
)
_FIRM_TOLD = re.compile(r"^(?:上|那边|那儿)?(?:的|那个|那家|，|,)*(?P<name>[\u4e00-\u9fffA-Za-z]{2,8})(?=[，,。！]|$)")
_NO_FIRM = re.compile(r"[我你他她的了是在有没不就也都买干给被欠月日号点路街边侧头]|什么|哪")
_OF_PERSON = re.compile(
    r"(?:经理|老板|户主|司机|负责人|工头|包工头|校长|主任|书记|大夫|医生|护士|教练|店长|导游"
    r"|姑娘|小伙子?|工作人员|的|科的?)[，,]?$"
)
_NOT_NAMES = re.compile(
    r"^(?:那些|这些|什么|啥|惯了|习惯|不来|不动|不醒|出来|来着|我|你|他|她|人|个|了|不|车|救|醒|号|苦|名|他们|大家|那个|一个|这个|物业|快递"
    r"|公司|饭店|医院|学校|银行|工地|超市|小区|药店|妈|老人|孩子|起来|事儿|应|床|家长|停|卖|板|天"
    r"|叫|嚷)"
)
_FORGOTTEN = re.compile(r"什么|啥|哪个")
_CUT = re.compile(
    r".*(?:在|是|有个|有家|有一家|那个|这个|的|了|我们|咱们|你们|他们|给|让|去|到|跟|和|被|把"
    r"|说|找|问|向|从|楼下|旁边|对面|门口|附近|投诉|举报|反映|表扬|来|叫|家|边|里|上|个|我|住"
    r"|就|买|办|开|过|下|由|因为|所以|现在|然后|一下|通过|欠|要|干|也得|吧|呢|片|靠着|挨着)"
)


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    said: Said
    start: int
    end: int
    weight: float
    person: bool = False


def suggest_subject(talk: Talk, caller: str) -> list[Suggestion]:
    """``caller`` is the caller's own name, who is not complained about."""
    every = [*(named for said in talk.caller for named in _named(said)), *_officials(talk), *_vehicles(talk)]
    found = [named for named in every if not caller or caller not in named.name]
    if not found:
        return []
    heard = "".join(said.text for said in talk.agent)
    ranked = sorted(found, key=lambda named: _worth(named, heard), reverse=True)
    best = ranked[0]
    best = _longer(talk, best)
    other = next((named for named in ranked if named.person is not best.person and named.name not in best.name), None)
    firm, person = (other, best) if best.person else (best, other)
    if firm is None or person is None:
        value, named = _known_as(best), [best]
    else:
        value, named = f"{firm.name}（{person.name}）", [firm, person]
    confidence = round(min(0.88, 0.3 + 0.3 * best.weight + 0.14 * (best.name in heard)), 2)
    evidence = tuple(one.said.evidence(one.start, one.end) for one in named)
    return [Suggestion(field="subject", value=_digits(value), confidence=confidence, evidence=evidence)]


_BADGE = re.compile(
    r"(?:胸牌|工号|工牌|编号)[^，。]{0,8}?(?P<badge>[A-Za-z]{1,3}[\s-]*[零〇一二两三四五六七八九幺0-9]{2,6})"
)
_ROLE_BEFORE = re.compile(r"(户主|老板|司机|经理|邻居|房东|包工头|负责人|主任|书记|大夫|医生|教练)[^，。]{0,2}$")
_OFFICIAL = r"(?:窗口|工作人员|司机|医生|大夫|老师|民警|护士|师傅|同志|表扬)"
_DIGITS = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}


def _longer(talk: Talk, best: _Named) -> _Named:
    """老马家, then 老马家铜锅涮肉, which the operator says back: the whole name."""
    if best.person:
        return best
    heard = "，".join(said.text for said in talk.agent)
    match = re.search(rf"{re.escape(best.name)}[\u4e00-\u9fff]{{2,6}}(?=[，。！？]|$)", heard)
    said = next((said for said in talk.caller if match is not None and match.group() in said.text), None)
    if match is None or said is None:
        return best
    start = said.text.find(match.group())
    return _Named(match.group(), said, start, start + len(match.group()), best.weight)


def _known_as(named: _Named) -> str:
    """Of somebody only a surname is known: 韩姓户主."""
    role = _ROLE_BEFORE.search(re.sub(r"(?:姓|叫)$", "", named.said.text[: named.start]))
    return (
        f"{named.name}姓{role.group(1)}" if named.person and len(named.name) == 1 and role is not None else named.name
    )


def _officials(talk: Talk) -> Iterator[_Named]:
    """A badge, or a name the operator says back behind the desk or the office."""
    for said in talk.caller:
        for match in _BADGE.finditer(said.text):
            shown = re.sub(r"[\s-]", "", match.group("badge"))
            yield _Named(shown, said, *match.span("badge"), 1.6, True)
    surnames = "|".join(map(re.escape, talk.lexicon.surnames))
    for agent in talk.agent:
        for match in re.finditer(rf"{_OFFICIAL}(?P<name>(?:{surnames})[\u4e00-\u9fff]{{1,2}})(?=[，。]|$)", agent.text):
            name = match.group("name")
            heard = next((said for said in talk.caller if name in said.text), None)
            if heard is not None:
                start = heard.text.find(name)
                yield _Named(name, heard, start, start + len(name), 1.3, True)


def _vehicles(talk: Talk) -> Iterator[_Named]:
    """A number plate, with the kind of vehicle as the caller told it first."""
    for said in talk.caller:
        for match in _PLATE.finditer(said.text):
            rest = re.sub(r"[，,、\s]", "", match.group("rest"))
            if not re.search(r"[零〇一二三四五六七八九幺0-9]", rest):
                continue
            plate = match.group("where") + (match.group("letter") + "".join(_DIGITS.get(c, c) for c in rest)).upper()
            told = "。".join(one.text for one in talk.caller if one.index <= said.index)
            kinds = sorted((found.group() for found in _VEHICLE.finditer(told)), key=len)
            name = f"{kinds[-1]}（{plate}）" if kinds else plate
            yield _Named(name, said, match.start(), match.end("rest"), 1.6)


def _digits(value: str) -> str:
    """GX零五三 as well, which no unit stands beside."""
    spelled = re.fullmatch(r"([A-Za-z]{1,3})([零〇一二两三四五六七八九幺0-9]{2,6})", value)
    if spelled is None:
        return with_digits(value)
    return spelled.group(1).upper() + "".join(_DIGITS.get(char, char) for char in spelled.group(2))


def _worth(named: _Named, heard: str) -> float:
    return named.weight + 0.25 * (named.name in heard) - 0.01 * named.said.index


def _named(said: Said) -> Iterator[_Named]:
    text = said.text
    asked = ASKS_SUBJECT.search(said.asked) is not None
    for match in _CALLED.finditer(text):
        name = _trim(match.group("name"))
        own = text[max(0, match.start() - 3) : match.start()].endswith(("我", "我就", "我的", "俺"))
        done_to = re.search(r"得|[轧压撞碰刮弄砸淹挖堵占拆偷骗打咬]", name) and match.group().startswith("叫")
        passive = done_to or re.match(
            r"[^，。]{0,6}(?:给|把|了)", text[match.end("name") - max(0, len(match.group("name")) - len(name)) :]
        )
        if (
            not own
            and len(name) >= 2
            and not _NOT_NAMES.match(name)
            and not _FORGOTTEN.search(name)
            and not (passive and match.group().startswith("叫"))
        ):
            start = match.start("name")
            person = _OF_PERSON.search(text[max(0, match.start() - 5) : match.start()]) is not None
            kin = _KIN.search(text[max(0, match.start() - 6) : match.start()]) is not None
            weight = 0.7 if kin else (1.2 if person else 1.5) + 0.4 * asked
            yield _Named(name, said, start, start + len(name), weight, person or kin)
    for match in _PERSON.finditer(text):
        yield _Named(
            match.group("name"),
            said,
            match.start("name"),
            match.end("name"),
            0.9 + 0.3 * bool(ASKS_OTHER_NAME.search(said.asked)),
            True,
        )
    for match in _LINE.finditer(text):
        if match.group("name") == "一路":
            continue
        yield _Named(match.group("name"), said, match.start("name"), match.end("name"), 1.2)
    yield from _told_where(said)
    for match in _SHORT.finditer(text):
        yield _Named(match.group(), said, *match.span(), 1.2)
    for match in _FIRM.finditer(text):
        name, start = match.group("name"), match.start("name")
        cut = _CUT.match(name)
        if cut is not None:
            name, start = name[cut.end() :], start + cut.end()
        kind = re.search(rf"(?:{_KINDS})$", name)
        body = name[: kind.start()] if kind is not None else ""
        inside = any(a <= start < b for a, b in said.reading.protected)
        if len(body) >= 2 and not inside and not _NOT_NAMES.match(name):
            yield _Named(name, said, start, start + len(name), 1.1 + 0.3 * asked)


def _told_where(said: Said) -> Iterator[_Named]:
    """哪家饭店？建设南路，老地方。 What stands behind the road is the name."""
    if _ASKS_FIRM.search(said.asked) is None:
        return
    for hit in said.reading.places:
        told = _FIRM_TOLD.match(said.text[hit.end :])
        if told is not None and not _NO_FIRM.search(told.group("name")):
            start = hit.end + told.start("name")
            yield _Named(told.group("name"), said, start, hit.end + told.end("name"), 1.5)
            return


def _trim(name: str) -> str:
    """A name ends before the sentence goes on."""
    ended = re.match(
        r"(.+?)(?:的|了|还是|在|我|他|她|老|天天|每天|就|也|都|是|那|这|不|没|有|啥|吧|呢|喝酒"
        r"|电话|门口|楼下|半夜|晚上|说|给|收|欠|把|让)",
        name,
    )
    return ended.group(1) if ended is not None and len(ended.group(1)) >= 2 else name
