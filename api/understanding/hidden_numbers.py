"""Numbers and signs that lead to somebody: phones, plates, tickets, rooms, mail, names on other services."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.prefill.digits_said import chains_of, groups_of, runs_of
from asr.prefill.questions import ASKS_PHONE
from asr.prefill.reading import Said, Talk

Found = tuple[Said, int, int]
"""``said.text[start:end]`` is not to be seen."""

_D = r"\d零〇○一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_GAP = r"[，,、。.…·\s\-—–_/]{0,3}(?:(?:呃|嗯|啊|哎|然后|那个|再)[，,、。.…\s]{0,3})?"
_LONG = re.compile(rf"[{_D}](?:{_GAP}[{_D}]){{4,}}(?:{_GAP}[Xx](?![A-Za-z]))?")
"""Five digits and more, pauses between them or not."""
_SHORT = re.compile(
    rf"(?<![{_D}十百千万])(?:[零〇○一二三四五六七八九幺]{{3,4}}|\d{{3,4}}|[零〇○幺][零〇○一二三四五六七八九幺]"
    r"|[一二三四五六七八九][零〇○幺])"
    rf"(?![{_D}十百千万亿])(?!多?(?:[元块米年天人个月斤度吨次倍亩平方升点分秒克]|公里|毫|小时|来[块个人米]|后(?!面|头))|[%％.:])"
)
"""Rooms and parts of phones; no amount and no year."""
_LINES = re.compile(r"(?:110|119|120|122|[幺一]{2}[零〇]|[幺一]{2}九|[幺一]二[零〇]|[幺一]二二)")
_MIXED = re.compile(rf"[\u4e00-\u9fff]?(?<![A-Za-z])[A-Za-z](?:[，,、·.\s\-_]{{0,2}}[A-Za-z{_D}]){{2,}}")
_MIXED_AFTER = re.compile(
    rf"[{_D}](?:[，,、·\s\-_]{{0,2}}[{_D}])*[A-Za-z](?:[A-Za-z]?[，,、·\s\-_]{{0,2}}[{_D}])+"
    rf"|[{_D}](?:[，,、·\s\-_]{{0,2}}[{_D}])+[A-Za-z](?![A-Za-z])"
)
_SIGN = re.compile(
    rf"[A-Za-z{_D}_.+\-]{{0,64}}(?:@|艾特)[A-Za-z{_D}_.\-点]{{0,64}}|https?://\S{{1,500}}|www\.\S{{1,500}}"
    r"|(?<![A-Za-z0-9._\-])[A-Za-z][A-Za-z0-9._\-]{0,64}[0-9_][A-Za-z0-9_.\-]{0,64}"
)
_HAS_DIGIT = re.compile(rf"[{_D}]")
_ACCOUNTS = (
    r"微信|[Vv][Xx]|[Qq]{2}|扣扣|企鹅号?|邮箱|邮件|电邮|抖音|快手|支付宝|小红书|微博"
    r"|网名|昵称|用户名|账[号户]|帐[号户]|户名|网店"
)
_ACCOUNT = re.compile(
    rf"(?:{_ACCOUNTS})(?:账?号码?|地址|名字?|昵称)?(?:[，,]?(?:就|也)?(?:是|叫|为)|[：:])"
    rf"(?P<own>[^，,。！？；]+(?:[，,][A-Za-z{_D}][^，,。！？；]*)*)"
)
_SPELLED = re.compile(
    rf"(?:{_ACCOUNTS}|车牌|牌照|车号|尾号|身份证|护照|驾驶证|[编单户工警学档桩表卡]号|号码|字母)[^。！？{_D}A-Za-z]{{0,6}}"
    rf"(?P<own>[A-Za-z{_D}](?:[，,、·.\s\-_]{{0,2}}(?:下划线|杠|点|大写|小写)?[A-Za-z{_D}])+)"
)
_OF_PHONE = re.compile(r"电话|手机|尾号|号码|座机|后[几两三四五六]位|末[几三四]位|打给|拨")
_LEAST = 5


def numbers_in(talk: Talk) -> Iterator[Found]:
    """Whole numbers of five digits and more, however they are said, and what is left of such when it is cut up."""
    for said in talk.all:
        for start, end in _in_text(said.text):
            yield said, start, end
        about_phone = _OF_PHONE.search(said.text) is not None or ASKS_PHONE.search(said.asked) is not None
        runs = [[group for _, group in run] for run in runs_of(said)]
        for run in runs:
            if about_phone or sum(len(group.digits) for group in run) >= _LEAST:
                yield from ((said, group.start, group.end) for group in run if len(group.digits) > 1)
        if about_phone:
            yield from ((said, group.start, group.end) for group in groups_of(said) if len(group.digits) > 1)
    for chain in chains_of(talk):
        if sum(len(group.digits) for _, group in chain) >= _LEAST:
            yield from ((said, group.start, group.end) for said, group in chain)


def _in_text(text: str) -> Iterator[tuple[int, int]]:
    for match in _LONG.finditer(text):
        yield match.span()
    for match in _SHORT.finditer(text):
        if not _LINES.fullmatch(match.group()):
            yield match.span()
    for pattern in (_MIXED, _MIXED_AFTER):
        for match in pattern.finditer(text):
            if _HAS_DIGIT.search(match.group()):
                yield match.span()
    for match in _SIGN.finditer(text):
        yield match.span()
    for pattern in (_ACCOUNT, _SPELLED):
        for match in pattern.finditer(text):
            yield match.span("own")
