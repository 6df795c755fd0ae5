"""Pauses between words as punctuation, of an engine that tells when each word was said and writes none (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from asr.hanzi import normalise
from asr.recognizer import Capabilities, Hypothesis, Word

PAUSE_S = 0.2
"""Silence between two words that is a pause. Measured on talks read out by a synthetic voice: of gaps this long 98 %
stand where the text has punctuation, and nine of ten of its commas have one. People hesitate: shorter gaps are none."""
_HAN = re.compile("[\u3400-\u9fff]")
_MARKS = re.compile(r"[，。？！：；、…,?!;:]")
_COMMA, _QUESTION = "，", "？"
_SPACES = re.compile(r"\s+")
_WHAT = (
    "什么(?:时候|时间|地方|位置|情况|名字|东西|牌子|原因|事儿?)|哪(?!怕)[里儿个家条天边年一位栋种]|几(?:[号点楼层栋单个次户分]|月)"
    "|多少|多久|多长时间|多大|何时|谁"
)
_ASKS = re.compile(
    r"吗$|(?<![着正在])(?<![着正在].)(?<!还[在没].)(?<!还[在没]..)呢$|[对是]吧$|贵姓$"
    r"|(?<!知道)怎么(?:称呼|联系|回事|办|写|弄|样)您?$|过没有$|什么(?:要求|诉求)?$"
    r"|(?<![没不])(?:是不是|对不对|行不行|可不可以|能不能|好不好|有没有|要不要|管不管)$"
    r"|(?:请问|您|你)(?!知道|记得).{0,12}(?:什么|哪|怎么).{0,8}$|(?:有没有|是不是|能不能|可不可以).{1,5}$"
    rf"|^(?:(?:那|请问|您|你|是|在|从|这|一般|大概|具体|目前|当时|电话|住|叫|到|持续|留).{{0,6}})?(?:{_WHAT}).{{0,4}}$"
    rf"|(?:是|在|了|还|交|花|有)(?:{_WHAT})钱?$|(?<!不知道)多(?:少|久|长时间)了?$"
)
"""The last clause of what is asked."""


def text_of(hypothesis: Hypothesis, engine: Capabilities) -> str:
    """What is shown and read of it. Text of an engine that punctuates, and text that is not final, stays as it is."""
    if engine.punctuation or not hypothesis.final or not hypothesis.words:
        return normalise(hypothesis.text)
    return normalise(with_pauses(hypothesis.text, hypothesis.words))


def with_pauses(text: str, words: Sequence[Word]) -> str:
    """``text`` with commas where its ``words`` were said apart, and what is asked with its mark; as it is where they do
    not tell the same, where it has marks already, and where nothing of it is Chinese.

    No full stop: of ten segments four end in the middle of a sentence."""
    said = " ".join(word.text for word in words)
    if _SPACES.sub("", said) != _SPACES.sub("", text) or not _HAN.search(text) or _MARKS.search(text):
        return text
    clauses = [" ".join(word.text for word in clause) for clause in _clauses(words)]
    return _COMMA.join(clauses) + (_QUESTION if _ASKS.search(_SPACES.sub("", clauses[-1])) else "")


def _clauses(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    first = 0
    for at in range(1, len(words)):
        if words[at].start_s - words[at - 1].end_s >= PAUSE_S:
            yield words[first:at]
            first = at
    yield words[first:]
