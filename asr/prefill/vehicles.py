"""Vehicles: a plate whole or in part with the kind of vehicle, a bus line; the number a swindler called from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.prefill.named import Kind, Named
from asr.prefill.reading import Said, Talk

_LINE = re.compile(
    r"(?P<name>[零一二三四五六七八九十百幺0-9]{1,4}路(?:公交车?|车|(?=[，,。的]|司机|就是|今|昨"
    r"|早上|晚上|不|一|甩|没|末|首|$)))"
)
_N = "A-Za-z0-9零〇一二三四五六七八九幺"
_PLATE = re.compile(
    rf"(?P<where>[\u4e00-\u9fff])[，,、\s]*(?P<letter>[A-Za-z])[，,、·\s]*"
    rf"(?P<rest>(?:[{_N}][，,、\s]*){{5,6}})(?![{_N}])"
)
_TAIL = re.compile(
    rf"(?:尾[号数]|尾巴|后几位|后[三四五]位|末[三四]位|最后|后半截|后半段|最后[几三四]位|号尾)(?:数)?(?:好像"
    rf"|大概|可能|应该)?(?:是|为"
    rf"|就是)?[，,、\s]*(?P<tail>(?:[{_N}][，,、\s]*){{2,6}})(?![{_N}多块元])"
)
_OWN_CAR = re.compile(r"我(?:们|家|自己)?的?车(?:牌|号|是)?[，]?$")
_ASKS_PLATE = re.compile(r"车牌|牌照|牌号|车号|尾号")
_PART = re.compile(rf"[{_N}](?:[，,、\s]*[{_N}]){{1,5}}")
_HALF = re.compile(
    rf"(?:半截|半段|[几两三四五]位|看[见到清]|瞅见|记[得住]|剩)[^。！？]{{0,10}}?(?P<tail>(?:[{_N}][，,、\s]*){{3,5}})(?![{_N}多块元年月日点路号个])"
)
_NOT_A_PLATE = re.compile(r"(?:订单|工单|电话|手机|卡|账[号户]|账户|快递|单号|号码)[^。！？]{0,8}$")
_OF_VEHICLES = re.compile(
    r"车牌|牌照|牌子|牌号|车号|车尾|尾数|司机|出租|校车|货车|渣土|[轿客卡厢]车|公交|[厢大]货|大车|面包车|逃|肇事|网约"
)
_COLOURS = r"(?:[绿白黑红蓝银灰黄]{1,2}(?:颜色|色|顶白)?的?)?"
_KINDS = (
    r"(?:面包车|轿车|小轿车|小车|越野车|皮卡车?|厢式货车|厢货|大货车|货车|渣土车|拉土车|水泥罐车"
    r"|罐车|洒水车|垃圾车|出租车|出租|网约车|客车|大巴|校车|三轮车|摩托车|电动车|救护车|拖车|半挂"
    r"|大车|挖掘机|车)"
)
_VEHICLE = re.compile(_COLOURS + _KINDS)
_DIGITS = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}
_SWINDLE = re.compile(r"骗子|诈骗|骗局|公检法|安全账户|洗钱|冒充|刷单")
_THEIR_NUMBER = re.compile(
    r"对方(?:电话|手机)?(?:的)?(?:来电)?(?:是什么)?号码|什么号码打|来电号码|骗子[^，。]{0,6}号码"
)
_PHONE = re.compile(r"(?:[零〇一二三四五六七八九幺0-9][，,、\s-]*){8,13}")


def vehicles(talk: Talk, code: str) -> Iterator[Named]:
    for said in talk.caller:
        for match in _LINE.finditer(said.text):
            if match.group("name") != "一路" and not re.match(r"[上下]|$", said.text[match.end() :][:0] or "-"):
                yield Named(match.group("name"), said, *match.span("name"), _line(talk, said, match), Kind.VEHICLE)
        yield from _plates(talk, said)
        yield from _tails(talk, said)
        yield from _part_read(talk, said)
    yield from _swindlers(talk)
    yield from _unplated(talk, code)


def _line(talk: Talk, said: Said, match: re.Match[str]) -> float:
    """What was taken back (十九路，不是十九路，就九路) counts less than what was said last."""
    denied = any(f"不是{match.group('name')}" in other.text for other in talk.caller)
    others = {one.group("name") for other in talk.caller for one in _LINE.finditer(other.text)} - {match.group("name")}
    back = denied or re.search(r"上了$|坐$" if others else r"上了$", said.text[: match.start("name")]) is not None
    back = back or said.text.startswith("的时候", match.end("name"))
    late = min(0.2, 0.03 * said.index)
    shared = any(other.by_agent and match.group("name")[:2] in other.text for other in talk.after(said))
    return 1.1 + late + 0.1 * shared - 0.5 * back


def _plates(talk: Talk, said: Said) -> Iterator[Named]:
    for match in _PLATE.finditer(said.text):
        rest = re.sub(r"[，,、\s]", "", match.group("rest"))
        if (
            not re.search(r"[零〇一二三四五六七八九幺0-9]", rest)
            or match.group("where") in "念是叫号杆了啊呢"
            or _OWN_CAR.search(said.text[: match.start()])
        ):
            continue
        plate = match.group("where") + (match.group("letter") + "".join(_DIGITS.get(c, c) for c in rest)).upper()
        kind = _kind(talk, said)
        yield Named(f"{kind}（{plate}）" if kind else plate, said, match.start(), match.end("rest"), 1.6, Kind.VEHICLE)


def _tails(talk: Talk, said: Said) -> Iterator[Named]:
    """Of the plate only the last figures; put right at once (七零三……七三零！) the last count."""
    heard = said.asked + said.text
    if not _OF_VEHICLES.search(heard):
        return
    for match in _TAIL.finditer(said.text):
        if _NOT_A_PLATE.search(said.text[: match.start()]) and "车" not in said.text[: match.start()][-8:]:
            continue
        tail = _said_back(talk, said) or _plain(match.group("tail"))
        kind = _kind(talk, said)
        if kind:
            yield Named(f"{kind}（车尾号{tail}）", said, match.start(), match.end("tail"), 1.55, Kind.VEHICLE)


def _part_read(talk: Talk, said: Said) -> Iterator[Named]:
    """看到车牌没有？就瞅见六K二: part of a plate, which the operator reads back as 尾号."""
    tail = _said_back(talk, said) if _ASKS_PLATE.search(said.asked) and not _TAIL.search(said.text) else ""
    match = (
        next((found for found in _PART.finditer(said.text) if _plain(found.group()) == tail), None) if tail else None
    )
    if match is None and _ASKS_PLATE.search(said.asked) and not _TAIL.search(said.text):
        match = _HALF.search(said.text)
        tail = _plain(match.group("tail")) if match is not None else ""
    if match is not None and (kind := _kind(talk, said)):
        yield Named(f"{kind}（车尾号{tail}）", said, *match.span(), 1.5, Kind.VEHICLE)


def _said_back(talk: Talk, said: Said) -> str:
    after = next((other for other in talk.after(said) if other.by_agent), None)
    match = re.search(rf"尾号[，]?(?P<tail>[{_N}]{{2,6}})", after.text) if after is not None else None
    if match is None or after is None or not talk.confirmed(after):
        return ""
    reply = next((other for other in talk.after(after) if other.by_caller), None)
    again = reply is not None and re.search(r"[零〇一二三四五六七八九幺]{2}", reply.text[:14]) is not None
    return "" if again else _plain(match.group("tail"))


def _plain(text: str) -> str:
    return "".join(_DIGITS.get(char, char) for char in re.sub(r"[，,、\s]", "", text)).upper()


def _kind(talk: Talk, said: Said) -> str:
    """The kind of vehicle as told by then, the fullest wording first; a bus by its line."""
    told = "。".join(one.text for one in talk.all if one.index <= said.index + 1 and one.index > 0)
    lines = [match.group("name") for match in _LINE.finditer(told) if match.group("name") != "一路"]
    if lines and "公交" in told:
        return f"{re.sub('路.*', '路', lines[-1])}公交"
    kinds = [found.group().replace("的", "") for found in _VEHICLE.finditer(told)]
    told_after = re.search(rf"({_KINDS})[^。！？]{{0,6}}[。！？，]\s*([白黑红蓝银灰黄绿])(?:色)?的", told)
    if told_after is not None and not any(len(kind) > len(told_after.group(1)) for kind in kinds):
        return f"{told_after.group(2)}色{told_after.group(1)}"
    taxi = next((kind for kind in kinds if re.search(r"出租|网约", kind)), None)
    return taxi or next((kind for kind in kinds if len(kind) > 2), kinds[0] if kinds else "")


def _swindlers(talk: Talk) -> Iterator[Named]:
    """The number a swindler called from, asked for as such."""
    if not any(_SWINDLE.search(said.text) or _THEIR_NUMBER.search(said.text) for said in talk.all):
        return
    for said in talk.caller:
        if _THEIR_NUMBER.search(said.asked) or re.search(r"对方[^，。]{0,4}号码", said.asked):
            match = _PHONE.search(said.text)
            if match is not None:
                number = next(
                    (
                        back.group()
                        for other in reversed(talk.agent)
                        for back in re.finditer(r"\d{8,13}", other.text)
                        if talk.confirmed(other)
                    ),
                    _plain(match.group().replace("-", "")),
                )
                yield Named(f"诈骗电话{number}", said, *match.span(), 1.3, Kind.VEHICLE)


_UNPLATED = {
    "0502": r"(?<!跑)(?<!开)(?:出租车?|网约车|黑车|顺风车)",
    "0501": r"公交车?(?!站|站牌|卡|公司)",
    "0505": r"班车|大巴|客车",
}


def _unplated(talk: Talk, code: str) -> Iterator[Named]:
    """A vehicle nobody saw the plate of."""
    words = _UNPLATED.get(code)
    for said in talk.caller[:3]:
        match = re.search(words, said.text) if words is not None else None
        if match is not None:
            kind = "出租车" if match.group() == "出租" else match.group()
            yield Named(kind, said, *match.span(), 0.97, Kind.VEHICLE)
            return
