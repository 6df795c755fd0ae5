"""What kind of firm or office a name is of, where a recogniser wrote other characters of its sound (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from asr.lexicon import Lexicon, PlaceKind
from asr.lexicon.pinyin import syllables, unlike
from asr.prefill.reading import Said, Talk, substituted
from asr.prefill.trades import FIRM, LUCKY, OFFICE, SITE

_SHORTEST = 3
_HAN = re.compile(rf"[一-鿿]{{{_SHORTEST},}}")
_MORE = (
    "洗车店|售楼处|服装店|彩超室|急诊科|政务服务大厅|木器厂|家具厂|纸箱厂|洗煤厂|焦化厂|食品厂|服装厂|机械厂|砖瓦厂"
    "|铸造厂|水泥厂|玻璃厂|陶瓷厂|印刷厂|化肥厂|石材厂|木材厂|板材厂|废品站|加工点|沙石厂|沙场"
)
_FAMILIAR = (
    "供电公司|供水公司|自来水公司|燃气公司|天然气公司|供热公司|热力公司|公交公司|移动营业厅|联通营业厅|电信营业厅"
)
_OF_TOWNS = ("政府",)
_BEHIND_TOWNS = ("派出所", "卫生院", "司法所")
"""Behind a town's name without 镇 or 街道: 青岭派出所."""
_OF_DISTRICTS = ("人民医院", "中医院", "妇幼保健院", "图书馆", "政务服务大厅", "政务服务中心")
_ON_BOARDS = ("项目部", "指挥部", "建设", "公司", "集团", "建筑", "工程", "置业", "物业", "超市", "商贸", "药房")
_LONG = 5
"""Characters from which some of them may sound a little different, if the last two do not."""
_UNLIKE = 0.15
"""So unlike a syllable may be on average; of three behind 写着 a little more."""
_ON_BOARD = re.compile(r"(?:写|挂|印|喷)着(?:的?是|个|[呢门能](?=[一-鿿]{3}))*(?P<name>[一-鿿]{3,8})")
_UNLIKE_ON_BOARD = {2: 0.12, 3: 0.27}
_OTHER_WORDS = re.compile(r"[是从的了在不没就也有那这一二两三四五六七八九十]|^阳|广$")
"""Of three syllables with such a word among them too many happen to sound like a kind."""
_N = "零一二两三四五六七八九十0-9"
_PUT_RIGHT = (
    (re.compile(r"[纳那][各哥葛]|纳[个根]|那根(?=[，。一-鿿])(?!据|本)"), "那个"),
    (re.compile(r"有[各哥](?=[一-鿿]{2})(?!个|位|种|自|地|家|户|哥)"), "有个"),
    (re.compile(r"(?<=[写喷印挂贴标])[这者折](?=[一-鿿]{3})(?!个|家|么|种)"), "着"),
    (
        re.compile(r"(?:(?<=[商店厂家司校队场构字])|(?<=物业))[教较校脚角](?=[一-鿿]{3})(?!练|训|育|材|室|师|车)"),
        "叫",
    ),
    (re.compile(r"(?:(?<=水利|服务|市场|加油|垃圾|水管|供热|充电|公交))[战占](?![争斗役士胜友场略道])"), "站"),
    (re.compile(r"(?<=[哪这那个])小[琴妻七漆气趣起其启](?=[，。？、里的哪几叫]|$)"), "小区"),
    (re.compile(r"(?<=[一-鿿]{2})[每眉梅没][业夜叶](?=[，。的说给欠把]|$)"), "煤业"),
    (re.compile(r"(?<=[一-鿿]{2}[中小大])[鞋血雪写](?=[，。的]|$)"), "学"),
    (re.compile(r"(?<=[管喊])它(?=叫)"), "他"),
    (re.compile(r"(?<=写的是)[陵灵玲凌令龄](?=[零一二三四五六七八九]{2}(?![一-鿿]))"), "零"),
    (re.compile(r"皇[府付傅副辅](?=[一-鿿])"), "皇甫"),
    (re.compile(r"(?<=[姓叫])[中忠终]离"), "钟离"),
    (re.compile(r"(?<=[姓叫])(?:下[侯候猴]|夏[候猴])"), "夏侯"),
    (re.compile(r"(?<=[姓叫])(?:[朱珠猪竹诸][隔阁格革葛])"), "诸葛"),
    (re.compile(r"公[姆母木目](?=[，。的管里我说]|$)"), "公墓"),
    (re.compile(r"(?<=[一-鿿]{2})农[丝司思姿](?=[，。的是说店买]|$)"), "农资"),
    (re.compile(r"(?<=[一-鿿]{2})[之畸]业(?=[，。的]|$)"), "置业"),
    (re.compile(r"(?<![0-9点])[投头偷透][诉塑速数素](?=[一你我他她某那这个家公商医学警物下]|$)"), "投诉"),
    (re.compile(r"[几喜居巨聚][报抱](?=一?个|一[下家]|你们|他们?|某|那家|这家)"), "举报"),
    (re.compile(r"[标表飙][样洋羊杨扬](?=[一两三]?个|一下|你们|他们?|那个|人家)"), "表扬"),
    (re.compile(r"(?:[价驾架假加嘉]|(?<=[哪那这一])家)[校效笑孝小晓](?![孩朋时区姐心组声麦票伙偷说学])"), "驾校"),
    (re.compile(r"[建见间件健][工公宫功](?=[，。的说在欠不]|$)"), "建工"),
    (re.compile(r"(?<=[一-鿿]{2})[向像项橡响][胶焦](?![点急])"), "橡胶"),
    (re.compile(r"(?<=[一-鿿]{2})[电店垫][气器汽](?=[店城行商超公，。的不说]|却|$)"), "电器"),
    (re.compile(r"(?<=[一-鿿]{2})[误吴雾舞屋勿][业页夜叶](?=[，。的说不没公也来那]|$)"), "物业"),
    (re.compile(r"(?<=[一-鿿]{2})[庄装桩妆][是世市式试势视事](?=[，。的公说]|带班|老板|欠|$)"), "装饰"),
    (re.compile(r"快[底地弟第](?=公司|员|[点站柜，。、带代的]|$)"), "快递"),
    (re.compile(r"(?<=[一-鿿]{2})[置制智治致][业页](?=[，。的公说]|$)"), "置业"),
    (re.compile(r"(?<=[一-鿿]{2})公[私思丝](?=[，。的说在欠不]|$)"), "公司"),
    (re.compile(r"(?<=[一-鿿]{2})[贩泛][店点]"), "饭店"),
    (re.compile(r"(?<=[一-鿿]{2})[枕整镇真诊][锁所](?=[，。的说在看打输开]|$)"), "诊所"),
    (re.compile(r"(?<=[一-鿿]{2})[舞午五][导到倒道](?=队|班|室|学校)"), "舞蹈"),
    (re.compile(r"(?<=[一-鿿]{2})编[成程城](?=[，。的文在不说]|$)"), "编程"),
    (re.compile(rf"(?<![{_N}第])(?:1(?=2[院眼远园])|[十使石](?=[一二三四]院))(?=[一-鿿0-9]院|2[眼远园])"), "市"),
    (re.compile(r"(?<=市)2[院眼远园]"), "二院"),
)  # fmt: skip
"""Shorter words than are compared by their sound, as they are written where no other word makes sense."""
_Kinds = Mapping[tuple[str, ...], Sequence[tuple[str, tuple[str, ...]]]]


