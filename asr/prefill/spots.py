"""How an address goes on behind a name: what stands there, on which side, how far, from where to where."""

from __future__ import annotations

import re
from functools import lru_cache

from asr.lexicon import Lexicon, PlaceKind
from asr.numerals import with_digits
from asr.prefill.reading import Reading

STOPS = frozenset(
    "在是到去从住叫我你您他她它们那这的有个就于了说问和跟把给被向往来对过着吗呢吧啊呀嘛哎喂嗯呃哦"
    "至也都还又很太没不要想能会可让请帮看见听讲打写用几两俩哪每全整本外里上下前后边旁近走修进出离靠"
    "当咱俺喊找管归转扰影响反映投诉举报买因为，,。、！？…；：「」“”‘’ "
)
"""No name of a place goes on to the left over one of these."""
_N = r"[零〇一二两三四五六七八九十百几0-9]+"
CHAR = rf"(?![{re.escape(''.join(sorted(STOPS)))}])[\u4e00-\u9fff]"
_BY = (
    r"斜对面|正对面|对面|对过|对门|旁边|(?<![^十丁]字)旁|跟前|附近|隔壁|边上|后墙|后院|后头|后面|后边|背后|前头|前面|前边|门口|门前"
    r"|楼下|楼上|楼顶|拐角|路口|以[东西南北]|[东西南北](?:边|侧|面|头|门)(?:门?口)?|之间|中间"
)
_LANDMARK = re.compile(rf"(?!由[东西南北])(?P<what>(?:{CHAR}){{2,7}}?)的?(?P<by>{_BY}|(?=[往向朝][东西南北]))")
_WAY = re.compile(
    rf"(?:再|一直)?[往向朝](?P<to>[东西南北里上下])(?:边|面)?(?P<walk>走|去|数|拐|开|一点儿?)*[，,]?"
    rf"(?:大概|大约|约|也就|有|走|过去|不到|的)*(?P<far>{_N}(?:来|多|几)?米|{_N}(?:公里|里地)|第{_N}[家户排个间])?"
)
_NTH = re.compile(
    rf"(?:(?:从头|从[东西南北]|[东西南北]头|挨着)数)*(?P<nth>(?:进?(?:左手|右手|左边|右边))?第{_N}[家户排个间]|[东西]数第{_N}[家户])"
)
_TO_THE_END = re.compile(
    r"(?:往(?P<to>[东西南北])(?:边|面)?(?:一直)?(?:走|开|骑)?到(?:头|顶头|最里头)|最(?P<most>[东西南北])[头边])"
)
_GROUP = re.compile(r"(?P<group>[零一二三四五六七八九十0-9]{1,3}(?:村民小组|小组|组|社|队))(?![长织员装区])")
_STOP = re.compile(rf"(?P<stop>(?:{CHAR}){{2,6}}?)(?:那一?个?|这一?个?)站")
_AND_IT = re.compile(rf"[跟和与](?P<what>(?:{CHAR}){{2,6}}?)(?:的)?(?:中间|之间)")
_MOUTH = re.compile(r"口(?=开始|那|往|[，,。到起至延坐上]|$)")
_IS_STRETCH = re.compile(
    r"[段截]|[那这]一?条路|一直|开始|起[，,]|上的?车|上的，|坐|延|之间|中间|沿线|全线|口(?:那儿|那里)?到|那儿到|口至"
)
_TO = re.compile(
    r"(?:上的?车?|坐车|坐|出发|往[东西南北](?:走)?)?(?:开始|起|那儿|那里|这儿|那个口子?)?[，,]?(?:一直|直)?(?:到|至|延到|延至|通到)(?:了|那个|这个)?"
)
_FAR_END = re.compile(
    r"(?P<end>[\u4e00-\u9fff]{2,10}?)(?=那儿|那里|那块|那一?[段截]|这一?[段截]|之间|中间|[，,。！？、…]|$)"
)
_NO_END = re.compile(r"[我他她你您们是没不了就说的现在点时天月年号周早晚夜今昨明分钱元块岁次]")
_MORE = re.compile(r"(?:路|街)?口|[东西南北]门|门口")
_SHOWN = (
    ("后头", "后"),
    ("后边", "后面"),
    ("前头", "前面"),
    ("跟前", "旁"),
    ("旁边", "旁"),
    ("边上", "旁"),
    ("对过", "对面"),
    ("外头", "外"),
    ("外面", "外"),
    ("底下", "下"),
    ("下头", "下"),
)
_CLOSES = re.compile(
    r"(?:那儿|那里|那块儿?|那边|那片|那个|那一[片带块截段]|这儿|这块|这边|这里|里头|里面|里边|里|上头|上|的|呢|吧|嘛|呀|啊|么|嘞)*"
    r"(?=[，,。、！？…；：\s]|$)"
)
_REPORTED_TO = re.compile(r"(?:那边|那儿|都|也|已经)*(?:报[过了]?[警案]|立[过了]?案|出[过了]?警|来[过了])")
"""派出所报过案了: no place of the matter."""
_NO_BODY = re.compile(
    r"^(?:小区|村|院|楼|家|人|车|路|街|排队.*|.*[吃喝修补停坐站等开关坏漏堵占]|.*[零一二三四五六七八九十0-9]+(?:[楼号栋层亩米]|单元).*|.*(?:每天|天天|现在|早上|晚上|半夜|时候|东西|垃圾|停车).*)$"
)
_NO_LAND = re.compile(
    r"^(?:[前后进出开关登上下停砸敲]|整|全|哪|各|一|二|三|隔壁|新|旧|老|大|小)?[店馆铺摊厅室厂场院楼门房墙]$|[租住买卖退收交看]房$|(?:承包|土|耕|宅基|外|本|当|基|场|块|草|产|落|扫|种|下|遍|满|陆|征|占|湿|工)地$"
)


