"""Words of an address by their sound: 便压起 is 变压器, and where an address goes on 专场 is 砖厂."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from operator import eq

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables, toneless, unlike
from asr.prefill.spots import STOPS

HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
_MORE = (
    "门诊楼 医技楼 彩超室 农贸市场 卫生服务中心 社区卫生服务中心 村东头 村西头 村南头 村北头 十字路口 "
    "老砖厂 老粮站 供销社 原先 跟前 工地 摊位 里头 院里头"
)
"""Besides the spots and endings of the lexicon."""
_NAMES = (
    "银河 万达 国贸 金鼎 世纪 阳光 华联 文化 湿地 儿童 人民 体育 时代 财富 市民 科技 商贸 农贸 建设 工商 农业 惠民 "
    "东方 新华 光明 和平 胜利 解放 幸福 红旗 实验 育才 希望 永辉 华润 大润发 银座 百货 五金 建材 家具 汽车 客运 长途 "
    "街心 森林 植物 动物 烈士 革命 老年 少年 青年 工人 职工 中医 妇幼 口腔 便民 金融 电力 电信 移动 联通 邮政"
)
_HOUSES = "大厦 广场 公园 商场 超市 小学 中学 医院 酒店 宾馆 市场 大楼 花园 中心 银行 书店 影城 驾校"
"""What many houses of any city are called, and what they are."""
LEAST = 3
"""Syllables that are told by their sound wherever they stand; two only where an address goes on."""
_NEAR = 0.2
"""How unlike one syllable may sound where all others are the same."""
_RIVAL = 0.6
"""How unlike a heard name and a place of the city may sound for that to be meant as well."""
_LONG, _LOST, _FAR = 5, 2, 0.2
"""Syllables of a long name, how many of them may be others, and how unlike all may sound on average."""
_OFTEN = 3
"""How often two characters stand side by side in people's wording if they are a word."""
NEVER = frozenset("我你您他她它是不的了们那这零一二两三四五六七八九十百几")
"""Heard so they are what they are."""
_APART = frozenset("楼层座号栋村路街，。")


