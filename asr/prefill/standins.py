"""Those no name was said of: supplier, village, site; what only the operator knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon import PlaceKind
from asr.prefill.named import Kind, Named
from asr.prefill.parts import MISTAKEN
from asr.prefill.reading import Talk
from asr.prefill.trades import FIRM, HAN, UTILITIES

_REPORTED_BY = re.compile(
    r"(?P<name>(?:[\u4e00-\u9fff]{2,6}?)(?:公司|部门|医院|学校|物业|大厅|中心|派出所))(?:那边)?(?:答复|回复|说|反馈)"
)
_DEPARTMENT = re.compile(
    r"^.+?(?=(?:城管|住建|环保|生态环境|市场监管|水务|供水|供电|交通|教育|民政|人社|医保|卫健|公安|交警|消防|园林|市政)部门$)"
)
"""What was misheard before it."""
_ACCUSED = re.compile(r"(?:投诉|举报|反映|告)(?:一下|了)?(?:我们|俺们|咱们?)?(?P<name>[镇乡]政府)")
_NO_REPORTER = re.compile(r"承办|单位|社区|镇|那边|的事|问题|已经")


def told(talk: Talk) -> Iterator[Named]:
    """The operator knows it from an earlier call: 叫鲜又多水果."""
    for said in talk.agent:
        for match in re.finditer(rf"(?:叫|名称是|店名是)(?P<name>{HAN}{{3,10}})(?=[，。])", said.text):
            name = match.group("name")
            if FIRM.search(name) and not re.search(r"什么|[您吗]", name) and talk.confirmed(said):
                yield Named(name, said, *match.span("name"), 1.1, Kind.FIRM)


def suppliers(talk: Talk, code: str) -> Iterator[Named]:
    """Water, current, gas and heat come from somebody, who need only be mentioned."""
    words = UTILITIES.get(code)
    if words is None:
        return
    for said in talk.all:
        for match in re.finditer(words, said.text):
            if match.group() != "供水" and (said.by_agent or not MISTAKEN.match(said.text[match.end() :])):
                yield Named(match.group(), said, *match.span(), 1.08 - 0.005 * said.index, Kind.OFFICE)


def builders(talk: Talk, code: str) -> Iterator[Named]:
    """A site nobody knows the name of."""
    if code != "0403":
        return
    for said in talk.all:
        if "工地" in said.text and not MISTAKEN.match(said.text):
            at = said.text.find("工地")
            hits = [hit for other in talk.all for hit in other.reading.places if hit.place.kind is PlaceKind.COMMUNITY]
            where = hits[0].place.name if hits else ""
            yield Named(f"{where}工地施工方", said, at, at + 2, 0.97, Kind.FIRM)
            return


def keepers(talk: Talk, code: str) -> Iterator[Named]:
    """物业 alone is that of the housing spoken of."""
    if code != "0101" or not talk.all or "回访" in talk.all[0].text:
        return
    for said in talk.all[1:]:
        for match in re.finditer("物业", said.text):
            hits = [hit for other in talk.all for hit in other.reading.places if hit.place.kind is PlaceKind.COMMUNITY]
            name = f"{hits[0].place.name}物业" if hits else "物业"
            yield Named(name, said, *match.span(), 1.0 - 0.01 * said.index, Kind.OFFICE)
            return


def village(talk: Talk, code: str) -> Iterator[Named]:
    """村委会 alone is that of the village spoken of."""
    if not code.startswith("1105"):
        return
    for said in talk.caller:
        for match in re.finditer(r"村委会?|村里", said.text):
            village = next(
                (
                    hit.place.name
                    for other in talk.all
                    for hit in other.reading.places
                    if hit.place.kind is PlaceKind.COMMUNITY and hit.place.name.endswith("村")
                ),
                None,
            )
            if village is not None:
                weight = 1.3 if match.group() != "村里" else 1.05
                yield Named(f"{village}村委会", said, *match.span(), weight - 0.01 * said.index, Kind.OFFICE)


def town_halls(talk: Talk) -> Iterator[Named]:
    """我投诉镇政府: that of the one town spoken of."""
    towns = {hit.place.name for said in talk.all for hit in said.reading.places if hit.place.kind is PlaceKind.TOWN}
    for said in talk.caller:
        match = _ACCUSED.search(said.text)
        if match is not None:
            name = f"{min(towns)}政府" if len(towns) == 1 else match.group("name")
            yield Named(name, said, *match.span("name"), 1.1, Kind.OFFICE)
            return


def reported(talk: Talk) -> Iterator[Named]:
    """回访: whoever answered that it is done."""
    if not talk.all or "回访" not in talk.all[0].text:
        return
    said = talk.all[0]
    for match in _REPORTED_BY.finditer(said.text):
        name = re.sub(r"^.*(?:的|问题|事|，)", "", match.group("name"))
        name = _DEPARTMENT.sub("", name) or name
        if len(name) >= 3 and not _NO_REPORTER.search(name):
            yield Named(name, said, match.end("name") - len(name), match.end("name"), 1.1, Kind.OFFICE)