@lru_cache(maxsize=8)
def spot_pattern(lexicon: Lexicon) -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(lexicon.cues.spots, key=len, reverse=True)))
    return re.compile(
        r"(?:左手|右手|左边|右边)?第[一二三四五六七八九十0-9]+[家户排个间]"
        rf"|(?:第{_N}|头一)[个根盏座道棵口](?:(?:{CHAR}){{1,3}}(?=那儿|那里|那块|旁边|跟前|边上|底下|[，,。！？]|$))?"
        r"|(?<=[路街道])[十丁]字(?!架)|[东西南北中]段|(?<=[门墙院])外(?:[头面边侧])?|(?<=[桥架棚塔树])(?:底下|下头|下面|下(?!雨|午|班|[来去]))"
        r"|[前后][头边]|(?<=[会店所校院厅楼馆局行社])隔壁"
        rf"|{_N}号(?:机?井|泵站?|桌|台|柜台?|大?棚|闸|门|厅|线|车间|仓?库|塔|桥|进?出?口|摊位?|铺|坑|池|桩|柜|机)"
        rf"|往[东西南北里](?:走|去)?(?:大概|大约)?[零一二两三四五六七八九十百0-9]+米|[老旧](?:活动室|供销社|粮站|粮库|电影院|邮局|学校|卫生院|菜市场)|{words}"
    )


@lru_cache(maxsize=8)
def _noun_pattern(lexicon: Lexicon) -> re.Pattern[str]:
    """A spot with what tells it from others: 口袋公园, 冷库工地, 老供销社后院."""
    words = "|".join(
        map(re.escape, sorted((word for word in lexicon.cues.spots if len(word) > 1), key=len, reverse=True))
    )
    return re.compile(
        rf"(?P<body>(?:{CHAR}){{0,6}}?)(?P<noun>{words}|(?<=[\u4e00-\u9fff])[坡沟梁岭塬滩崖坎坝地店馆铺摊厂场桥井塔亭棚房库池塘墙](?![^\W那的里上这呢吧也跟和]))"
    )


@lru_cache(maxsize=8)
def _region_stems(lexicon: Lexicon) -> frozenset[str]:
    return frozenset(place.name[:-1] for place in lexicon.places if place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN))


def _region_stem(lexicon: Lexicon, words: str) -> bool:
    """高岭 is short for 高岭市, no hill."""
    return words in _region_stems(lexicon)


@lru_cache(maxsize=8)
def _told_apart(lexicon: Lexicon) -> re.Pattern[str]:
    """盖冷库那个工地: what is done there tells it from others."""
    words = "|".join(
        map(re.escape, sorted((word for word in lexicon.cues.spots if len(word) > 1), key=len, reverse=True))
    )
    return re.compile(rf"(?:盖|建|做|卖|开|种|养)?(?P<what>(?:{CHAR}){{2,5}}?)的?那[个家片座](?P<noun>{words})")


def spot_at(reading: Reading, at: int, *, paused: bool) -> tuple[str, int] | None:
    """What it says of where, as the address shows it, and its end. ``paused``: only if the clause says no more."""
    return _way(reading, at) or _stands(reading, at, paused=paused)


