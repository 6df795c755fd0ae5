"""Where on a road, or near a place: from where to where, beside whom, which shop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from asr.lexicon import PlaceKind
from asr.prefill.heard_places import Mention
from asr.prefill.mentions import Where
from asr.prefill.questions import ASKS_PLACE
from asr.prefill.reading import Said, Talk
from asr.prefill.spots import CHAR, STOPS, spot_pattern
from asr.prefill.suggestions import Evidence

_AREA = re.compile(
    r"在(?P<area>[\u4e00-\u9fff]{2,8}?)(?:那片|那块|那儿|那边|这片|这块|一带|跟前)"
    r"|(?:我们|我|俺们|俺|咱们|咱|就)+(?P<hamlet>[\u4e00-\u9fff]{2,3}?)(?:[那这][片块边]|[那这]一[片块]|[那这]?[几十多来一二两三四五六七八九0-9]+户)"
)
_SIDE_OF_VILLAGE = re.compile(r"(?:^|[，。])(?:在|就是|就|我们|俺们)*村(?P<side>[东西南北]头)")
_THERE = re.compile(r"(?:在|到|从)(?:他们|你们|人家|咱们|那个|这个|那边|那儿|里头|里面|里|的|景区|院)+")


def near_by(talk: Talk, main: Where) -> Iterator[tuple[Said, int, int, str]]:
    """后山村 … 地在后山西沟那片; 到棋源山庄玩 … 在他们那个玻璃栈道的台阶上: said of the place later on."""
    for said in talk.caller:
        side = _SIDE_OF_VILLAGE.search(said.text) if main.place is not None and main.name.endswith("村") else None
        if side is not None:
            yield said, *side.span("side"), side.group("side")
            return
        for area in _AREA.finditer(said.text):
            key = "area" if area.group("area") else "hamlet"
            words = area.group(key).removeprefix(main.name[:-1])
            told = ASKS_PLACE.search(said.asked) if key == "area" else _echoed(talk, said, words)
            if told and 2 <= len(words) <= 6 and main.name not in words and not set(words[1:]) & STOPS:
                yield said, *area.span(key), words
                return
        there = _THERE.search(said.text, said.text.find(main.name)) if main.name in said.text else None
        spot = spot_pattern(talk.lexicon).match(said.text, there.end()) if there is not None else None
        if spot is None or len(spot.group()) < 3:
            continue
        yield said, *spot.span(), spot.group()
        step = _STEP.match(said.text, spot.end())
        then = spot_pattern(talk.lexicon).match(said.text, step.end()) if step is not None else None
        if then is not None:
            yield said, *then.span(), then.group()
        return


def _echoed(talk: Talk, said: Said, words: str) -> bool:
    reply = next(iter(talk.after(said)), None)
    return reply is not None and reply.by_agent and words in reply.text


_STRETCH = re.compile(
    r"(?:从)?(?P<one>[\u4e00-\u9fff]{2,8}?)(?:那儿|那里|那个口|往[东西南北])?[，,]?(?:一直|直)?到(?:那个|了)?"
    r"(?P<other>[\u4e00-\u9fff]{2,10}?)(?:那儿|那里|那块|那一?段|这一?段|之间|中间)?(?=[，,。！]|$)"
)


_NEAR_BY = re.compile(r"(?:对面|旁|附近|隔壁|门口|后面|前面|后|往.*|第.*|站|[楼上下])$")
_PROVIDES = re.compile(r"(?:局|队|办|政府|部门|物业|公司|平台|街道|社区|车|路)$")
_PERSON = re.compile(r"姓|^老.$|(?:人|头|主)）|(?:总|哥|姐|叔|嫂|经理|老板|师傅|大夫|老师)$")
"""Whom it is about, but hardly what stands there."""
_ASKS_SHOP = re.compile(r"叫什么|叫啥|哪家|店名|名字|名称|什么店|字号|招牌")
_KIND = re.compile(r"(?:有|是)?(?:一|个|几)?[个家间座处所](?:[小大黑新老]|私人)?$")
_PREMISES = r"[店馆厂场吧铺院校园楼城房行社坊屋站厅]|超市|[小中]学|医院|诊所|公寓|驾校|学校|酒店|洗浴|机构|中心"
_SOLD = re.compile(_PREMISES)


def firm_of(subject: str) -> str:
    """Whom it is about, if that may be what stands there."""
    return "" if _PERSON.search(subject) else re.split("[（；、]", subject)[0]


def kinds_of(talk: Talk, main: Where, mine: Sequence[Mention], who: str) -> frozenset[str]:
    """有个小旅馆，叫鸿福来; 那个健身房 … 健身房叫什么？ What stands for whom it is about is no landmark beside it."""
    if not who or main.place is None or main.place.kind is not PlaceKind.ROAD:
        return frozenset()
    found = set()
    for mention in mine:
        for spot in mention.spots:
            text = mention.said.text
            asks = re.compile(rf"{re.escape(spot.shown)}[^。！？，]{{0,4}}(?:{_ASKS_SHOP.pattern})")
            asked = any(asks.search(said.text) for said in talk.agent if said.index > mention.said.index)
            called = re.match(rf"[，,]?(?:名字|店名|就)?[叫是]{re.escape(who)}", text[spot.end :])
            if _SOLD.search(spot.shown) and (asked or called or _KIND.search(text, 0, spot.start)):
                found.add(spot.shown)
    return frozenset(found)


def firm_there(
    talk: Talk, main: Where, who: str, doors: Iterable[str], spots: Sequence[str], kinds: frozenset[str]
) -> tuple[Evidence, str] | None:
    """建设南路上的那个老地方; 科创街十二号三楼，叫飞越健身: whom it is about tells where on the road."""
    if main.place is None or not who or who in main.name:
        return None
    if main.place.name.endswith("村") and main.name == main.place.name and not set(doors):
        return _in_village(talk, main, who) if all(_EDGE.fullmatch(spot) for spot in spots) else None
    if main.place.kind is not PlaceKind.ROAD:
        return None
    inside = set(doors)
    if not inside <= {"building", "floor"} or any(_NEAR_BY.search(spot) for spot in spots):
        return None
    if main.name != main.place.name and (spots or inside != {"floor"}):
        return None
    road, name = re.escape(main.place.name), re.escape(who)
    behind = re.compile(rf"(?:{road}(?:上|那边|那儿)?(?:的|那个|那家|，|,)*|(?=.{{2,24}}{road}))(?P<who>{name})")
    called = re.compile(
        rf"(?:{_PREMISES})[^，。！？]{{0,3}}[，,]?(?:名字|店名|牌子|招牌)?(?:就|就是|上写的?)?[叫是](?P<who>{name})"
    )
    for said in talk.caller:
        asked = _ASKS_SHOP.search(said.asked) is not None
        kind = _SOLD.search(who[-2:]) is not None and not _PROVIDES.search(who)
        match = behind.search(said.text) or called.search(said.text)
        if match is None and (asked or kind):
            match = re.search(rf"(?P<who>{name})", said.text)
        if match is not None:
            return said.evidence(*match.span("who")), who + _kind_of(who, kinds)
    return None


_EDGE = re.compile(r"村?[东西南北]?(?:口|头|边)|村[东西南北]")


def _in_village(talk: Talk, main: Where, who: str) -> tuple[Evidence, str] | None:
    """松涛养老院，在后山村村口."""
    if not _SOLD.search(who[-2:]):
        return None
    village, name = re.escape(main.name), re.escape(who)
    there = re.compile(
        rf"(?P<who>{name})[，,]?(?:就|是|它)*在[^，。！？]{{0,6}}{village}|{village}.{{0,6}}[的个家，](?P<there>{name})"
    )
    for said in talk.caller:
        match = there.search(said.text)
        if match is not None:
            return said.evidence(*match.span("who" if match.group("who") else "there")), who
    return None


def _kind_of(who: str, kinds: frozenset[str]) -> str:
    """A name of two or three characters that does not say what it is is told with it: 鸿福来旅馆."""
    kind = min(kinds, default="").lstrip("小大黑")
    return "" if len(who) > 3 or _SOLD.search(who[-1:]) or not kind or kind[:2] in who else kind


def shop_at(mentions: Sequence[Mention], named: Sequence[Mention], main: Where) -> Mention | None:
    """车洁士洗车行，泽东大道，县医院斜对面: its name where that was asked for, on a road too long without."""
    if main.place is None or main.place.kind is not PlaceKind.ROAD:
        return None
    answers = [m.said for m in named if m.said.by_caller and _ASKS_SHOP.search(m.said.asked)]
    shops = (m for m in mentions if m.said in answers and m.where is not None and m.where.place is None)
    return next((m for m in shops if not m.negated and not m.elsewhere and m.span.start < 4), None)


def named_there(talk: Talk, main: Where) -> tuple[str, Evidence] | None:
    """哪家饭店？ 科创街，福满楼: a name that tells nothing but itself, behind the road."""
    if main.place is None or main.place.kind is not PlaceKind.ROAD or main.name != main.place.name:
        return None
    behind = re.compile(rf"{re.escape(main.name)}上?(?:的|那个|那家|，)+(?P<name>(?:{CHAR}){{2,6}})(?=[，。]|$)")
    answers = (said for said in talk.caller if _ASKS_SHOP.search(said.asked))
    found = next(((said, match) for said in answers if (match := behind.search(said.text))), None)
    return None if found is None else (found[1].group("name"), found[0].evidence(*found[1].span("name")))


def part_of_road(mentions: Sequence[Mention], main: Where) -> tuple[str, list[Evidence]] | None:
    """面粉厂路 … 从劳动路口到新市街口: two other roads bound the part of the one named before."""
    roads = [m for m in mentions if m.where is not None and m.where.place is not None and m.stands and not m.negated]
    roads = [m for m in roads if m.where is not None and m.where.place and m.where.place.kind is PlaceKind.ROAD]
    for bound in reversed(roads):
        far = next((spot for spot in bound.spots if spot.shown.startswith("至")), None)
        if far is None or bound.where is None or not bound.spots[0].shown.startswith(("口", "路口", "至")):
            continue
        along = next(
            (
                m
                for m in roads
                if m.said.by_caller
                and m.where
                and m.where.place != bound.where.place
                and m.where.name not in bound.where.name + far.shown
            ),
            None,
        )
        if along is not None and along.where is not None and main.name in (along.where.name, bound.where.name):
            words = "".join(spot.shown for spot in bound.spots)
            return along.where.name + bound.where.name + words, [bound.head, bound.evidence(far)]
    return None


_HOURS = re.compile(r"[点时天月年号周]|早|晚|上午|下午|夜|现在|今|昨|明|小时")


def stretch(talk: Talk, main: Where) -> tuple[Evidence, str] | None:
    """建设南路 … 从加油站到粮食局门口: which part of a road, told where it was asked for or behind 从."""
    assert main.place is not None
    if main.place.kind is not PlaceKind.ROAD:
        return None
    for said in talk.caller:
        for match in _STRETCH.finditer(said.text):
            one, other = match.group("one").removeprefix(main.name), match.group("other")
            told = ASKS_PLACE.search(said.asked) is not None or match.group().startswith("从")
            if told and len(one) >= 2 and not _HOURS.search(one + other) and not set(one + other) & _NO_ENDS:
                return said.evidence(*match.span()), f"{one}至{other}"
    return None


_NO_ENDS = frozenset({"我", "他", "她", "你", "们", "是", "没", "不", "了", "就", "说", "得", "绕"})
_STEP = re.compile(r"(?:下来|上来|上面|下面|旁边|那边|的|那个)*")
