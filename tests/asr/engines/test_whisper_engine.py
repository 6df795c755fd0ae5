"""Whisper: what it is believed, who goes first, and real Mandarin with a real model."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from asr.audio import Upsampler
from asr.engines import whisper_engine
from asr.engines.whisper_engine import (
    Decoded,
    Decoding,
    WhisperRecognizer,
    WhisperStream,
    believable,
    believable_so_far,
    leaked,
    mistaken_for_english,
)
from asr.hanzi import normalise
from asr.recognizer import EngineUnavailable, Hypothesis, SpeechLevel
from tests.asr.engines.listening import play
from tests.fakes.spoken import NAMES, character_errors, spoken


def decoded(text: str, *, log_probability: float = -0.3, no_speech: float = 0.05) -> Decoded:
    return Decoded(text=text, log_probability=log_probability, no_speech=no_speech)


@pytest.mark.parametrize(
    "text",
    ["你好，我要反映一下，我们小区楼下有个饭店。", "电话一三八零零一三八零零零", "好", "对对对，是三栋", "喂喂喂喂"],
)
def test_what_people_say_is_believed(text: str) -> None:
    assert believable(decoded(text))


@pytest.mark.parametrize(
    "spoken_alone",
    [
        decoded("七七零二", log_probability=-1.3, no_speech=0.54),
        decoded("零九二", log_probability=-1.0, no_speech=0.38),
        decoded("對,", log_probability=-1.1, no_speech=0.19),
        decoded("二棟樓下", log_probability=-0.6, no_speech=0.8),
    ],
)
def test_digits_said_in_groups_and_short_answers_are_believed(spoken_alone: Decoded) -> None:
    assert believable(spoken_alone)


@pytest.mark.parametrize(
    "made_up",
    [
        decoded(""),
        decoded("谢谢", log_probability=-1.5),
        decoded("那个小小的", log_probability=-1.2, no_speech=0.8),
        decoded("谢谢", log_probability=-0.7, no_speech=0.9),
        decoded("我们的我们的我们的我们的我们的我们的"),
        decoded("字幕由志愿者提供"),
        decoded("请不吝点赞 订阅 转发 打赏"),
        decoded("谢谢大家观看"),
    ],
)
def test_what_whisper_makes_up_is_not_believed(made_up: Decoded) -> None:
    assert not believable(made_up)


@pytest.mark.parametrize(
    ("begun", "is_shown"),
    [
        (decoded("我们小区楼下"), True),
        (decoded("您别着急", log_probability=-0.9, no_speech=0.35), True),
        (decoded("VIP卡"), True),
        (decoded("anyhold", log_probability=-1.3), False),
        (decoded("奤奤\ufffd奤", log_probability=-1.2), False),
    ],
)
def test_of_a_beginning_only_what_looks_like_words_is_shown(begun: Decoded, is_shown: bool) -> None:
    assert believable_so_far(begun) is is_shown


@pytest.mark.parametrize(
    ("text", "is_leak"),
    [
        ("锦绣花园、崇文镇、驿后小区", True),
        ("锦绣花园，崇文镇，驿后小区。", True),
        ("我住在锦绣花园三栋", False),
        ("锦绣花园，三栋，二单元", False),
        ("锦绣花园和崇文镇，都停电了", False),
        ("", False),
    ],
)
def test_a_list_of_hot_words_that_comes_back_as_text_is_known(text: str, is_leak: bool) -> None:
    assert leaked(text, "锦绣花园、崇文镇、驿后小区、文昌路") is is_leak


@pytest.mark.parametrize(
    ("text", "log_probability", "is_mistaken"),
    [
        ("I am your host, we are the users", -1.04, True),
        ("Anyhow, we also use our...", -0.99, True),
        ("Hello, can you speak English?", -0.4, False),
        ("我的WIFI不行", -1.2, False),
        ("VIP", -1.2, False),
        ("OK好的", -1.2, False),
        ("", 0.0, False),
    ],
)
def test_english_that_whisper_makes_of_chinese_with_holes_is_known(
    text: str, log_probability: float, is_mistaken: bool
) -> None:
    decoded = Decoded(text=text, log_probability=log_probability, no_speech=0.1)
    assert mistaken_for_english(decoded) is is_mistaken


async def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"model\.bin"):
        await WhisperRecognizer(tmp_path).start()


@pytest.mark.speech
async def test_mandarin_at_the_pace_of_speech_is_understood_while_it_is_spoken(whisper: WhisperRecognizer) -> None:
    errors = {}
    for name in NAMES:
        clip = spoken(name)
        heard = await play(whisper, clip.pcm)
        errors[name] = round(character_errors(clip.text, heard.text), 3)
        print(name, errors[name], "first text", round(heard.first_text_s, 2), [f.latency_ms for f in heard.finals])
        late = any(state.level is SpeechLevel.DEGRADED for state in heard.states)
        assert late or (heard.partials and heard.first_text_s < clip.seconds), "late, and nothing said about it"
        assert all(partial.text for partial in heard.partials)
    # this model, on this voice: about 0.2 on average. A broken audio path or a foreign script gives 0.5 and more
    assert sum(errors.values()) / len(errors) < 0.35, errors


@pytest.mark.speech
async def test_noise_and_tones_give_no_text(whisper: WhisperRecognizer) -> None:
    seconds = np.arange(3 * 8000) / 8000
    ring_back = (np.sin(2 * np.pi * 450 * seconds) * 6000).astype("<i2").tobytes()
    noise = np.random.default_rng(5).normal(0, 800, 3 * 8000).astype("<i2").tobytes()
    heard = await play(whisper, ring_back + noise, pause_s=0.6)
    assert heard.text == ""


@pytest.mark.speech
async def test_segments_of_one_stream_are_answered_in_order_and_all(whisper: WhisperRecognizer) -> None:
    stream = whisper.open("x")
    audio = [Upsampler().convert(spoken(name).pcm, last=True) for name in ("which-compound", "leaking-kitchen-ceiling")]
    for segment in [*audio, b""]:
        stream.feed(segment)
        stream.flush()
    said: list[Hypothesis] = []

    async def read() -> None:
        async for hypothesis in stream.hypotheses():
            said.append(hypothesis)

    reading = asyncio.create_task(read())
    await stream.close()
    await reading
    texts = [normalise(hypothesis.text) for hypothesis in said if hypothesis.final]
    assert len(texts) == 3
    assert "小区" in texts[0] or "饭店" in texts[0]
    assert "漏" in texts[1] or "厨房" in texts[1] or "半个月" in texts[1]
    assert texts[2] == ""


@pytest.mark.speech
async def test_finals_of_others_come_before_partials(whisper: WhisperRecognizer) -> None:
    clip = Upsampler().convert(spoken("which-compound").pcm, last=True)
    talking = [whisper.open(f"talking {n}") for n in range(3)]
    for stream in talking:
        stream.feed(clip)
    waiting = whisper.open("waiting")
    waiting.feed(clip)
    waiting.flush()
    first = await anext(waiting.hypotheses())
    assert first.final
    said_before = sum(stream._said.qsize() for stream in talking)
    assert said_before <= 2  # only the partials that were being decoded already
    for stream in (*talking, waiting):
        await stream.close()


class NoDesk:
    """Nobody works here: the test takes the work itself."""

    def join(self, stream: WhisperStream) -> None:
        assert stream.lateness_s() == 0.0

    def wake(self) -> None:
        pass


def test_a_beginning_that_gives_nothing_is_tried_again_soon_and_what_follows_in_its_time() -> None:
    stream = WhisperStream(NoDesk())  # type: ignore[arg-type]
    tried: list[float] = []
    for tenths in range(1, 41):
        stream.feed(bytes(3200))
        if stream.wants_partial:
            tried.append(tenths / 10)
            stream.partial_decoded(stream.take_partial(), "我们小区" if tenths > 18 else "")
    assert tried == [1.1, 1.5, 1.9, 2.9, 3.9]


async def test_nothing_is_decoded_for_a_stream_that_was_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under overload the abandoned would otherwise keep the workers from the living, for ever."""
    heard: list[bytes] = []
    began, go_on = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, path: Path, **_: object) -> None:
            pass

        def load(self) -> None:
            pass

        def decode(self, pcm: bytes, decoding: Decoding) -> Decoded:
            heard.append(pcm)
            began.set()
            go_on.wait(10)
            return decoded("好的")

    monkeypatch.setattr(whisper_engine, "_Decoder", Slow)
    monkeypatch.setattr(whisper_engine, "why_not_whisper", lambda path: "")
    recognizer = WhisperRecognizer(tmp_path, workers=1)
    await recognizer.start()
    given_up, living = recognizer.open("given up"), recognizer.open("living")
    for pcm in (b"11", b"22", b"33"):
        given_up.feed(pcm)
        given_up.flush()
    assert await asyncio.to_thread(began.wait, 10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await given_up.close()
    living.feed(b"44")
    living.flush()
    go_on.set()
    assert (await anext(living.hypotheses())).final
    assert heard == [b"11", b"44"]
    await living.close()
    await recognizer.stop()


@pytest.mark.speech
async def test_stopping_ends_every_stream(whisper_model: Path) -> None:
    recognizer = WhisperRecognizer(whisper_model)
    await recognizer.start()
    stream = recognizer.open("x")
    await recognizer.stop()
    with pytest.raises(EngineUnavailable, match="stopped"):
        await anext(stream.hypotheses())
    with pytest.raises(EngineUnavailable):
        recognizer.open("y")
