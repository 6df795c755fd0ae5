"""Words of time where a recogniser wrote others of their sound: 做天晚上, 酒点半, 业里, 半个月冷 (pure)."""

from __future__ import annotations

import re
from functools import lru_cache

from asr.lexicon.pinyin import toneless
from asr.prefill.reading import Talk, reworded, substituted

_N = "零一二两三四五六七八九十0-9"
_HOURS = {
    "yi": "一", "liang": "两", "san": "三", "shan": "三", "si": "四", "wu": "五", "liu": "六", "qi": "七", "ba": "八",
    "jiu": "九", "xiu": "九", "qiu": "九", "shi": "十",
}  # fmt: skip
_HOUR_AFTER = rf"(?=点(?:半|多|来[钟中]|左右|钟|[，。！？、到吧]|开始|[二三四五]?十|$|[，,]?[{_N}]点))"
_HOUR = re.compile(
    rf"(?:(?<=[上下中]午)|(?<=[早晚]上)|(?<=夜里)|(?<=[半后]夜)|(?<=傍晚))(?P<odd>[一-鿿])(?:{_HOUR_AFTER})"
)
_BARE_HOUR = re.compile(
    r"(?<![一-鿿])(?P<odd>[酒久旧舅休秋球起气期骑巴爸流刘柳留午雾舞私斯山散亮量粮石时])(?=点(?:半|多|来[钟中]|左右|钟))"
)
_DAY_PART = r"(?:[上下]午|早上|早晨|中午|晚上|夜里|半夜|后[晌半上])"
_WEEK = r"(?:礼拜|星期|周)[一二三四五六日天]"
_PUT_RIGHT = (
    (re.compile(rf"[左做坐座作][二儿爱]个(?={_DAY_PART})"), "昨儿个"),
    (re.compile(rf"[左做坐座作]天(?={_DAY_PART})"), "昨天"),
    (re.compile(r"[里理李力利离立][拜败百白](?=[一二三四五六日天](?![天个次]))"), "礼拜"),
    (re.compile(rf"(?<=[这上个])[里礼理李力利离立][拜败百白大摆](?=[一二三四五六日天]{_DAY_PART})"), "礼拜"),
    (re.compile(r"(?<=[上这每个])[心新信兴][期七起](?=[一二三四五六日天])"), "星期"),
    (re.compile(rf"[业页叶]里(?=[{_N}头干响就又还都睡，])"), "夜里"),
    (re.compile(r"业间(?!隔|距)"), "夜间"),
    (re.compile(r"半业(?![主务绩])"), "半夜"),
    (re.compile(rf"[零0林临]程(?=[，]?[{_N}]{{1,2}}点|[，。])"), "凌晨"),
    (re.compile(rf"(?<=到)[走找造]起(?=[{_N}])"), "早起"),
    (re.compile(r"中5[02][点.]"), "，十二点"),
    (re.compile(r"(?<![初高其])中[五5](?=[能开有没不社，。])"), "中午"),
    (re.compile(r"甜甜(?![的蜜])"), "天天"),
    (re.compile(rf"(?<![{_N}几每半])[新星金京近进经紧](?=天(?:{_DAY_PART}|才|又|刚))"), "今"),
    (re.compile(rf"[千钱签浅潜](?=天{_DAY_PART})"), "前"),
    (re.compile(rf"[美没妹梅媒](?=天(?:{_DAY_PART}|从[{_N}早晚]|都[是在要从]|[{_N}]{{1,2}}点))"), "每"),
    (re.compile(r"[气趣取区](?=年(?:[一二三四五六七八九十0-9]{1,2}月|[春夏秋冬]天|年[底初]))"), "去"),
    (re.compile(rf"(?<=连)[就这者折的](?=(?:[{_N}几好]{{1,3}})个?[天晚夜宿])"), "着"),
    (re.compile(rf"[像向象商伤](?={_WEEK})"), "上"),
    (re.compile(rf"[碗玩弯](?=上[{_N}]{{1,2}}点)"), "晚"),
    (re.compile(rf"[找造](?=上[{_N}]{{1,2}}点)"), "早"),
    (re.compile(rf"(?<=[上下])[五误舞](?=[{_N}]{{1,2}}点)"), "午"),
    (re.compile(r"(?<=[前后]半)[也叶页业]"), "夜"),
    (re.compile(rf"[零0林临凌][程城成陈辰乘全沉](?=[，]?[{_N}]{{1,2}}点)"), "凌晨"),
    (re.compile(rf"(?<=[{_N}个半][个来多])[越夜业](?=[了冷没能，。]|$)"), "月"),
    (re.compile(rf"(?<=[{_N}]月)[出粗触](?=[头，就开坏])"), "初"),
    (re.compile(rf"(?<=[{_N}]月)[低抵递](?=[，交开提])"), "底"),
    (re.compile(r"[道刀倒](?=现在(?:还|都|也|没|不|一|，))"), "到"),
    (re.compile(r"(?<=[0-9])[.][85](?=吧|到[0-9]|开门|开始)"), "点半"),
    (re.compile(r"(?:(?<=[到至][0-9])|(?<=[到至]1[0-9]))[.]8(?=[，。]|$)"), "点吧"),
    (re.compile(r"(?<=[0-9])[.](?=到[0-9]{1,2}(?:[.点]|$)|半|[0-5][0-9]分)"), "点"),
    (re.compile(r"(?<=到[0-9])[.](?=[，。一-鿿]|$)"), "点"),
    (re.compile(r"(?<=我)[就着折](?=会儿[就在正])"), "这"),
    (re.compile(r"[时石实](?=来[天个年]天?)"), "十"),
    (re.compile(r"(?<=[得是到])[使石时](?=点(?:[2-5][0-9]|[二三四五]十|半))"), "十"),
    (re.compile(r"(?<=[到天，。])后[上闪](?=就|下|都|[，。]|[一两三四五六0-9]点)"), "后晌"),
    (re.compile(rf"(?<=[{_N}])[夜业越](?=[底初])"), "月"),
    (re.compile(r"(?<=年)[落拉蜡辣]月"), "腊月"),
    (re.compile(r"(?<=点)来[中终忠]"), "来钟"),
    (re.compile(r"(?<=点)[中终](?=[，。左]|$)"), "钟"),
    (re.compile(r"[挑桥瞧巧](?=(?:门|了|门了)半天)"), "敲"),
    (
        re.compile(
            rf"(?:(?<=[{_N}个俩来多半][天年月])|(?<=小时|钟头|礼拜|星期|分钟))(?:[冷雷乐勒楞嘞轮咧](?=[，。！？我你他这那]|$)|能(?=[，。！？]|$))"
        ),
        "了",
    ),
    (re.compile(rf"(?<=[{_N}个俩来多半][天年月周])[文闻问没温稳](?=[，。！？]|$)"), "了"),
    (re.compile(r"(?<=小时|钟头|礼拜|星期|分钟)[文闻问没温稳](?=[，。！？]|$)"), "了"),
    (re.compile(r"[集机级]点到[集机级]点"), "几点到几点"),
)  # fmt: skip


def by_ear(talk: Talk) -> Talk:
    """The talk with the words of time put right."""
    return reworded(talk, put_right)


@lru_cache(maxsize=8192)
def put_right(text: str) -> str:
    """As long as it was."""
    text = substituted(text, _PUT_RIGHT)
    for hour in (_HOUR, _BARE_HOUR):
        text = hour.sub(_hour, text)
    return text


def _hour(match: re.Match[str]) -> str:
    """The hour of that sound, if there is one."""
    odd = match.group("odd")
    return _HOURS.get(toneless(odd)[0], odd)
