"""Where somebody lives or what they speak of stands: names of places, doors and spots, in any spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator

from api.understanding.hidden_numbers import Found
from asr.lexicon import PlaceKind
from asr.prefill.half_heard import half_heard
from asr.prefill.mentions import spans_of
from asr.prefill.reading import Talk

_N = r"[零〇○一二两三四五六七八九十百幺壹贰叁肆伍陆柒捌玖拾\d]{1,5}"
_NO_DATE = r"(?<![月这上下个])"
_DOOR = re.compile(
    rf"(?<![零〇○一二两三四五六七八九十百幺\d])[A-Za-z甲乙丙丁东西南北中]?{_N}(?:号[楼院门]|[栋幢座弄]|单元|号?楼(?![上下顶道梯])|层|室|户(?!籍|口)|排|期|组|小组|队|村民小组|区|巷|弄堂|门洞)"
    rf"|[A-Za-z](?:座|栋|区|口|单元|号楼)"
    rf"|{_NO_DATE}(?<![零〇○一二两三四五六七八九十百幺\d]){_N}号(?![机井泵桌柜棚塔桥]|车间|仓|线|[晚早上下中]|的时|那天|左右|吧|签|发|开|来|去|就|才|到|之?前|之?后|以)"
)
_VILLAGE = re.compile(
    r"[\u4e00-\u9fff]家(?:[坡庄沟湾河寨堡屯岭洼营集桥塬峪崖坪梁台滩窑坟垴圪峁坳冲坝圩埠埭浜]|胡同|大院|祠堂)村?"
    r"|[\u4e00-\u9fff]{1,3}(?:圪[台塔垯梁坨洞]|家属院|宿舍|商厦|大厦|广场|公寓|写字楼|创业园|产业园|孵化园|科技园|批发市场|农贸市场)"
)
_ANYWHERE = frozenset(
    {
        "楼上", "楼下", "楼道", "楼顶", "门口", "中间", "后头", "前头", "里头", "里面", "外面",
        "外头", "旁边", "对面", "隔壁", "附近", "院里", "小区", "学校", "医院", "公司", "饭店", "厕所",
    }
)  # fmt: skip
"""Said alone these are true of every place, and tell what it is about."""


def places_in(talk: Talk) -> Iterator[Found]:
    """All but districts: those are as large as a town."""
    garbled = half_heard(talk)
    for said in talk.all:
        reading = said.reading
        for hit in reading.places:
            if hit.place.kind is not PlaceKind.DISTRICT:
                yield said, hit.start, hit.end
        for span in spans_of(reading, garbled.get(reading, ())):
            parts = [(span.start, span.head_end), *((detail.start, detail.end) for detail in span.details)]
            yield from ((said, start, end) for start, end in parts if reading.text[start:end] not in _ANYWHERE)
        for pattern in (_DOOR, _VILLAGE):
            yield from ((said, *match.span()) for match in pattern.finditer(reading.text))