@lru_cache(maxsize=8)
def _kinds(lexicon: Lexicon) -> tuple[_Kinds, frozenset[str]]:
    """The kinds and their sounds by their last two syllables, the longest first; and all the words."""
    words = {word for pattern in (FIRM, SITE, OFFICE) for word in re.findall(_HAN, pattern.pattern)}
    words |= set(_FAMILIAR.split("|"))
    words |= {word for word in _MORE.split("|") if len(word) >= _SHORTEST}
    for place in lexicon.places:
        if place.kind in (PlaceKind.TOWN, PlaceKind.DISTRICT):
            ends = _OF_TOWNS if place.kind is PlaceKind.TOWN else (*_OF_TOWNS, *_OF_DISTRICTS)
            words |= {f"{place.name}{end}" for end in ends}
        if place.kind is PlaceKind.TOWN:
            words |= {f"{re.sub('(?:镇|乡|街道)$', '', place.name)}{end}" for end in _BEHIND_TOWNS}
    by_end: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for word in sorted(words, key=lambda one: (-len(one), one)):
        sounds = syllables(word)
        by_end[sounds[-2:]].append((word, sounds))
    return by_end, frozenset(words)


def by_ear(talk: Talk) -> Talk:
    """The talk with the kinds of firms and offices put right in every turn."""
    said = _agreed(tuple(_heard(one) for one in talk.all))
    same = all(one is other for one, other in zip(said, talk.all, strict=True))
    return talk if same else replace(talk, all=said)


