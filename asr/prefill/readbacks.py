"""The place as the operator read it back, unless the caller objected: already in a clerk's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon import PlaceKind
from asr.numerals import with_digits
from asr.prefill.heard_places import stands
from asr.prefill.mentions import suffix_pattern
from asr.prefill.reading import Said, Talk
from asr.prefill.spots import spot_pattern

READ_LEAD = re.compile(
    r"(?:好的?|嗯|那|就是|是|在|也就是|您说的是|我?(?:跟您|和您)?(?:核对|确认|重复)(?:一下|一遍)?|更正为?|改为|地址是?|位置是?|地点是?)+"
)
_TAIL = re.compile(
    r"(?:对吗|对吧|是吗|是吧|是不是|没错吧|吗|呢|那边|那儿|[茫芒忙买卖嘛]|[零一二两三四五六七八九十百0-9]+户)+$"
)
_MATTER = re.compile(
    r"[我您他她谁吗请给让把被将会要没不都也还已了着过哪几]|什么|上的?车|下的?车|补划|加装|增设|安装|修复|更换|清理|整治|疏通|建议|(?:反映|投诉|举报|咨询|登记|转给|核实|联系|处理|问题|情况|漏水|停水|停电|扰民|噪音|油烟|垃圾"
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
        words = _place_only(said, start, end)
        if words is not None and subject and subject not in name:
            words = words.replace(subject, "")
        if words is not None and name in words:
            words = words[_first_head(said, words, name) :]
        if words is None or name not in with_digits(words) or "？" in said.text[end : end + 1]:
            continue
        value = words
        for more_start, more_end in clauses[number + 1 : number + 2]:
            more = said.text[more_start:more_end]
            if said.text[end:more_start] in ("，", ",", "、") and _goes_on(more, talk):
                value, end = f"{value}{_TAIL.sub('', more)}", more_end
        yield with_digits(value).replace("的", ""), said, start, end


def _first_head(said: Said, words: str, name: str) -> int:
    """Where the place begins: 建议劳动路口…, 南门这边绿影小区."""
    heads = [hit.place.name for hit in said.reading.places if hit.place.kind is PlaceKind.ROAD]
    return min(words.index(head) for head in (name, *heads) if head in words)


def _place_only(said: Said, start: int, end: int) -> str | None:
    """The clause from the name of the place on; None if it says more than where."""
    for hit in said.reading.places:
        if hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN) and start <= hit.start < end:
            start = max(start, hit.end)
    lead = READ_LEAD.match(said.text, start, end)
    words = _TAIL.sub("", said.text[lead.end() if lead is not None else start : end])
    return None if len(words) > _MOST or _MATTER.search(words) else words


def _goes_on(words: str, talk: Talk) -> bool:
    """The next clause names where it is more closely, and nothing else."""
    words = _TAIL.sub("", words)
    if len(words) > _MOST_MORE or _MATTER.search(words):
        return False
    patterns = (suffix_pattern(talk.lexicon), spot_pattern(talk.lexicon))
    return any(match.end() == len(words) for pattern in patterns for match in pattern.finditer(words))