def _way(reading: Reading, at: int) -> tuple[str, int] | None:
    text = reading.text
    way = _WAY.match(text, at) if _TO_THE_END.match(text, at) is None else None
    if way is not None and (way.group("far") or way.group("walk")):
        far = with_digits(re.sub(r"[来多几](?=米)", "", way.group("far") or ""))
        return f"往{way.group('to')}{far}", way.end()
    end = _TO_THE_END.match(text, at)
    if end is not None:
        return f"{end.group('to') or end.group('most')}头", end.end()
    nth = _NTH.match(text, at)
    if nth is not None:
        return nth.group("nth"), nth.end()
    also = _AND_IT.match(text, at)
    if also is not None:
        return f"与{also.group('what')}之间", also.end()
    group = _GROUP.match(text, at)
    if group is not None:
        return with_digits(group.group("group")), group.end()
    mouth = _MOUTH.match(text, at) if at and text[at - 1] in "村路街巷" else None
    stop = _STOP.match(text, at)
    if mouth is not None:
        return "口", mouth.end()
    return (f"{stop.group('stop')}站", stop.end()) if stop is not None else None


def _stands(reading: Reading, at: int, *, paused: bool) -> tuple[str, int] | None:
    text = reading.text
    limit = min(
        (hit.start for hit in reading.places if hit.start >= at and hit.place.kind is not PlaceKind.DISTRICT),
        default=len(text),
    )
    simple = spot_pattern(reading.lexicon).match(text, at)
    if simple is not None and simple.group() == "派出所" and _REPORTED_TO.match(text, simple.end()):
        return None
    noun = _noun_pattern(reading.lexicon).match(text, at)
    mark = _LANDMARK.match(text, at)
    told = _told_apart(reading.lexicon).match(text, at)
    best: tuple[str, int] | None = None
    if mark is not None and mark.end() <= limit:
        best = mark.group("what") + _plain(mark.group("by")), mark.end()
    if told is not None and told.end() <= limit:
        best = told.group("what") + told.group("noun"), told.end()
    if (
        noun is not None
        and noun.end() <= limit
        and not _NO_BODY.match(noun.group("body"))
        and not _NO_LAND.search(noun.group())
        and not _region_stem(reading.lexicon, noun.group())
        and (best is None or noun.end() >= best[1])
    ):
        closed = _CLOSES.match(text, noun.end()) is not None
        if closed or (not paused and (simple is None or simple.end() < noun.end()) and not noun.group("body")):
            best = _plain(noun.group()), noun.end()
    if simple is not None and simple.end() <= limit and (best is None or simple.end() >= best[1]):
        best = _plain(simple.group()), simple.end()
    return None if best is None else (with_digits(best[0]), best[1])


def _plain(words: str) -> str:
    words = re.sub("^头一(?=[个家根])", "第一", words)
    for said, shown in _SHOWN:
        if words.endswith(said):
            return words.removesuffix(said) + shown
    return words


def closes(text: str, at: int) -> bool:
    """The clause says no more than where."""
    return _CLOSES.match(text, at) is not None


def far_end(reading: Reading, at: int, suffixes: re.Pattern[str]) -> tuple[str, int, int] | None:
    """…到污水处理厂, …一直到市二院东门: where a stretch ends; how it is shown, its span."""
    text = reading.text
    to = _TO.match(text, at)
    if to is None:
        return None
    hit = next((hit for hit in reading.places if hit.start == to.end()), None)
    plainly = hit is not None and text[to.end() - 1] == "至"
    if not plainly and _IS_STRETCH.search(text, max(0, at - 12), to.end() + 20) is None:
        return None
    if hit is not None:
        more = _MORE.match(text, hit.end) or _noun_pattern(reading.lexicon).match(text, hit.end)
        end = more.end() if more is not None else hit.end
        return f"至{hit.place.name}{text[hit.end : end]}", to.start(), end
    far = _FAR_END.match(text, to.end())
    if far is None or _NO_END.search(far.group("end")):
        return None
    words = far.group("end").removesuffix("的")
    noun = _noun_pattern(reading.lexicon)
    ends = any(
        m.end() == len(words) for pattern in (suffixes, noun) for m in pattern.finditer(words)
    ) or words.endswith(("口", "门", "店", "摊"))
    if not ends and "从" not in text[max(0, at - 14) : at]:
        return None
    return f"至{words}", to.start(), to.end() + len(words)