@lru_cache(maxsize=8192)
def _heard(said: Said) -> Said:
    text = _asked_for(_put_right(said.text), _put_right(said.asked))
    for start, meant in (*_misheard(text, said.reading.lexicon), *_on_boards(text)):
        text = text[:start] + meant + text[start + len(meant) :]
    text = _likely_traders(text)
    asked = _put_right(said.asked)
    if text == said.text and asked == said.asked:
        return said
    return replace(said, reading=replace(said.reading, text=text), asked=asked)


@lru_cache(maxsize=8192)
def _put_right(text: str) -> str:
    """As long as it was."""
    return substituted(text, _PUT_RIGHT)


_WHICH = re.compile(r"哪一?[家个所](?P<kind>[一-鿿]{2,4})")
_NEAR = 0.36
"""So unlike the asked-for kind may sound in the answer, on average."""


def _asked_for(text: str, asked: str) -> str:
    """是哪家驾校？圣达驾驶在科创街: the answer names such a one again."""
    which = _WHICH.search(asked)
    kind = FIRM.match(which.group("kind")) if which is not None else None
    if kind is None or kind.group() in text:
        return text
    word = kind.group()
    clause = re.match(r"[一-鿿]+", text)
    heard = clause.group()[:8] if clause is not None else ""
    if len(word) < 2 or FIRM.search(heard) or SITE.search(heard) or OFFICE.search(heard):
        return text
    sounds, meant = syllables(heard), syllables(word)
    found = [
        (sum(map(unlike, sounds[at : at + len(word)], meant)) / len(word), at)
        for at in range(2, len(heard) - len(word) + 1)
        if heard[at] == word[0] or sounds[at] == meant[0]
    ]
    best = min(found, default=None)
    if best is None or best[0] > _NEAR:
        return text
    return text[: best[1]] + word + text[best[1] + len(word) :]


_NAME = 6
"""The most syllables before a kind that are compared."""
_HALF = 0.65
"""And what is read back for a name with a word of grammar in it, if its other half is the same: 搏动 for 不动."""
_SAME = 0.12
"""So unlike two hearings of one name may be on average."""


def _agreed(every: tuple[Said, ...]) -> tuple[Said, ...]:
    """What caller and operator call alike in sound and write otherwise, as the likelier of the two."""
    spelled: list[tuple[str, bool]] = []
    for said in every:
        for pattern in (FIRM, SITE):
            for match in pattern.finditer(said.text):
                body = re.search(rf"[一-鿿]{{2,{_NAME}}}$", said.text[: match.start()])
                if body is not None and len(match.group()) > 1:
                    spelled.append((body.group()[-2:] + match.group(), said.by_agent))
    texts = [said.text for said in every]
    for number, (one, by_agent) in enumerate(spelled):
        for other, agents in spelled[number + 1 :]:
            if one == other or by_agent == agents or len(one) != len(other) or one[2:] != other[2:]:
                continue
            told, back = (other, one) if by_agent else (one, other)
            garbled = _OTHER_WORDS.search(told[:2]) is not None and told[1] == back[1]
            if sum(map(unlike, syllables(one[:2]), syllables(other[:2]))) > (_HALF if garbled else 2 * _SAME):
                continue
            ahead = _lucky(one[:2]) - _lucky(other[:2])
            best, worse = (one, other) if ahead > 0 or (ahead == 0 and by_agent) else (other, one)
            if garbled:
                best, worse = back, told
            texts = [text.replace(worse, best) for text in texts]
    return tuple(
        said if text == said.text else replace(said, reading=replace(said.reading, text=text))
        for said, text in zip(every, texts, strict=True)
    )


