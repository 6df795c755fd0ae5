"""Pauses between words as punctuation: only where an engine tells times and writes none, and never other words."""

from __future__ import annotations

import pytest

from asr.pauses import PAUSE_S, text_of, with_pauses
from asr.recognizer import Capabilities, Hypothesis, Word

TIMED = Capabilities(engine="some", model="some", languages=("zh",), word_times=True)
PUNCTUATING = Capabilities(engine="some", model="some", languages=("zh",), word_times=True, punctuation=True)


def said(line: str, gap_s: float = 0.3) -> tuple[Word, ...]:
    """Words by spaces; a bar is silence between two of them."""
    words: list[Word] = []
    at_s = 0.1
    for token in line.split():
        if token == "|":
            at_s += gap_s
            continue
        words.append(Word(text=token, start_s=at_s, end_s=at_s + 0.2))
        at_s += 0.2
    return tuple(words)


def final(line: str, gap_s: float = 0.3) -> Hypothesis:
    words = said(line, gap_s)
    return Hypothesis(text=" ".join(word.text for word in words), final=True, words=words)


def test_silence_between_words_is_a_comma() -> None:
    assert text_of(final("我 住 在 桃园 | 三号楼 二单元"), TIMED) == "我住在桃园，三号楼二单元"
    assert text_of(final("我 住 在 桃园 | 三号楼", gap_s=PAUSE_S - 0.03), TIMED) == "我住在桃园三号楼"


@pytest.mark.parametrize(
    "line",
    [
        "您 贵姓", "好的 | 您 怎么 称呼", "请问 有 什么 可以 帮 您", "是 从 什么 时候 开始 的", "您 跟 物业 说 过 吗",
        "停水 多久 了", "在 几号楼 几单元", "是 这样 | 对吧", "这个 归 你们 管 是不是",
    ],
)  # fmt: skip
def test_what_is_asked_ends_in_its_mark(line: str) -> None:
    assert text_of(final(line), TIMED).endswith("？")


@pytest.mark.parametrize(
    "line",
    [
        "没有 没有",
        "我 也 不 知道 怎么 办 才 好",
        "灯 还 亮 着 呢",
        "什么 也 没 留下",
        "您 贵姓 | 电话 留 一个",
        "我 姓 钱",
    ],
)
def test_what_is_told_does_not(line: str) -> None:
    assert not text_of(final(line), TIMED).endswith(("？", "。"))


def test_text_of_an_engine_that_punctuates_and_partial_text_stay() -> None:
    heard = final("您 贵姓 | 电话 多少")
    assert text_of(heard, PUNCTUATING) == "您贵姓电话多少"
    assert text_of(Hypothesis(text=heard.text, final=False, words=heard.words), TIMED) == "您贵姓电话多少"
    assert text_of(Hypothesis(text=heard.text, final=True), TIMED) == "您贵姓电话多少"


def test_text_with_marks_of_its_own_or_words_that_do_not_tell_it_stay() -> None:
    words = said("您好 | 请 讲")
    assert with_pauses("您好。请 讲", words) == "您好。请 讲"
    assert with_pauses("您好 请 说", words) == "您好 请 说"
    assert with_pauses("good morning", said("good | morning")) == "good morning"
    assert with_pauses("", ()) == ""


def test_latin_words_keep_their_spaces() -> None:
    assert text_of(final("用 的 是 smart home | 打不开"), TIMED) == "用的是smart home，打不开"
