"""Bodies that act in the matter without a name of their own: who refuses, delays, blocks or has the papers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from asr.lexicon import PlaceKind
from asr.prefill.named import Kind, Named
from asr.prefill.parts import BLAMED, sent_there
from asr.prefill.reading import Said, Talk
from asr.prefill.trades import FIRM, HAN, LUCKY, SITE, VAGUE

_BODY = re.compile(
    r"物业(?!费|公司|服务费)|村委会?|居委会|街道办(?:事处)?|[镇乡]政府|(?:水利|水管|供水|农技|农机|畜牧|林业|国土|土地|环卫|供销)站"
    r"|(?:体育|水务|水利|林业|农业|交通|住建|城管|环保|教育|民政|退役军人事务|文旅|规划|税务|房管|人社|社保|医保|审批|园林|市政|民宗|统计)局"
    r"|派出所|交警队|车管所|(?:公积金|社保|医保|房管|就业|征收|不动产登记|疾控|水务|社保服务)中心|房管所|土地所|城管(?:队员?|中队|大队|执法队?)?(?!局|部门)|教务处|业委会"
)
_ANY = re.compile(_BODY.pattern + r"|银行|医院|卫健委|保险公司")
"""Others that are named only beside one that sends there."""
_SAYS = re.compile(
    r"(?:那边|那头|那儿|的人?|他们|人家|[一-鿿]?(?:经理|主任|书记|会计))?"
    r"(?:上周|昨天|前天|当时|后来|头一回|天天)?(?:就是|又|也|就|还|都|只|老是?|总是?|一直|倒|光|硬|根本|压根|死活)*"
    r"(?:说|讲|[让叫](?!人给)|推|回复|答复|非要?|不|没|要|拿|把|占|堵|封|扣|拖|卡|拒|撵|拆|锁|挖)"
)
_ANSWERED = re.compile(r"(?:的?电话|去)?[，,](?:头一个人|那边|人家|他们|他|接电话的)?(?:又|也|就|还)?(?:说|讲|回)")
_REACHED = re.compile(r"(?:打|问|找|去|跑|打给|问过|找过|打过|找了|问了|打了)(?:过|了|给|到|去)?$")
_DONE_BY = re.compile(r"(?:让|被|由|叫|给)$")
_HANDED = re.compile(r"(?:[交递报送](?:到|给|去|往|上)了?|卡在|压在|停在|拖在)$")
_WONDERS = re.compile(r"[^，。]{0,4}(?:管不管|能不能|该不该|归不归|管吗|管得着|是不是)|叫停")
_WOULD = re.compile(r"(?:想|该|应该|要不要|能不能|用不用|是不是)[找问让去叫][^，。]{0,3}$")
_ASKED_TO = re.compile(r"(?:让|请|要求|催促?|督促|想要|希望|协调)$")
_BY_PLACE = ("物业", "村委", "居委会", "业委会")


@dataclass(frozen=True)
class _Mention:
    said: Said
    start: int
    end: int
    word: str
    speaks: bool
    weight: float


def bodies(talk: Talk) -> Iterator[Named]:
    """物业说归体育局 ... 体育局说过了质保: each alone, and the two that send one from one to the other."""
    mentions = [mention for said in talk.caller for mention in _mentions(talk, said)]
    for mention in mentions:
        if _BODY.fullmatch(mention.word) is None:
            continue
        name = _named(talk, mention)
        yield Named(name, mention.said, mention.start, mention.end, mention.weight, Kind.OFFICE)
    for first, second in pairwise(mentions):
        if first.said is not second.said or first.word == second.word:
            continue
        speaking = [mention for mention in mentions if mention.said is first.said and mention.speaks]
        if len({mention.word for mention in speaking}) == 2 and second.word in first.said.text[first.end :][:20]:
            name = "、".join(dict.fromkeys(_named(talk, mention) for mention in speaking))
            yield Named(name, first.said, first.start, first.end, 1.25, Kind.OFFICE)
            return


def _mentions(talk: Talk, said: Said) -> Iterator[_Mention]:
    text = said.text
    for match in _ANY.finditer(text):
        start, end = match.span()
        before, after = text[max(0, start - 8) : start], text[end : end + 40]
        sentence = re.split(r"[。！？；]", after)[0]
        reached = _REACHED.search(before) is not None
        speaks = _SAYS.match(after) is not None or (reached and _ANSWERED.match(after) is not None)
        done = _DONE_BY.search(before) is not None and re.match(r"[^，。]{0,4}[给把拿]", after) is not None
        if _WONDERS.match(after) or _WOULD.search(before):
            continue
        handed = _HANDED.search(before) is not None
        if not (speaks or done or handed):
            continue
        blames = len(BLAMED.findall(sentence))
        weight = 0.4 + 0.3 * speaks + 0.35 * done + 0.4 * handed + 0.3 * (blames > 0) + 0.1 * (blames > 1)
        weight -= 0.1 * match.group().startswith("物业")
        weight -= 0.5 * sent_there(text, match.group())
        weight += 0.2 * _asked_to(talk, match.group()) - 0.005 * said.index + 0.1 * (said.index <= 1)
        yield _Mention(said, start, end, match.group(), speaks, weight)


def _asked_to(talk: Talk, word: str) -> bool:
    """您是想让街道办尽快给个结果？"""
    for said in talk.agent:
        at = said.text.find(word)
        if at > 0 and _ASKED_TO.search(said.text[:at]) and talk.confirmed(said):
            return True
    return False


def _named(talk: Talk, mention: _Mention) -> str:
    """A village's committee and a housing's keeper are called after it; others stand alone."""
    word = "村委会" if mention.word == "村委" else mention.word
    for said in talk.all:
        for hit in said.reading.places:
            if said.text.startswith(mention.word, hit.end) and not word.startswith("物业"):
                return hit.place.name + word
            if said.text.endswith(mention.word, hit.start, hit.end):
                return said.text[hit.start : hit.end]
    if not word.startswith(_BY_PLACE):
        return word
    village = word.startswith("村委")
    names = [
        hit.place.name
        for said in talk.all
        for hit in said.reading.places
        if hit.place.kind is PlaceKind.COMMUNITY and (hit.place.name.endswith("村") or not village)
    ]
    return max(names, key=names.count) + word if names else word


_IN_PARTS = re.compile(
    rf"(?<![^，。！？])(?=(?:就|就是|是|叫|那个|在|去|找)*(?P<name>{HAN}{{2,5}})(?:，[^。！？]{{0,16}})?"
    rf"(?:那个|那家)(?P<kind>{HAN}{{2,4}}?)(?=[，。！？的]))"
)


def in_parts(talk: Talk) -> Iterator[Named]:
    """松鹤园，……那个公墓: the name first, what it is behind."""
    for said in talk.caller:
        for match in _IN_PARTS.finditer(said.text):
            name, kind = match.group("name"), match.group("kind")
            like = (FIRM.fullmatch(kind) or SITE.fullmatch(kind)) and kind not in VAGUE
            taken = any(a < match.end("name") and match.start("name") < b for a, b in said.reading.protected)
            if like and not taken and sum(map(LUCKY.__contains__, name)) >= len(name) - 1:
                yield Named(f"{name}{kind}", said, *match.span("name"), 1.1, Kind.FIRM)
