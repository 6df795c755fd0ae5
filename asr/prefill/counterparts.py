"""Persons a talk is about: who did it, who is in charge, who is praised; for whom help is asked; the neighbour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.numerals import digit_groups
from asr.prefill.explained_names import as_explained, told_by_surname
from asr.prefill.named import Kind, Named
from asr.prefill.parts import spelt_out
from asr.prefill.reading import Said, Talk

_ROLES = (
    "包工头|工头|带班|户主|院主|房主|屋主|业主|楼主|摊主|店主|车主|船主|地主|老板娘|老板|经理"
    "|总经理|店长|法人|经营人|负责人|承包人|司机|驾驶员|乘务员|售票员|校长|园长|班主任|老师|教练"
    "|主任|书记|支书|村长"
    "|队长|会计|出纳|电工|网格员|所长|站长|科长|局长|处长|院长|镇长|乡长|区长|大夫|医生|医师"
    "|护士长?|药师|民警|警官|交警|辅警|协警|警察|邻居|房东|租客|二房东|中介|导游|销售|客服|保安"
    "|门卫|保洁|环卫工|快递员|外卖员|骑手|师傅|技师|志愿者|社工|义工|窗口|工作人员"
    "|办事员|小伙子?|姑娘|小姑娘|大姐|领头的|带头的|挨边的|领队|收钱的|收款人|讲课的|干活的|骗子"
    "|对方|第一书记|驻村|消防员|救生员|乘客|服务员|收费员|管理员|水管员|楼长|组长|班长|带班的"
    "|接待|财务|那个人|那人|男的|女的|一家|那家|隔壁|楼上|楼下|对门|卖家|商户|摊贩"
)
_ROLE = re.compile(_ROLES)
_SHOWN_ROLES = frozenset(
    [
        "包工头",
        "工头",
        "带班",
        "院主",
        "老板",
        "经理",
        "店长",
        "法人",
        "经营人",
        "负责人",
        "司机",
        "校长",
        "园长",
        "班主任",
        "老师",
        "教练",
        "主任",
        "书记",
        "支书",
        "村长",
        "会计",
        "网格员",
        "科长",
        "大夫",
        "医生",
        "护士",
        "民警",
        "交警",
        "房东",
        "中介",
        "导游",
        "销售",
        "摊主",
    ]
)
_KIN = re.compile(
    r"(?:父亲|母亲|爸|妈|爹|娘|老人家?|孩子|儿子|女儿|闺女|老伴|爱人|老公|老婆|媳妇|岳父|岳母|公公"
    r"|婆婆|奶奶|爷爷|姥姥|姥爷|外公|外婆|叔|婶|姑|舅|姨|伯|哥|姐|弟|妹|病人|患者|侄子?|外甥|孙子"
    r"|孙女|居民|老汉|老太太|大爷|大娘|残疾人|妹妹|叔叔|大伯)$"
)
_ASKS_KIN = re.compile(
    r"(?:老人|父亲|母亲|爱人|叔叔|大伯|居民|孩子|老太太|爷爷|奶奶|婆婆|公公|岳母|岳父|妹妹|弟弟"
    r"|哥哥|姐姐|本人|病人|患者|他|她|家属|您[爸妈叔婶伯姑姨舅])[^，。]{0,5}(?:叫|姓名|名字|全名"
    r"|怎么称呼|姓)|(?:老人|全名|名字)怎么写"
)
_ASKS_WHO = re.compile(r"(?:叫什么|是谁|姓什么|叫啥|谁|哪位|什么名字|名字|姓名|户名|经营人|负责人)")
_ASKS_CALLER = re.compile(
    r"您(?:本人)?(?:贵姓|怎么称呼|姓什么|叫什么|姓啥|尊姓)|请问(?:您)?(?:贵姓|怎么称呼|尊姓)"
    r"|您(?:老)?贵姓|怎么称呼(?:您|$|，|。|？)|留个|贵姓|称呼|联系电话|怎么联系|电话"
)
_ADDRESSED = "大[姐哥]|同志|阿姨|师傅|医生|大夫|老师|护士|警官|主任|书记|经理|所长|教练"
_BADLY = re.compile(
    r"[^。！？]{0,6}(?:态度|骂|吼|凶|推|不[管给让理办]|开错|看错|红包|打[了人我孩]|嫌|拖|瞪|甩|多[要收]|扣|敷衍|应付)"
    r"|，[^。！？]{0,8}(?:态度|骂|吼|红包|不[管给让理办])"
)
_SPELLS = re.compile(r"^(?:的|那个|这个|旁|字|头)")
_NICK = re.compile(
    r"(?:都|大家|人家|人们|我们)?(?:管(?:他|她)(?:叫|作)|(?:叫|喊|称呼?)(?:他|她)(?:叫|作|做|是)?)(?P<name>[\u4e00-\u9fff]{2,4})(?=[，。！？]|$)"
)
_NO_NICK = re.compile(r"[来去打回把给过修弄办我你他她这那不了着咋怎吗没别快先就光赶滚说让]")
_HANDLE = (
    r"[小老大阿][\u4e00-\u9fff](?![\u4e00-\u9fff]?[岁点])|{s}(?:某|总|工|姐|哥|科长|主任|经理|会计"
    r"|大夫|医生|老师|书记|所长|站长|校长|教练|师傅|队长|村长|警官|局长|院长|护士)"
)
_BADGE = re.compile(
    r"(?:(?:胸牌|工号|工牌|警号|编号)[^，。]{0,8}?(?=[A-Za-z])|(?:胸牌|工号|工牌|警号)(?:上|写|印|的|号|是)*(?=[^A-Za-z]))"
    r"(?P<badge>(?P<letters>[A-Za-z]{0,3})[\s-]*(?P<digits>[零〇一二两三四五六七八九幺0-9]{2,6}))(?![零〇一二两三四五六七八九幺0-9])"
)
_BEARS = re.compile(r"(?:胸牌|工牌|牌牌|牌子|胸卡|名牌|反光背心|锦旗)")
_SELF = re.compile(r"[我俺](?:叫|姓|是|就是|也姓|大名)?$|免贵$|复姓$")


@lru_cache(maxsize=4)
def _patterns(lexicon: Lexicon) -> tuple[re.Pattern[str], ...]:
    """A full name, what people are called by those around them, and a role with the name behind it."""
    surname = "(?:" + "|".join(map(re.escape, sorted(lexicon.surnames, key=len, reverse=True))) + ")"
    full = rf"{surname}[\u4e00-\u9fff]{{1,2}}"
    handle = _HANDLE.replace("{s}", surname)
    edge = r"(?=[，,。、！？（…]|的(?!那|这)|$)"
    role = re.compile(
        rf"(?P<role>{_ROLES})(?:的|是|那边)?[，]?(?:[^，。]{{0,4}}?)(?:叫|姓|名叫|名字叫|是叫"
        rf"|大名叫)(?:个|什么|做|作)?(?P<name>{handle}|{full}|[\u4e00-\u9fff]{{1,2}}){edge}"
    )
    addressed = re.compile(rf"{surname}[\u4e00-\u9fff]{{2}}(?={_ADDRESSED})")
    return re.compile(full + edge), re.compile(rf"(?:{handle})"), role, addressed


def counterparts(talk: Talk, caller: str) -> Iterator[Named]:
    for heard in _persons(talk):
        named = replace(heard, name=as_explained(heard))
        if not is_caller(named.name, caller) and not _contact(named) and not named.name.startswith("谢谢"):
            yield named


def is_caller(name: str, caller: str) -> bool:
    """A brother of one who is known by the surname only bears the same."""
    return bool(caller) and (name in caller or (len(caller) > 1 and caller in name))


def _contact(named: Named) -> bool:
    """Who is only to be called back, or stands in for the caller."""
    said = named.said
    if named.kind is Kind.KIN and _ASKS_CALLER.search(said.asked) and not _ASKS_KIN.search(said.asked):
        return True
    before = re.split(r"[。！？]", said.text[max(0, named.start - 22) : named.start])[-1]
    return (
        named.kind is not Kind.HOME
        and re.search(r"(?:打|留|联系|接|记)(?:的|给)?我?[^，。]{1,5}(?:的|他|她|，)[^。]{0,8}$", before) is not None
        and _ASKS_CALLER.search(said.asked) is not None
    )


def _persons(talk: Talk) -> Iterator[Named]:
    full, handle, role, addressed = _patterns(talk.lexicon)
    agents = "，".join(said.text for said in talk.agent)
    for said in talk.caller:
        yield from _badges(said)
        if not _ASKS_CALLER.search(said.asked):
            yield from told_by_surname(said)
        yield from _by_role(said, role, agents)
        yield from _surnamed(said, handle, addressed, talk)
        yield from _doing(talk, said, full)
        yield from _nicknames(said, agents)
        yield from _answered(talk, said, full, handle)
        yield from _on_badges(talk, said, full)
    yield from _named_by_operator(talk, full)


def _badges(said: Said) -> Iterator[Named]:
    for match in _BADGE.finditer(said.text):
        number = "".join(group.digits for group in digit_groups(match.group("digits")))
        shown = match.group("letters") + (number or match.group("digits"))
        yield Named(shown, said, *match.span("badge"), 1.6, Kind.PERSON)


def _by_role(said: Said, role: re.Pattern[str], agents: str) -> Iterator[Named]:
    """包工头叫翟二宝, 户主姓韩."""
    for match in role.finditer(said.text):
        name, start = match.group("name"), match.start("name")
        before = said.text[: match.start()]
        if _SPELLS.match(said.text[match.end("name") :]) or re.search(r"[那这什么人没不了着过给把]", name):
            continue
        shown = match.group("role").removesuffix("的")
        if len(name) == 1:
            name = (
                f"{shown}{name}某"
                if shown == "会计"
                else f"{name}姓{shown if shown in _SHOWN_ROLES or shown.endswith('主') else '人员'}"
            )
        own = re.search(r"(?:我们?|咱们?|俺们?)(?:的|这儿的|公司的|店的)?$", before[-5:]) is not None or re.search(
            r"写我|我是", said.text
        )
        weight = 1.1 - 0.6 * bool(own) + 0.2 * (match.group("name") in agents)
        yield Named(name, said, start, start + len(match.group("name")), weight, Kind.PERSON, _role(shown))


def _triplewise(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], ...]]:
    return zip(spans, spans[1:], spans[2:], strict=False)


def _doing(talk: Talk, said: Said, full: re.Pattern[str]) -> Iterator[Named]:
    """养猪的叫裴老三; 跟着一个包工头干活，裴老三，他……"""
    for match in re.finditer(
        rf"(?<![我您])[\u4e00-\u9fff]{{2,4}}的(?:那个|那人)?(?:叫|名叫)(?P<name>{full.pattern})", said.text
    ):
        if _like_a_name(talk, match.group("name"), said) or match.group("name")[1:2] == "老":
            yield Named(match.group("name"), said, *match.span("name"), 1.1, Kind.PERSON)
    if _ASKS_CALLER.search(said.asked):
        return
    for before, own, after in _triplewise([(0, 0), *said.reading.clauses, (len(said.text),) * 2]):
        name, roles = said.text[slice(*own)], _ROLE.findall(said.text[slice(*before)])
        if full.fullmatch(name) is None or not _like_a_name(talk, name, said) or _taken(said, own[0]):
            continue
        if roles and re.match(r"(?:他|她|这个?人|那个?人|就是|干|欠|把|$)", said.text[slice(*after)]):
            yield Named(name, said, *own, 1.1, Kind.PERSON, _role(roles[-1]))


def _role(word: str) -> str:
    return word if word in _SHOWN_ROLES else ""


def _surnamed(said: Said, handle: re.Pattern[str], addressed: re.Pattern[str], talk: Talk) -> Iterator[Named]:
    """一个姓芮的民警, 逄大夫, 小胡: known by a surname and what they do."""
    surnames = talk.lexicon.surnames
    for match in re.finditer(
        rf"(?:一?个|那个|位)?姓(?P<name>[\u4e00-\u9fff]{{1,2}})的[^，。]{{0,3}}?(?P<role>{_ROLES})", said.text
    ):
        name = match.group("name")
        if name in surnames:
            shown = match.group("role")
            yield Named(f"{name}姓{shown}", said, match.start("name"), match.end(), 1.0, Kind.PERSON)
    for match in addressed.finditer(said.text):
        name = match.group()
        if _like_a_name(talk, name, said) and not _taken(said, match.start()):
            yield Named(name, said, *match.span(), 1.05, Kind.PERSON)
    for match in handle.finditer(said.text):
        name, after = match.group(), said.text[match.end() : match.end() + 4]
        blamed = _BADLY.match(said.text, match.end()) is not None
        if name[0] in "小老大阿" or name[-1] in "某总工姐哥" or (name.endswith(("师傅", "老师")) and not blamed):
            continue
        if re.match(r"[的，。不说给让这那在]|$", after) and not _SELF.search(said.text[: match.start()]):
            asked = _ASKS_WHO.search(said.asked) is not None
            claims = re.search(r"自称|冒充|说是", said.text[max(0, match.start() - 14) : match.start()]) is not None
            yield Named(
                name,
                said,
                *match.span(),
                0.85 + 0.25 * (asked or blamed) + 0.35 * claims,
                Kind.PERSON,
                "自称" if claims else "",
            )


def _nicknames(said: Said, agents: str) -> Iterator[Named]:
    """都叫他二黑, 就那个小胡."""
    for match in _NICK.finditer(said.text):
        name = match.group("name")
        told = re.match("都|大家|人家|人们|管|称", match.group()) is not None
        if _NO_NICK.search(name) or not (told or re.match(r"[小老大阿二三四五六][一-鿿]", name)):
            continue
        before = re.split(r"[，。]", said.text[: match.start()])[-1]
        roles = _ROLE.findall(before)
        yield Named(name, said, *match.span("name"), 1.25, Kind.PERSON, _role(roles[-1]) if roles else "")
    for match in re.finditer(rf"(?:{_ROLES})(?:叫)?(?P<name>[小老][\u4e00-\u9fff])(?=[，。的]|$)", said.text):
        beside = re.match("隔壁|楼上|楼下|对门|邻居", match.group())
        if match.group("name")[1] in said.reading.lexicon.surnames and beside is None:
            yield Named(match.group("name"), said, *match.span("name"), 1.0, Kind.PERSON)
    for match in re.finditer(r"(?:就|就是)?那个(?P<name>[小老][\u4e00-\u9fff])(?=[，。]|一看|说|不)", said.text):
        if match.group("name")[1] not in "区学孩伙事人年板师店路门大太头子朋时车院妹弟哥姐伴婆公妈爸乡家房楼旧早是的":
            known = re.search(r"网格员|物业|社区|经理|民警|窗口|工作人员|主任", agents)
            yield Named(
                match.group("name"), said, *match.span("name"), 1.1, Kind.PERSON, known.group() if known else ""
            )


def _answered(talk: Talk, said: Said, full: re.Pattern[str], handle: re.Pattern[str]) -> Iterator[Named]:
    """What follows 邻居叫什么 or 老人叫什么名字; else somebody's name after 叫."""
    text = said.text
    asked_kin = _ASKS_KIN.search(said.asked) is not None
    asked_caller = re.search(r"贵姓|怎么称呼|称呼", said.asked) is not None and not asked_kin
    asked_who = _ASKS_WHO.search(said.asked) is not None and not asked_caller
    own = r"您(?:本人)?(?:叫什么|姓什么)"
    if re.search(own, said.asked):
        asked_who = False
    for match in re.finditer(
        r"(?P<lead>[^，。！？]{0,8})叫(?:做|作|个|什么)?(?P<name>[\u4e00-\u9fff]{2,4})(?=[，。、！？的]|$)", text
    ):
        name, lead = match.group("name"), match.group("lead")
        if (
            full.fullmatch(name) is None
            or name.startswith("那个")
            or _SELF.search(lead)
            or (_SPELLS.match(text[match.end() :]) and not text[match.end() :].startswith("的，"))
        ):
            continue
        kin = _KIN.search(re.sub(r"(?:他|她|就|名字|老人)$", "", lead)) is not None or (
            asked_kin and not _ROLE.search(lead)
        )
        opens = lead == "" or lead in ("他", "她", "是", "记了")
        if not (kin or opens or _ROLE.search(lead) or asked_who or asked_kin):
            continue
        kind = Kind.KIN if kin or (opens and asked_kin) else Kind.PERSON
        weight = 1.2 if asked_kin or asked_who else 0.85
        if asked_caller and kind is Kind.KIN:
            weight = 0.6
        elif any(name in other.text for other in talk.after(said) if other.by_agent):
            weight += 0.2
        yield Named(name, said, *match.span("name"), weight, kind)
    if not (asked_kin or asked_who):
        return
    kind = Kind.KIN if asked_kin else Kind.PERSON
    if kind is Kind.PERSON:
        yield from _half_answered(said)
    for start, end in said.reading.clauses[:4]:
        words = text[start:end]
        lead = re.match(r"(?:他|她|老人|是|叫|名字|就|大名)*", words)
        first = start + (lead.end() if lead is not None else 0)
        name = text[first:end]
        if full.fullmatch(name) is not None and _like_a_name(talk, name, said) and not _taken(said, first):
            yield Named(name, said, first, end, 1.35, kind)
            return
        after = next((other for other in talk.after(said) if other.by_agent), None)
        if after is not None and re.fullmatch("[\u4e00-\u9fff]{2}", name):
            back = re.search(rf"[\u4e00-\u9fff]{{1,2}}{name}(?=[，。]|$)", after.text)
            if back is not None and full.fullmatch(back.group()) is not None:
                yield Named(back.group(), said, first, end, 1.25, kind)
                return