class WordsOfPlace:
    """``exact``: by plain syllables; ``by_length``: with the folded ones. What is a word already stays as it is."""

    def __init__(self, lexicon: Lexicon) -> None:
        cues, more = lexicon.cues, _MORE.split()
        self.words = {word for word in (*cues.spots, *cues.place_suffixes, *more) if HAN.fullmatch(word)}
        self.exact: dict[tuple[str, ...], str] = {}
        for word in sorted(self.words, key=lambda word: (word not in more, word)):
            self.exact.setdefault(toneless(word), word)
        self.by_length: dict[int, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self.words |= {name + house for name in _NAMES.split() for house in _HOUSES.split()}
        for word in sorted(self.words):
            self.by_length[len(word)].append((syllables(word), word))
        self.long = [(syllables(word), word) for word in sorted(cues.place_suffixes) if len(word) >= _LONG]
        self.ordinary = "\n".join(line for lines in lexicon.phrasings.values() for line in lines)
        self.known: dict[int, list[tuple[str, ...]]] = defaultdict(list)
        for place in lexicon.places:
            self.known[len(place.name)].append(syllables(place.name))
        self.lengths = sorted({len(word) for word in self.words if len(word) >= LEAST}, reverse=True)

    def at(self, text: str, sounds: tuple[str, ...], at: int, end: int) -> str | None:
        """The longest word of three and more syllables that sounds just as what stands here, and is not that."""
        for length in self.lengths:
            word = self.exact.get(sounds[at : at + length]) if at + length <= end else None
            if word is not None:
                return word if self._may_be(text, at, word) else None
        return None

    def near(self, text: str, at: int, *, least: int, alike: int) -> str | None:
        """``least``: syllables; only in words of ``alike`` and more may one differ."""
        for length in range(4, least - 1, -1):
            heard = text[at : at + length]
            if len(heard) < length or not HAN.fullmatch(heard):
                continue
            if heard in self.words:
                return None
            word = self.exact.get(toneless(heard)) or (self._alike(heard) if length >= alike else None)
            if word is not None and self._may_be(text, at, word, begins=True):
                return word
        return None

    def _alike(self, heard: str) -> str | None:
        """All syllables the same but one that is nearly so; of two only beside the first character itself."""
        sounds = syllables(heard)
        best: tuple[float, str] | None = None
        for own, word in self.by_length[len(heard)]:
            if len(heard) == 2 and word[0] != heard[0]:
                continue
            costs = [unlike(one, other) for one, other in zip(sounds, own, strict=True)]
            near = sum(cost > 0 for cost in costs) <= 1 and sum(costs) <= _NEAR
            if near and (best is None or (sum(costs), word) < best):
                best = (sum(costs), word)
        return best[1] if best is not None and not self._named(sounds) else None

    def _named(self, sounds: tuple[str, ...]) -> bool:
        """A place of the city may be meant as well."""
        own = self.known[len(sounds)] if len(sounds) > LEAST else ()
        return any(sum(map(unlike, sounds, name)) <= _RIVAL for name in own)

    def long_names(self, text: str) -> Iterator[tuple[int, str]]:
        """旧五服务中西 is 政务服务中心: of five and more syllables all but two stand as they should."""
        sounds = syllables(text)
        said = set(sounds)
        for own, word in self.long:
            if len({*own} & said) < len({*own}) - _LOST:
                continue
            for start in range(len(sounds) - len(own) + 1):
                heard = sounds[start : start + len(own)]
                end = start + len(own)
                if sum(map(eq, heard, own)) < len(own) - _LOST or text[start:end] in self.words:
                    continue
                apart = not (self._cut(text, start) or self._cut(text, end)) and heard[-1][:1] == own[-1][:1]
                if apart and HAN.fullmatch(text, start, end) and sum(map(unlike, heard, own)) <= _FAR * len(own):
                    yield start, word
                    break

    def head(self, text: str, at: int, word: str) -> bool:
        """``word`` is what was heard here, or it sounds the same and nothing else was meant."""
        heard = text[at : at + len(word)]
        return heard == word or (toneless(heard) == toneless(word) and self._may_be(text, at, word))

    def _may_be(self, text: str, at: int, word: str, *, begins: bool = False) -> bool:
        """Nothing that people say here anyway, no number, hardly a word of grammar, and no half of another word.

        ``begins``: what stands before ends here.
        """
        end = at + len(word)
        heard = text[at:end]
        if heard == word or heard in self.words or heard in self.ordinary:
            return False
        changed = [one for one, other in zip(heard, word, strict=True) if one != other]
        if set(changed) & NEVER or sum(char in STOPS for char in changed) > (len(word) >= LEAST):
            return False
        if self._cut(text, end) or (heard[-1] != word[-1] and self._joins(text, end)):
            return False
        if not begins and (self._cut(text, at) or (heard[0] != word[0] and self._joins(text, at))):
            return False
        apart = begins or at == 0 or text[at - 1] in _APART or text[at - 1] in STOPS
        inside = any(heard[i : i + 2] in self.ordinary for i in range(len(heard) - 1) if heard[i : i + 2] not in word)
        return apart or not inside or len(word) == 2

    def _cut(self, text: str, at: int) -> bool:
        """A word of place goes on across."""
        starts = range(max(0, at - 3), at)
        ends = range(at + 1, min(len(text), at + 4) + 1)
        return any(text[start:end] in self.words for start in starts for end in ends)

    def _joins(self, text: str, at: int) -> bool:
        """The characters on both sides are a word."""
        pair = text[at - 1 : at + 1] if at else ""
        return HAN.fullmatch(pair) is not None and (pair in self.words or self.ordinary.count(pair) >= _OFTEN)


@lru_cache(maxsize=8)
def words_of_place(lexicon: Lexicon) -> WordsOfPlace:
    return WordsOfPlace(lexicon)
