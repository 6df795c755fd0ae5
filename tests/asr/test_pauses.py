"""Pauses between words as punctuation: only where an engine tells times and writes none, and never other words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream, ScriptedTalker
from asr.offline import transcribe
from asr.pauses import PAUSE_S, text_of, with_pauses
from asr.recognizer import Capabilities, Final, Hypothesis, Word
from asr.sessions import SpeechSession
from asr.soundfiles import Sound
from tests.fakes.loudness import LevelDetector

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


class Timed(ScriptedRecognizer):
    """Tells of its finals when each word was said."""

    @property
    def capabilities(self) -> Capabilities:
        return TIMED

    def open(self, stream_id: str) -> ScriptedStream:
        return TimedStream(self, self._script.get("*", ()))


class TimedStream(ScriptedStream):
    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        async for hypothesis in super().hypotheses():
            if hypothesis.final:
                words = said(hypothesis.text)
                yield replace(hypothesis, text=" ".join(word.text for word in words), words=words)
            else:
                yield hypothesis


LINE = Line(start_s=0.5, end_s=2.5, text="好的 | 您 贵姓")
SHOWN = "好的，您贵姓？"


async def test_a_recording_is_read_with_its_pauses() -> None:
    samples = np.frombuffer(b"".join(frame for frame, _ in ScriptedTalker([LINE]).frames(until_s=3.5)), "<i2")
    sound = Sound(rate=8_000, channels=(samples.astype(np.int16),))
    (turn,) = await transcribe(sound, Timed({"*": [LINE]}), detector=LevelDetector)
    assert turn.raw == SHOWN


async def test_a_call_is_read_with_its_pauses() -> None:
    session = SpeechSession(Timed({"*": [LINE]}), stream_id="x", clock=lambda: 0.0, detector=LevelDetector())
    for frame, spoken_s in ScriptedTalker([LINE]).frames(until_s=2.5):
        session.feed(frame, spoken_s)
    await session.close()
    assert [event.text async for event in session.events() if isinstance(event, Final)] == [SHOWN]