def _half_answered(said: Said) -> Iterator[Named]:
    """他叫什么？姓陈，大高个。"""
    match = re.search(
        (
            r"(?:^|[，。])(?:我?(?:就|只|光)?(?:知道|晓得|记得))?(?:好像)?(?:他"
            r"|她)?(?:是)?姓(?P<name>[一-鿿]{1,2}?)(?=[，。的]|$)"
        ),
        said.text[:40],
    )
    if (
        match is None
        or match.group("name") not in said.reading.lexicon.surnames
        or _SELF.search(said.text[: match.start("name") - 1])
    ):
        return
    roles = _ROLE.findall(said.asked + said.text)
    role = next((role for role in reversed(roles) if role not in ("对方", "一家", "那家", "男的", "女的")), "人员")
    yield Named(f"{match.group('name')}姓{role}", said, *match.span("name"), 1.05, Kind.PERSON)


def _like_a_name(talk: Talk, name: str, said: Said) -> bool:
    """Said back by the operator, or of a common surname and no word of its own."""
    if any(name in other.text for other in talk.after(said) if other.by_agent):
        return True
    if spelt_out(said.text[said.text.find(name) + len(name) :], name) and len(name) >= 3:
        return True
    ranks = talk.lexicon.surnames
    rank = ranks.get(name[:2], ranks.get(name[:1], len(ranks)))
    return len(name) >= 3 and (rank < _COMMON or name[:2] in ranks) and not _NO_NAME.search(name)


