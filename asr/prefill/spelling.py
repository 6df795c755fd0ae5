"""Spelling talk (柴火的柴, 木子李): which character is meant, whatever was heard of the word that explains it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import sounds_like, syllables, unlike
from asr.prefill.reading import Said

NameWord = tuple[str, str, tuple[str, ...]]
"""A word, the character it explains, how the word sounds."""

_AFTERWARDS = (
    "字?旁|字头|那边|再加|加个|加上|带个|旁边|上面|上头|下面|下头|底下|右边|左边"
    "|换成|去掉|少|一个念|一个音|同音|那个音|长得"
)
_SPELLED = re.compile(
    r"(?P<word>[\u4e00-\u9fff]{2,4}?)(?:的(?:那个|这个)?|(?P<that>那个|这个))(?P<char>[\u4e00-\u9fff])"
    rf"(?!{_AFTERWARDS}|[，,](?:{_AFTERWARDS}|加|挂|带|把))"
    r"(?=$|[，,、。！？…\s]|字|吧|啊|呀|嘛|哈|嗯|对|不是|电话|手机|[\u4e00-\u9fff])"
)
_INSIDE = re.compile(
    r"(?:上面|上头|上边|下面|下头|下边|底下|左边|左面|右边|右面|旁边|边上|里面|里头|中间|外面|外头|跟前"
    r"|旁|头|底|边|单立人|走之|加|带|挂|换成|写|跟|像)(?:儿|是|有|再|一)*(?:一?个)?$"
)
"""草字头底下一个以为的以: a part of the character, not the character."""
_DENIED = re.compile(r"(?:不是|不叫|不读|不念|别写成|别写|别弄成|不是那个)(?:那个|这个|是)?$")

_MEANT_SO = re.compile(r"就行|就对|就好|就可以|吧|没错")


@lru_cache(maxsize=8)
def surnames_by_sound(lexicon: Lexicon) -> dict[tuple[str, ...], str]:
    """The commonest surname of each sound; the file has them in that order."""
    ranked = sorted(lexicon.surnames, key=lambda name: -lexicon.surnames[name])
    return {syllables(name): name for name in ranked if len(name) == 1}


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """(the word, the character it was said for); 不是陆地的陆 says what it is not."""
    for match in _SPELLED.finditer(text):
        word, char = match.group("word"), match.group("char")
        if match.group("that") and char not in word:
            continue
        if (
            denied_at(text, match.start())
            or re.search("不是|写成|不念|不读", word)
            or _INSIDE.search(text[: match.start()])
        ):
            continue
        if (
            re.match(r"(?:底下|下面|上面|上头|旁边|里面|右边|左边|单立人|草字头|加)?(?:一个|个)", word)
            and len(word) > 2
        ):
            continue
        yield word.removeprefix("是"), char


def denied_at(text: str, start: int) -> bool:
    """可不是儿童的童, 别写成感谢那个谢, 写成弓长张我查不着: what it is not."""
    mistaken = text[:start].endswith(("写成", "当成", "听成")) and _MEANT_SO.search(text[start : start + 12]) is None
    return mistaken or _DENIED.search(text[:start]) is not None


def spelled_at(text: str, *chars: str) -> bool:
    """Whether the words right here explain one of the characters (敏捷的敏, 翅膀那个翼, 文化的文)."""
    return any(char in chars and char in word for word, char in spellings(text[:24]))


def explained_behind(text: str, char: str) -> bool:
    """The same, or a word with it right here, however the character itself was heard then (首都的等)."""
    word = re.compile(rf"[，,、]?[\u4e00-\u9fff]{{1,2}}{re.escape(char)}[的那]")
    return spelled_at(text, char) or word.match(text) is not None


_BUILT = (
    "邰台耳 仝人工 昝处日 郜告耳 佟人冬 仉人几 贠厶贝 訾此言 芮草内 靳革斤 宓盖必 覃西早 郗希耳 "
    "逯录走 逄降走 闫门三 邢开耳 邬乌耳 邸底耳 郎良耳 郇旬耳 郦丽耳 鄢焉耳 郭享耳 邱丘耳 邹刍耳 "
    "祁示耳 郁有耳 郑关耳 邓又耳 邵召耳 阮耳元 陆耳击 陈耳东 仲人中 任人壬 付人寸 何人可 侯人候 "
    "佘人示 荀草旬 苟草句 荆草刑 蔺草门 蒲草浦 芦草户 芒草亡 茹草如 庞广龙 阎门臽 闵门文 闻门耳 "
    "阚门敢 闾门吕 宋盖木 宁盖丁 安盖女 晁日兆 昌日日 晏日安 贾西贝 贺加贝 费弗贝 岑山今 崔山佳 "
    "岳丘山 柴此木 栾亦木 桑又木 樊林大 楚林疋 穆禾白 "
)
"""A surname and two parts it is told by: 邰 is 台 and 耳."""
_WITH = r"[^。！？]{0,9}(?:上头|上面|上边|下头|下面|底下|旁|边|里头|里面|中间|加|挂|带|一个|个)[^。！？]{0,7}?"


def inside_at(text: str, start: int) -> bool:
    """门里头双口吕那个闾: only a part of the character."""
    return _INSIDE.search(text[:start]) is not None


def built(text: str, heard: str) -> str | None:
    """姓台，台上的台右边挂个耳朵: the surname that sounds so and is put together of these."""
    for surname, one, other in map(tuple, _BUILT.split()):
        if sounds_like(heard, surname) and re.search(f"{one}{_WITH}{other}", text):
            return surname
    return None


def by_spelling(said: Said, heard: str, at: int) -> str | None:
    """姓才，柴火的柴: what was heard is no surname, the word it was explained with holds one that sounds like it."""
    lexicon = said.reading.lexicon
    meant = built(said.text[at : at + 24], heard)
    if meant is not None:
        return meant
    explained = [char for word, last in spellings(said.text[at : at + 16]) for char in (last, *word)]
    explained += [parts_of for parts, parts_of in lexicon.cues.surname_parts.items() if parts in said.text[at : at + 8]]
    return next((char for char in explained if char in lexicon.surnames and sounds_like(char, heard)), None)


_TOLD_WITHIN = 40
"""Characters behind a name in which its given name is explained."""
_NEAR_WORD, _NEAR_NAME = 0.16, 0.65
"""How unlike the explaining word, a syllable on average, and the character it explains may sound."""


def by_word(said: Said, heard: str, at: int) -> str | None:
    """信其，委屈的其: no surname was heard, but the word it was explained with is, or sounds like, one of 屈's."""
    lexicon = said.reading.lexicon
    written = [char for word, char, _ in name_words(lexicon) if f"{word}的" in said.text[at : at + 14]]
    return next(
        (
            meant
            for meant, _ in words_meant(said, at)
            if meant in lexicon.surnames and (meant in written or near(heard, meant))
        ),
        None,
    )


