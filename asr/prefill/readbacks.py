"""The place as the operator read it back, unless the caller objected: already in a clerk's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon import PlaceKind
from asr.numerals import with_digits
from asr.prefill.heard_places import DIRECTS, stands
from asr.prefill.mentions import suffix_pattern
from asr.prefill.reading import Said, Talk
from asr.prefill.spots import spot_pattern

READ_LEAD = re.compile(
    r"(?:好的?|嗯|那|就是|是|在|也就是|您说的是|我?(?:跟您|和您)?(?:核对|确认|重复)(?:一下|一遍)?|更正为?|改为|地址是?|位置是?|地点是?)+"
)
_TAIL = re.compile(
    r"(?:对吗|对吧|是吗|是吧|是不是|没错吧|吗|呢|那边|那儿|里面|里头|[这那]一?[段截片带块]|[茫芒忙买卖嘛]|[零一二两三四五六七八九十百0-9]+户)+$"
)
_MATTER = re.compile(
    r"[我您他她谁吗请给让把被将会要没不都也还已了着过哪几]|[高初][一二三](?:年级|学|班|$)|[一二三四五六]年级|的事|网格员|工作人员|保安|管理员|售货员|收费员|什么|上的?车|下的?车|补划|加装|增设|安装|修复|更换|清理|整治|疏通|建议|(?:反映|投诉|举报|咨询|登记|转给|核实|联系|处理|问题|情况|漏水|停水|停电|扰民|噪音|油烟|垃圾"
    r"|走失|走丢|着火|起火|被困|晕倒|摔倒|打架|受伤|[零一二三四五六七八九十0-9]点)"
)
_MOST, _MOST_MORE = 24, 14


def read_back(talk: Talk, name: str, subject: str) -> tuple[str, Said, int, int] | None:
    """What the operator said of the place ``name`` last, without district, town and subject; the said and the span."""
    found = None
    for said in talk.agent:
        heard = next(_of(said, name, subject, talk), None)
        if heard is not None and stands(talk, said, heard[3]):
            found = heard
    return found


def _of(said: Said, name: str, subject: str, talk: Talk) -> Iterator[tuple[str, Said, int, int]]:
    clauses = said.reading.clauses
    for number, (start, end) in enumerate(clauses):
        words = _place_only(said, start, end, name, talk)
        if words is not None and subject and subject not in name:
            words = _without(words, subject, talk)
        if words is None or name not in with_digits(words) or "？" in said.text[end : end + 1]:
            continue
        value = words
        for more_start, more_end in clauses[number + 1 : number + 2]:
            more = said.text[more_start:more_end]
            if said.text[end:more_start] in ("，", ",", "、") and _goes_on(more, talk):
                value, end = f"{value}{_TAIL.sub('', more)}", more_end
        value = _on_road(said, number, talk) + _without_matter(value, talk)
        yield with_digits(value).replace("的", ""), said, start, end


_ROAD_ALONE = re.compile(r"[路街道巷]$")


def _without(words: str, subject: str, talk: Talk) -> str:
    """学子大厦五楼童码编程 without whom it is about; 金阳大道福满多食品厂包装车间 needs it."""
    rest = words.removesuffix(subject)
    stands = rest == words or _ROAD_ALONE.search(rest) or _last_place(subject, talk) == len(subject)
    return words if stands else rest


def _on_road(said: Said, number: int, talk: Talk) -> str:
    """滨河东路步道，丹河湾南头到…: the clause before, if it is a road and no more."""
    start, end = said.reading.clauses[number - 1] if number else (0, 0)
    lead = READ_LEAD.match(said.text, start, end)
    start = lead.end() if lead is not None else start
    road = next((hit for hit in said.reading.places if hit.start == start and hit.place.kind is PlaceKind.ROAD), None)
    words = said.text[start:end]
    comma = number and said.text[end : end + 1] in ("，", ",")
    return words if comma and road is not None and _last_place(words, talk) == len(words) else ""


def _first_head(said: Said, words: str, name: str) -> int:
    """Where the place begins: 建议劳动路口…, 南门这边绿影小区."""
    heads = [hit.place.name for hit in said.reading.places if hit.place.kind is PlaceKind.ROAD]
    return min(words.index(head) for head in (name, *heads) if head in words)


def _place_only(said: Said, start: int, end: int, name: str, talk: Talk) -> str | None:
    """The clause from the name of the place on, without what it says of the matter; None if too long."""
    for hit in said.reading.places:
        if hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN) and start <= hit.start < end:
            start = max(start, hit.end)
    lead = READ_LEAD.match(said.text, start, end)
    words = _TAIL.sub("", said.text[lead.end() if lead is not None else start : end])
    if name in words:
        words = words[_first_head(said, words, name) :]
    at = len(name) if words.startswith(name) else 0
    matter = DIRECTS.search(words, at) or _MATTER.search(words, at)
    if matter is not None:
        words = words[: _last_place(words[: matter.start()], talk)]
    return None if len(words) > _MOST else words


_TROUBLE = re.compile(
    r"[挖堆占堵塌漏冒脏乱臭响坏亮黑停修拆排倒烧收欠偷吵闹跳撞破裂断缺喷晒摆飘拖丢]|[有无]|下水|井盖|路灯|盲道|路面|积水|污水|噪声"
    r"|广场舞|标线|违建|失踪|办理|服务|质量|价格|放学|上学|早晚|夜间|期间|水压|电压|暖气|燃气|宽带|信号|乘客|司机|工资|标识|材料|报销"
)


def _without_matter(words: str, talk: Talk) -> str:
    """实验小学北门放学拥堵: up to the last word that says where, if what follows says what happened."""
    last = _last_place(words, talk) or len(words)
    return words[:last] if _TROUBLE.search(words, last) else words


def _last_place(words: str, talk: Talk) -> int:
    """Up to where a word says where."""
    patterns = (suffix_pattern(talk.lexicon), spot_pattern(talk.lexicon), _NUMBERED)
    return max((match.end() for pattern in patterns for match in pattern.finditer(words)), default=0)


_NUMBERED = re.compile(
    r"[零一二三四五六七八九十百0-9A-Za-z]+(?:号楼|栋|单元|号院|号|座|层|楼|室|米|组|家|户)|(?<![0-9])[0-9]{3,4}(?![0-9])"
)


def _goes_on(words: str, talk: Talk) -> bool:
    """The next clause names where it is more closely, and nothing else."""
    words = _TAIL.sub("", words)
    if len(words) > _MOST_MORE or _MATTER.search(words):
        return False
    patterns = (suffix_pattern(talk.lexicon), spot_pattern(talk.lexicon))
    return any(match.end() == len(words) for pattern in patterns for match in pattern.finditer(words))