_COMMON = 200
_NO_NAME = re.compile(r"[啊吧呢吗嘛哦的了是不这那个头本外去到说给把被让没都也就还什么人家钱块]")


def _taken(said: Said, position: int) -> bool:
    return any(a <= position < b for a, b in said.reading.protected)


def _on_badges(talk: Talk, said: Said, full: re.Pattern[str]) -> Iterator[Named]:
    """那个牌牌，宗鹏: read off somebody's chest; or a praised one's name anywhere."""
    for match in full.finditer(said.text):
        before = said.text[max(0, match.start() - 30) : match.start()]
        opens = before == "" or before[-1] in "，。、"
        spelt = said.text[match.end() : match.end() + 1] == "的"
        if opens and not spelt and _BEARS.search(before) and _like_a_name(talk, match.group(), said):
            yield Named(match.group(), said, *match.span(), 1.3, Kind.PERSON)


_TITLED = (
    r"(?:窗口|工作人员|司机|医生|大夫|老师|民警|交警|辅警|护士|师傅|同志|表扬|书记|老人|邻居|教练"
    r"|店长|经理|对方|户主|村民|走失)"
)


def _named_by_operator(talk: Talk, full: re.Pattern[str]) -> Iterator[Named]:
    """A name the operator says back behind what somebody is, or by itself."""
    for agent in talk.agent:
        for match in full.finditer(agent.text):
            name = match.group()
            before = agent.text[: match.start()]
            titled = re.search(_TITLED + "$", before)
            alone = before == "" and agent.index > 2 and agent.text[match.end() : match.end() + 1] != "的"
            if titled is None and not alone:
                continue
            heard = next((said for said in talk.caller if name in said.text and said.index < agent.index), None)
            if heard is None or _taken(agent, match.start()):
                continue
            start = heard.text.find(name)
            if _ASKS_CALLER.search(heard.asked) and titled is None:
                continue
            kind = Kind.KIN if titled is not None and titled.group() in ("老人", "走失") else Kind.PERSON
            yield Named(name, heard, start, start + len(name), 1.2 if titled is not None else 1.0, kind)