def words_meant(said: Said, at: int) -> Iterator[tuple[str, str]]:
    """Characters whose usual word is heard before a 的, at ``at`` or up to ten further, and what is heard behind it."""
    text = said.text
    sounds = syllables(text)
    for match in re.finditer("的", text[at : at + 14]):
        end = at + match.start()
        for word, char, word_sounds in name_words(said.reading.lexicon):
            start = end - len(word)
            if start < at or _DENIED.search(text[:start]):
                continue
            if unlike_on_average(sounds[start:end], word_sounds) <= _NEAR_WORD:
                yield char, text[end + 1 : end + 2]


def given_meant(said: Said, at: int) -> Iterator[tuple[str, str, str]]:
    """Behind ``at``: the word heard before a 的, the characters that the nearest known word tells, and what follows."""
    text = said.text
    sounds = syllables(text)
    for match in re.finditer("[的得]", text[at : at + _TOLD_WITHIN]):
        end = at + match.start()
        costs = [
            (unlike_on_average(sounds[end - len(word) : end], word_sounds), char, len(word))
            for word, char, word_sounds in _ending_here(said.reading.lexicon, sounds, end)
            if end - len(word) >= at and not _DENIED.search(text[: end - len(word)])
        ]
        best = min(costs, default=(1.0, "", 0))
        for cost, char, length in costs:
            if cost <= min(best[0], _NEAR_WORD):
                yield text[end - length : end], char, text[end + 1 : end + 2]


def _ending_here(lexicon: Lexicon, sounds: Sequence[str], end: int) -> tuple[NameWord, ...]:
    """The words of which one syllable at least was heard where it belongs if the word ends at ``end``."""
    words = _by_place(lexicon)
    return tuple(
        dict.fromkeys(word for back in range(1, min(4, end) + 1) for word in words.get((back, sounds[end - back]), ()))
    )


@lru_cache(maxsize=8)
def _by_place(lexicon: Lexicon) -> dict[tuple[int, str], list[NameWord]]:
    """The city's own words first."""
    return from_the_end((*name_words(lexicon), *given_words(lexicon)))


def from_the_end(words: Iterable[NameWord]) -> dict[tuple[int, str], list[NameWord]]:
    """By a syllable and how far from the word's end it is."""
    found: dict[tuple[int, str], list[NameWord]] = {}
    for word in words:
        for back, sound in enumerate(reversed(word[2]), start=1):
            found.setdefault((back, sound), []).append(word)
    return found


def unlike_on_average(sounds: Sequence[str], others: Sequence[str]) -> float:
    """Of as many syllables each, 0..1."""
    return sum(map(unlike, sounds, others)) / len(others)


def near(heard: str, meant: str) -> bool:
    """Two characters that a recogniser may take for one another."""
    return unlike(syllables(heard)[0], syllables(meant)[0]) <= _NEAR_NAME


@lru_cache(maxsize=8)
def name_words(lexicon: Lexicon) -> tuple[NameWord, ...]:
    """The longest first."""
    words = sorted(lexicon.cues.name_words.items(), key=lambda entry: -len(entry[0]))
    return tuple((word, char, syllables(word)) for word, char in words)


@lru_cache(maxsize=8)
def given_words(lexicon: Lexicon) -> tuple[NameWord, ...]:
    """Of characters in given names: a word may tell either of its characters."""
    return tuple((word, char, syllables(word)) for char, words in lexicon.given_words.items() for word in words)
