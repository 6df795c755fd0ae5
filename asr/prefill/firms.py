"""Shops, firms, schools, hospitals and offices by name, each weighed by its form and its part in the talk."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon import PlaceKind
from asr.prefill.bodies import bodies, in_parts
from asr.prefill.named import Kind, Named
from asr.prefill.parts import ASKS_WHOM, owns, part_of, spelt_out
from asr.prefill.reading import Said, Talk
from asr.prefill.standins import builders, keepers, reported, suppliers, told, town_halls, village
from asr.prefill.trades import BARE, FIRM, GENERIC, HAN, KEPT, LUCKY, OF_PLACES, OFFICE, SHORT, SITE, VAGUE

_CUT = re.compile(
    r".*(?:[的了着在是个这那我你他她它们给让被把跟就都也还说吗呢吧啊呀嘛哦呃嗯哎喂俺咱但可有不没啥]"
    r"|事儿|有家|一家|哪家|别家|人家|我家|旁边|对面|楼下|门口|附近|街上|路上|院里|村里|门前"
    r"|投诉|举报|反映|表扬|打电话|打给|联系|叫|欠|找|问|去|到|从|向|由|买|住|来|办|要|因为|所以"
    r"|现在|然后|一下|通过|干活|片|改成|变成|成立|靠着|挨着|[一二两三]家|[里边][头面]?|上头|下头"
    r"|家里|开的?|管|想|转到?|上(?!海|[东西党]|等|善)|打|取|归|卖|占|请|催|交[到给]|换成|改叫|申请|接着|路过|挨着|隔壁)"
)
_HARD = re.compile(
    r"[的了在是这那我你他她它们给让被把跟就都也还说吗呢吧啊呀嘛哦呃嗯有不没啥，。、？！]|投诉|举报"
    r"|反映|表扬|联系|打电话|旁边|对面"
)
_NO_BODY = re.compile(
    r"^(?:[你您]好|[一两三][夜晚天]|老楼|那些|这些|刚才|半夜|半路|地下|昨天|今天|每天|什么|啥|哪|一个|几个|各|每|所有|[全大小老新外本某同]$|^[问找]|其他|别的|普通|正规|民办"
    r"|公办|私立|公立|附近|当地|村里|城里|路边|街边|农村|乡镇|电动车?|汽车|医疗|人身|意外|养老"
    r"|社会|失业|工伤|城乡|家长|学生|孩子|老人|居民|业主|政府|国家|网上|手机|微信"
    r"|.*[取打卖烧装换弄搬坐骑寄签]|^收|[零一二三四五六七八九十0-9]+[号年月点个路]|[东南西北正侧后][门边头面])"
    r"|[零一二三四五六七八九十半几今去前明后每当][年日]$|[上下本每个零一二三四五六七八九十]月$|[点分]$|[0-9]|退钱|扣款|吃饭"
)
_CALLED = re.compile(
    r"(?:名字叫|名叫|店名(?:是|叫)|招牌(?:上)?(?:是|叫|写)|名称(?:是|叫)|名儿叫|(?:围[挡档当]|招牌|[牌排][子自字]?"
    r"|牌匾|门头|门上|墙上|车上|车身|车厢|灯箱|送货单|单子|条幅|横幅|工牌)[^，。都]{0,3}"
    r"(?:写着?(?:个|[呢门能](?![一-鿿]{0,2}$))?|写的?是?|挂着?|叫|(?<!不)是(?!不)|印着?|印的是?|喷着|喷的是?)"
    r"|(?<!不)(?<!都)(?<!要)叫)(?:[那这]个[，,]?|个|作|做|呃|的是?|嗯|…)*[“‘]?(?P<name>[\u4e00-\u9fffA-Za-z0-9]{2,14})"
)
_CALLED_KIND = re.compile(
    rf"叫(?P<name>{HAN}{{2,6}})的(?:那个|这个|那家)?{HAN}{{0,2}}(?:店|馆|公司|厂|机构|班|超市|饭店"
    rf"|中介|平台|驾校|诊所|酒店|民宿|商家|队|院|园|摊|场|软件|网站|户|家)"
)
_HEAD = re.compile(
    r"(?P<head>店|公司|厂子?|物业|开发商|楼盘|机构|班|学校|医院|酒店|饭店|超市|商家|单位|牌子|企业"
    r"|中介|健身房|驾校|幼儿园|诊所|药店|民宿|工地|快递|平台|[房家]|队|摊儿?|饭馆|车行|园|的"
    r"|制品厂|金属制品厂|[点厅馆城坊])[，,]?(?:那个|就)?$"
)
_NOT_NAMES = re.compile(
    r"^(?:[外本邻别同][村地省乡县市]|那些|这些|什么|啥|着|的|惯了|习惯|不|出来|来着|我|你|他|她|人|个|了|车|救|醒|号|苦|名|大家|那"
    r"|一个|这|各|找|等|镇上|村里|社区|领导|警察|厂家|师傅"
    r"|物业(?!公司)|快递|公司|饭店|医院|学校|银行|工地|超市|小区|药店|妈|老人|孩子|起来|事儿|应|床"
    r"|家长|停|卖|板|天|叫|嚷|政府|派出所|开发商|老板|人家|大伙)"
)
_OPENS = re.compile(r"(?:^|[，。！？、])(?:现在|如今|好像|它|那家?|就|是|店|招牌)*$")
_SOMEBODY = re.compile(r"[我俺](?:就|的)?$|[人主手头板机理师的][们]?都?$|带班的$|领头的$")
_INDEFINITE = re.compile(r"(?:一|有)(?:个|家)$")
_NOW = re.compile(r"[现如]今?在?[^，。]{0,2}$|[改换]$|新$")
_FORGOTTEN = re.compile(r"什么|啥|哪个|忘了|记不")
_IS = re.compile(
    rf"(?:公司|物业|开发商|商家|店家|厂家|老板|机构|单位|甲方|总包|店名?|厂名?|牌子|平台|名字|中介"
    rf"|驾校|学校)(?:就是|是|叫|名叫)(?P<name>{HAN}{{2,8}})(?=[，。的]|$)"
)
_DEALT_IN = re.compile(
    rf"(?:[在从到去](?:[那这]个)?)(?P<name>{HAN}{{2,5}}?)(?:那里?|那儿)?"
    r"(?:[办买订做报存租修定配][的了]|吃[的了饭]|洗[澡的车]|打的|上的课|住[的了]|[学练][车琴舞]|看[的了]病|剪[的了]头?|理发|消费|充[的了])"
)
_LEAD = re.compile(
    r"^(?:就|就是|是|叫|嗯|呃|哦|那个|这个|好像|应该|可能|对|那|他|她|在|的|说|有个|我|买|是叫|上"
    r"|[上里那]|路上|街上|们)+(?=[\u4e00-\u9fff]{2})"
)
_NO_FIRM = re.compile(
    r"[我你他她的了是在有没不就也都买干给被欠月日号点路街侧吗呢年块钱们说去来哪]|什么|今天|昨天"
    r"|谢谢|镇|乡|村|小区|医生|旁|对面|[东南西北]角|门口|附近|上午|下午|晚上|早上|十字|楼|层|边"
    r"|口$|门$|的话|这个|那个|哎|呃|啊|姓|叫|先生|女士|电话|好像|可能|应该|我们|大概|左右|嘛|呢|么"
    r"|好多|以前|从来|左右|天天|每天|^[问找]|^[新老东西南北]?[校院]区$"
)


def firms(talk: Talk, code: str) -> Iterator[Named]:
    """``code``: the category the talk is likeliest about."""
    agents = "，".join(said.text for said in talk.agent)
    own = owns(talk)
    for said in talk.all:
        if said.by_agent and not (_OLD.search(said.text) and talk.confirmed(said)):
            continue
        for start, end, base in _mentions(said, agents if said.by_caller else ""):
            name = said.text[start:end]
            weight = base + part_of(talk, said, start, end, code, own)
            yield Named(name, said, start, end, weight, Kind.OFFICE if OFFICE.search(name) else Kind.FIRM)
    yield from bodies(talk)
    yield from in_parts(talk)
    yield from told(talk)
    yield from suppliers(talk, code)
    yield from village(talk, code)
    yield from town_halls(talk)
    yield from builders(talk, code)
    yield from keepers(talk, code)
    yield from reported(talk)


_Form = tuple[int, int, float]
"""A span, and what the form of its name alone is worth."""
_Spans = list[tuple[int, int]]


def _mentions(said: Said, agents: str) -> Iterator[_Form]:
    """Spans of names; ``seen`` are those taken already, which vaguer ones do not share."""
    seen: _Spans = []
    for match in _CALLED.finditer(said.text):
        span = _called(said, match, agents)
        if span is not None:
            seen.append(span[:2])
            yield span
    for start, end in said.reading.clauses:
        yield from _plain(said, start, end, seen)
        yield from _of_kind(said, start, end, agents, seen)
        for hit in said.reading.places:
            if start <= hit.start < end and hit.place.kind is PlaceKind.COMMUNITY and KEPT.search(hit.place.name):
                yield hit.start, hit.end, 0.2
        yield from _dealt_in(said, start, end, seen)
        yield from _being(said, start, end, agents, seen)
    yield from _answer(said, agents, seen)


def _taken(seen: _Spans, first: int, last: int) -> bool:
    return any(a < last and first < b for a, b in seen)


def _lucky(name: str) -> int:
    """How many of its characters trade names like."""
    return sum(char in LUCKY for char in name)


def _plain(said: Said, start: int, end: int, seen: _Spans) -> Iterator[_Form]:
    for match in SHORT.finditer(said.text, start, end):
        seen.append(match.span())
        yield *match.span(), 0.45
    for match in _CALLED_KIND.finditer(said.text, start, end):
        if not _FORGOTTEN.search(match.group("name")) and not _NO_FIRM.search(match.group("name")):
            seen.append(match.span("name"))
            yield *match.span("name"), 1.1


def _of_kind(said: Said, start: int, end: int, agents: str, seen: _Spans) -> Iterator[_Form]:
    """Offices, sites and firms by the word that ends their names."""
    text = said.text
    for pattern, base in ((OFFICE, 0.35), (SITE, 0.2), (FIRM, 0.6)):
        for match in pattern.finditer(text, start, end):
            found = _with_body(said, start, match, agents)
            if found is None or _taken(seen, *found):
                continue
            seen.append(found)
            body = text[found[0] : match.start()]
            lucky = pattern is FIRM and 2 <= len(body) <= 4 and _lucky(body) >= len(body) - (len(body) > 2)
            vague = pattern is FIRM and match.group() in VAGUE and not lucky
            yield *found, base - 0.25 * vague + 0.2 * _alone(text, found) + 0.3 * lucky


def _dealt_in(said: Said, start: int, end: int, seen: _Spans) -> Iterator[_Form]:
    """在聚福楼办的喜酒: of nothing but what trade names are made of."""
    for match in _DEALT_IN.finditer(said.text, start, end):
        first, last = match.span("name")
        name = match.group("name")
        place = any(hit.start < last and first < hit.end for hit in said.reading.places)
        likely = _lucky(name) == len(name) or (_lucky(name) > 1 and not _NO_FIRM.search(name))
        if likely and not place and not _taken(seen, first, last):
            seen.append((first, last))
            yield first, last, 0.6


def _being(said: Said, start: int, end: int, agents: str, seen: _Spans) -> Iterator[_Form]:
    for match in _IS.finditer(said.text, start, end):
        name = _trim(match.group("name"))
        first, last = match.start("name"), match.start("name") + len(name)
        known = name in agents or spelt_out(said.text[last:], name) or _lucky(name) >= len(name) - 1
        if known and not _NO_FIRM.search(name) and not _taken(seen, first, last):
            seen.append((first, last))
            yield first, last, 0.6


_ASKS_TRADE = re.compile(
    r"哪一?[家所](?![里人])|店名|什么名字|叫什么|叫啥|(?:店|馆|厅|院|园|校|班|厂|公司|机构|企业|单位|平台|商家|快递|物业|开发商|中介|牌子|社|行"
    r"|队|中心|工地|楼盘|门市|物流|超市|摊)[^，。？]{0,4}(?:叫|是哪|名|是什么)"
)
_ASKS_PERSON = re.compile(
    r"老人|孩子|[他她]|您[爸妈父母爱弟哥姐妹儿女叔婶]|贵姓|称呼|姓名|对方|邻居|司机|老板|医生|老师|路|小区"
)
_ASKS_NUMBER = re.compile(r"[单票]号|号码|订单|编号")
"""What is asked besides is likelier answered first."""
_HOUSE = re.compile("(?<=[\u4e00-\u9fff]{2})(?<![号栋幢学公合商住写字])楼$")
"""福满楼 is a restaurant."""
_TAIL = re.compile(r"(?:的|那边|这儿|吧|呗|啊|嘛|呀|家)+$")
_NO_ANSWER = re.compile(
    r"^[零一二两三四五六七八九十百千万0-9]+$|[一两二三几][笔张次份]|[东南西北前后正侧]门|路|街|层|楼|姓"
    r"|对[面过]|旁边?$|隔壁|门口|拐角|附近|跟前|里[头面]$"
)


def _answer(said: Said, agents: str, seen: _Spans) -> Iterator[_Form]:
    """A bare name, asked for one."""
    if ASKS_WHOM.search(said.asked) is None:
        return
    text = said.text
    named = _ASKS_TRADE.search(said.asked) is not None and not _ASKS_PERSON.search(said.asked)
    named = named and not _ASKS_NUMBER.search(said.asked)
    for turn, (start, end) in enumerate(said.reading.clauses[:3]):
        tail = _TAIL.search(text, start, end)
        end = tail.start() if tail is not None and named else end
        lead = _LEAD.match(text[start:end])
        first = start + (lead.end() if lead is not None else 0)
        first = max([first, *(hit.end for hit in said.reading.places if start <= hit.start < end)])
        again = _LEAD.match(text[first:end])
        first += again.end() if again is not None else 0
        name = text[first:end]
        if not 2 <= len(name) <= 7 or not re.fullmatch(f"{HAN}+", name) or _taken(seen, first, end):
            continue
        known = (
            name in agents
            or spelt_out(text[end:], name)
            or re.search(f"[那这][个家]{name}", text[end:]) is not None
            or _lucky(name) >= len(name) - (len(name) > 2)
            or (named and turn < 2)
        )
        body = _HOUSE.sub("", name) if named else name
        if known and not _NO_FIRM.search(body) and not _NO_ANSWER.search(body):
            yield first, end, 0.5
            return


def _alone(text: str, span: tuple[int, int]) -> bool:
    """A clause of its own."""
    before, after = text[: span[0]][-1:], text[span[1] :][:1]
    return (before == "" or before in "，。！？、：…") and (
        after == "" or after in "，。！？、嘛呗" or text[span[1] : span[1] + 2] in ("的，", "的。")
    )


def _with_body(said: Said, clause: int, match: re.Match[str], agents: str) -> tuple[int, int] | None:
    """The name from where it may begin to the word it ends with."""
    text, end = said.text, match.end()
    left = max(clause, match.start() - 10)
    for hit in said.reading.places:
        if hit.end <= match.start() and hit.place.kind not in (PlaceKind.DISTRICT, PlaceKind.TOWN):
            left = max(left, hit.end)
        if hit.start < match.start() < hit.end and hit.place.kind is PlaceKind.TOWN and end > hit.end:
            return hit.start, end
        if hit.start < match.start() < hit.end or (hit.start <= match.start() and hit.end >= end):
            return None
    cut = _CUT.match(text[left : match.start()])
    start = left + (cut.end() if cut is not None else 0)
    if start >= clause + 2 and text[start - 1] == "有" and text[start - 2] == text[start]:
        start -= 2
    for hit in said.reading.places:
        if start < hit.end <= match.start() and hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN):
            start = hit.start if hit.start >= start and match.start() - hit.end <= 4 else start
    while (
        start > clause
        and end - start < 10
        and text[start - 1 : end] in agents
        and not _HARD.match(text[start - 1])
        and not any(hit.start < start <= hit.end for hit in said.reading.places)
    ):
        start -= 1
    kind = match.group()
    body = text[start : match.start()]
    beside = next((hit for hit in said.reading.places if hit.end == match.start()), None)
    if body == "" and beside is not None and (OFFICE.fullmatch(kind) or SITE.fullmatch(kind) or kind in OF_PLACES):
        return beside.start, end
    if re.fullmatch("[市省县区镇]", body) and (SITE.fullmatch(kind) or OFFICE.fullmatch(kind)):
        return start, end
    least = 2
    if GENERIC.fullmatch(text[start:end]):
        return start, end
    if re.fullmatch(r"(?:镇|乡|区|县|市)政府|街道办(?:事处)?", kind) and len(body) < least:
        return None
    if body == "" and BARE.fullmatch(kind):
        return start, end
    if len(body) < least or _NO_BODY.search(body) or not re.fullmatch(f"{HAN}+", body) or len(body) > 8:
        return None
    return start, end


def _called(said: Said, match: re.Match[str], agents: str) -> tuple[int, int, float] | None:
    """What somebody or something is called, where 叫 does not mean to let or to bid."""
    text, surnames = said.text, said.reading.lexicon.surnames
    name = _said_back(_trim(match.group("name")), agents)
    start = match.start("name")
    end = start + len(name)
    before = text[max(0, match.start() - 6) : match.start()]
    if (
        (match.group().startswith("叫") and _SOMEBODY.search(before) is not None)
        or len(name) < 2
        or len(name) > 10
        or _NOT_NAMES.match(name)
        or _FORGOTTEN.search(name)
        or (re.match("[零一二三四五六七八九0-9]", name) is not None and FIRM.search(name) is None)
        or re.search(r"[0-9零一二三四五六七八九]{2}|[个块]$|[零一二三四五六七八九十0-9][点号月年分层]", name)
    ):
        return None
    plain = match.group().startswith("叫")
    done_to = re.search(r"[得了过]|[轧压撞碰刮弄砸淹挖堵占拆偷骗打咬给]", name)
    rest = text[end : end + 8]
    if plain and (done_to or re.match(r"[^，。]{0,6}(?:给|把|了)|的?[来去上停](?!$|[，。])", rest)):
        return None
    if match.group().endswith(f"叫{match.group('name')}") and rest.startswith("了") and _NOW.search(before) is None:
        return None
    head = _HEAD.search(before) is not None
    like = FIRM.search(name) is not None or SITE.search(name) is not None
    worn = re.search(r"工牌|胸牌", match.group()) is not None
    if (plain or worn) and not like and not head and (name[:1] in surnames or name[:2] in surnames) and len(name) <= 4:
        return None
    ended = rest[:1] == "" or rest[:1] in "，。！？、的了"
    asked = ASKS_WHOM.search(said.asked) is not None
    opens = _OPENS.search(text[: match.start()]) is not None
    if not plain:
        return start, end, 1.0 + 0.2 * like
    if not ended or not (
        head or like or name in agents or _INDEFINITE.search(before) or (asked and opens) or (opens and len(name) <= 5)
    ):
        return None
    return start, end, 0.75 + 0.2 * head + 0.2 * like + 0.15 * (asked and opens)


def _trim(name: str) -> str:
    """A name ends before the sentence goes on."""
    ended = re.match(
        r"(.+?)(?:的|了|还是|在|我|他|她|天天|每天|就|也|都|是|那|这|没|有|啥|吧|呢|喝酒|电话|门口"
        r"|楼下|半夜|晚上|说|收|欠|让)",
        name,
    )
    return ended.group(1) if ended is not None and len(ended.group(1)) >= 2 else name


_RUN_ON = 6


def _said_back(name: str, agents: str) -> str:
    """白家酱肉对白家酱肉: of a run without a pause as much as the operator says back."""
    if len(name) <= _RUN_ON or name in agents:
        return name
    return next((name[:end] for end in range(len(name) - 1, 2, -1) if name[:end] in agents), name)


_OLD = re.compile(r"回访|查到了|您(?:之前|上次|上个?月|前[几两]天|以前)?(?:反映|投诉|举报)的?|之前反映")
"""The operator tells of an earlier call."""
