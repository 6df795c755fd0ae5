"""What kind of firm or office a name is of, where a recogniser wrote other characters of its sound (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from asr.lexicon import Lexicon, PlaceKind
from asr.lexicon.pinyin import syllables
from asr.prefill.half_heard import unlike
from asr.prefill.reading import Said, Talk
from asr.prefill.trades import FIRM, OFFICE, SITE

_SHORTEST = 3
_HAN = re.compile(rf"[一-鿿]{{{_SHORTEST},}}")
_MORE = (
    "洗车店|售楼处|服装店|彩超室|急诊科|政务服务大厅|木器厂|家具厂|纸箱厂|洗煤厂|焦化厂|食品厂|服装厂|机械厂|砖瓦厂"
    "|铸造厂|水泥厂|玻璃厂|陶瓷厂|印刷厂|化肥厂|石材厂|木材厂|板材厂|废品站|加工点|沙石厂|沙场"
)
_OF_TOWNS = ("政府",)
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
_Kinds = Mapping[tuple[str, ...], Sequence[tuple[str, tuple[str, ...]]]]


@lru_cache(maxsize=8)
def _kinds(lexicon: Lexicon) -> tuple[_Kinds, frozenset[str]]:
    """The kinds and their sounds by their last two syllables, the longest first; and all the words."""
    words = {word for pattern in (FIRM, SITE, OFFICE) for word in re.findall(_HAN, pattern.pattern)}
    words |= {word for word in _MORE.split("|") if len(word) >= _SHORTEST}
    for place in lexicon.places:
        if place.kind in (PlaceKind.TOWN, PlaceKind.DISTRICT):
            ends = _OF_TOWNS if place.kind is PlaceKind.TOWN else (*_OF_TOWNS, *_OF_DISTRICTS)
            words |= {f"{place.name}{end}" for end in ends}
    by_end: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for word in sorted(words, key=lambda one: (-len(one), one)):
        sounds = syllables(word)
        by_end[sounds[-2:]].append((word, sounds))
    return by_end, frozenset(words)


def by_ear(talk: Talk) -> Talk:
    """The talk with the kinds of firms and offices put right in every turn."""
    said = tuple(_heard(one) for one in talk.all)
    same = all(one is other for one, other in zip(said, talk.all, strict=True))
    return talk if same else replace(talk, all=said)


@lru_cache(maxsize=8192)
def _heard(said: Said) -> Said:
    text = said.text
    for start, meant in (*_misheard(text, said.reading.lexicon), *_on_boards(text)):
        text = text[:start] + meant + text[start + len(meant) :]
    return said if text == said.text else replace(said, reading=replace(said.reading, text=text))


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