def _lucky(name: str) -> int:
    return sum(char in LUCKY for char in name)


_TRADERS = {
    "heng": "恒横哼", "ding": "鼎顶盯", "da": "达打", "hong": "宏轰哄", "yuan": "源怨", "tai": "泰抬", "sheng": "盛剩",
    "xia": "霞吓", "jia": "佳价假", "kang": "康扛抗", "fu": "福付负", "tong": "通痛捅",
}  # fmt: skip
"""Of each sound the character traders like, then those that no trader likes."""
_UNLUCKY = {char: chars[0] for chars in _TRADERS.values() for char in chars[1:] if char not in LUCKY}
_BODY = re.compile(
    r"(?<![一-鿿])(?P<body>[一-鿿]{2})(?=(?P<kind>[一-鿿]{2,4}))|(?<=[叫是的着])(?P<later>[一-鿿]{2})(?=(?P<other>[一-鿿]{2,4}))"
)


def _likely_traders(text: str) -> str:
    """横打橡胶 is 恒达橡胶: of two characters before a kind, those that no name has, as names have them."""
    for match in _BODY.finditer(text):
        body, kind = match.group("body") or match.group("later"), match.group("kind") or match.group("other")
        if FIRM.match(kind) is None or not any(char in _UNLUCKY for char in body):
            continue
        better = "".join(_UNLUCKY.get(char, char) for char in body)
        if _lucky(better) == len(better):
            text = text[: match.start()] + better + text[match.end() :]
    return text


def _misheard(text: str, lexicon: Lexicon) -> Iterator[tuple[int, str]]:
    """Where a kind was meant that stands there under other characters; from the end, where the kind is told."""
    by_end, words = _kinds(lexicon)
    sounds = syllables(text)
    at = len(text)
    while at >= _SHORTEST:
        step = 1
        for word, meant in by_end.get(sounds[at - 2 : at], ()):
            start = at - len(word)
            heard = text[max(0, start) : at]
            if heard == word or (heard in words and len(heard) == len(word)):
                step = len(word)
                break
            if start >= 0 and _HAN.fullmatch(heard) and _sounds_so(heard, sounds[start:at], meant):
                yield start, word
                step = len(word)
                break
        at -= step


def _sounds_so(heard: str, sounds: Sequence[str], meant: Sequence[str]) -> bool:
    if tuple(sounds) == tuple(meant):
        return len(meant) > _SHORTEST or _OTHER_WORDS.search(heard) is None
    return len(meant) >= _LONG and sum(map(unlike, sounds, meant)) <= _UNLIKE * len(meant)


def _on_boards(text: str) -> Iterator[tuple[int, str]]:
    """写着华景牌校目博: a name read off a board ends with such a word."""
    for match in _ON_BOARD.finditer(text):
        name = match.group("name")
        if FIRM.search(name) or SITE.search(name):
            continue
        sounds = syllables(name)
        found = [
            (sum(map(unlike, sounds[at : at + len(word)], syllables(word))) / len(word), match.start("name") + at, word)
            for word in _ON_BOARDS
            for at in range(2, len(name) - len(word) + 1)
        ]
        best = min((one for one in found if one[0] <= _UNLIKE_ON_BOARD[len(one[2])]), default=None)
        if best is not None:
            yield best[1:]
