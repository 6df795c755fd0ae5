"""Whisper: what it is believed, who goes first, and real Mandarin with a real model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.audio import Upsampler
from asr.engines import whisper_engine
from asr.engines.whisper_engine import FIRST, PARTIAL, Decoding, WhisperRecognizer, WhisperStream
from asr.engines.whisper_inventions import (
    Decoded,
    believable,
    believable_so_far,
    is_foreign,
    leaked,
    mistaken_for_english,
)
from asr.hanzi import normalise
from asr.recognizer import EngineUnavailable, Hypothesis, SpeechLevel
from tests.asr.engines.listening import play
from tests.fakes.loudness import LevelDetector
from tests.fakes.spoken import NAMES, character_errors, spoken
from tests.fakes.vosk_server import talk


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


@pytest.mark.parametrize(
    ("token", "foreign"),
    [("小区", False), ("，", False), ("12", False), (" ", False), ("\ufffd", False), ("hold", True), ("の小", True)],
)
def test_letters_that_no_chinese_word_is_written_with_are_known(token: str, foreign: bool) -> None:
    assert is_foreign(token) is foreign


def test_only_the_first_text_of_a_segment_is_held_to_chinese() -> None:
    stream, _ = at_no_desk()
    stream.feed(talk("xxxxxxxxxxxx"))
    first = stream.take_partial()
    stream.partial_decoded(first, "我要办")
    stream.feed(talk("xxxxxxxxxxxx"))
    assert (first.decoding.only_hanzi, stream.take_partial().decoding.only_hanzi) == (True, False)
    stream.flush()
    stream.feed(talk("xxxxxxxxxxxx"))
    assert stream.take_partial().decoding.only_hanzi


@pytest.mark.speech
async def test_of_a_beginning_that_it_takes_for_english_it_writes_chinese(whisper: WhisperRecognizer) -> None:
    desk = whisper._desk
    assert desk is not None
    pcm = Upsampler().convert(spoken("smoke-under-the-window").pcm, last=True)  # 哎你好

    def written(decoding: Decoding) -> list[str]:
        return [desk._decoder.decode(pcm[: round(32_000 * seconds)], decoding).text for seconds in (1.0, 1.2, 1.6)]

    assert any(is_foreign(text) or not text for text in written(PARTIAL)), "else this clip shows nothing"
    assert all(text and not is_foreign(text) for text in written(FIRST)), written(FIRST)


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
async def test_sound_of_as_many_positions_as_there_are_bands_is_decoded_like_its_neighbours(
    whisper: WhisperRecognizer,
) -> None:
    desk = whisper._desk
    assert desk is not None
    samples = spoken("smoke-under-the-window").pcm[: 2 * 8000]
    pcm = Upsampler().convert(samples, last=True)
    by_frames = {
        frames: desk._decoder.decode(pcm, Decoding(beam=1, pad_s=frames / 100 - len(pcm) / 32_000))
        for frames in (156, 158, 160, 162, 164)
    }
    about = [each.log_probability for frames, each in by_frames.items() if frames != 160]
    assert min(about) - 0.3 < by_frames[160].log_probability < max(about) + 0.3, by_frames


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

    def __init__(self) -> None:
        self.finals: list[object] = []

    def join(self, stream: WhisperStream) -> None:
        assert stream.lateness_s() == 0.0

    def wake(self) -> None:
        pass

    def put(self, job: object) -> None:
        self.finals.append(job)


def at_no_desk() -> tuple[WhisperStream, NoDesk]:
    desk = NoDesk()
    return WhisperStream(desk, LevelDetector()), desk  # type: ignore[arg-type]


def said_by(stream: WhisperStream) -> list[tuple[str, bool]]:
    said = [stream._said.get_nowait() for _ in range(stream._said.qsize())]
    return [(hypothesis.text, hypothesis.final) for hypothesis in said if isinstance(hypothesis, Hypothesis)]


def test_a_beginning_that_gives_nothing_is_tried_again_soon_and_what_follows_in_its_time() -> None:
    stream, _ = at_no_desk()
    tried: list[float] = []
    for tenths in range(1, 41):
        stream.feed(talk("x"))
        if stream.wants_partial:
            tried.append(tenths / 10)
            stream.partial_decoded(stream.take_partial(), "我们小区" if tenths > 18 else "")
    assert tried == [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 3.0, 4.0]


def test_a_breath_is_decoded_once_and_is_the_final_if_nothing_more_was_said() -> None:
    stream, desk = at_no_desk()
    wanted: list[float] = []
    for tenths, letter in enumerate("xxxxx.....", start=1):
        stream.feed(talk(letter))
        if stream.wants_breath:
            wanted.append(tenths / 10)
            stream.breath_decoded(stream.take_breath(), decoded("有人受伤"))
    stream.flush()
    assert wanted == [0.9]
    assert said_by(stream) == [("有人受伤", False), ("有人受伤", True)]
    assert (desk.finals, list(stream.jobs)) == ([], [])


def test_who_goes_on_after_a_breath_is_decoded_anew() -> None:
    stream, desk = at_no_desk()
    stream.feed(talk("xxxxx...."))
    stream.breath_decoded(stream.take_breath(), decoded("有人"))
    stream.feed(talk("xxxx.."))
    stream.flush()
    assert said_by(stream) == [("有人", False)], "the beginning was shown"
    assert len(desk.finals) == 1


def test_a_longer_sentence_takes_its_breath_sooner() -> None:
    stream, _ = at_no_desk()
    stream.feed(talk(22 * "x" + ".."))
    assert not stream.wants_breath
    stream.feed(talk("."))
    assert stream.wants_breath


def test_the_first_text_does_not_wait_for_a_breath_that_was_none_and_what_comes_late_replaces_nothing() -> None:
    stream, _ = at_no_desk()
    stream.feed(talk("xxxxx...."))
    breath = stream.take_breath()
    stream.feed(talk("xxxxxx"))
    assert stream.wants_partial
    stream.partial_decoded(stream.take_partial(), "有人受伤")
    stream.breath_decoded(breath, decoded("有人"))
    assert said_by(stream) == [("有人受伤", False)]
    stream.feed(talk("...."))
    second = stream.take_breath()
    stream.feed(talk("xxxxxxxxxxxx"))
    assert not stream.wants_partial, "more is on its way already"
    stream.breath_decoded(second, decoded("有人受伤了"))
    assert said_by(stream) == [("有人受伤了", False)]
    assert stream.wants_partial


def test_a_segment_that_ends_while_its_breath_is_decoded_waits_for_that_and_for_nothing_else() -> None:
    stream, desk = at_no_desk()
    stream.feed(talk("xxxxx...."))
    tried = stream.take_breath()
    stream.feed(talk(".."))
    stream.flush()
    stream.feed(talk("xxxxxxxxxxxx...."))
    assert not stream.wants_partial, "the text of the first comes first"
    assert not stream.wants_breath
    assert (said_by(stream), desk.finals) == ([], [])
    stream.breath_decoded(tried, decoded("有人受伤"))
    assert said_by(stream) == [("有人受伤", True)]
    assert stream.wants_breath


def test_what_was_begun_of_a_segment_that_has_ended_is_not_shown_with_the_next() -> None:
    stream, _ = at_no_desk()
    stream.feed(talk("xxxxxxxxxxxx"))
    stale = stream.take_partial()
    stream.flush()
    stream.final_decoded(stream.jobs[0], decoded("我们小区"))
    stream.feed(talk("xxxxxxxxxxxxxxxx"))
    stream.take_partial()
    stream.partial_decoded(stale, "我们")
    assert said_by(stream) == [("我们小区", True)]


def test_a_breath_that_gives_nothing_believable_ends_as_no_text() -> None:
    stream, _ = at_no_desk()
    stream.feed(talk("xxxxx...."))
    stream.breath_decoded(stream.take_breath(), decoded("字幕由志愿者提供"))
    stream.flush()
    assert said_by(stream) == [("", True)]


async def whisper_of(
    decode: Callable[[bytes, Decoding], Decoded], monkeypatch: pytest.MonkeyPatch, *, workers: int
) -> WhisperRecognizer:
    """One whose model is played by ``decode``, in a thread."""

    class Played:
        def __init__(self, path: Path, **_: object) -> None:
            pass

        def load(self) -> None:
            pass

        def decode(self, pcm: bytes, decoding: Decoding) -> Decoded:
            return decode(pcm, decoding)

    monkeypatch.setattr(whisper_engine, "_Decoder", Played)
    monkeypatch.setattr(whisper_engine, "why_not_whisper", lambda path: "")
    recognizer = WhisperRecognizer(Path(), workers=workers, detector=LevelDetector)
    await recognizer.start()
    return recognizer


async def test_nothing_is_decoded_for_a_stream_that_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under overload the abandoned would otherwise keep the workers from the living, for ever."""
    heard: list[bytes] = []
    began, go_on = threading.Event(), threading.Event()

    def decode(pcm: bytes, decoding: Decoding) -> Decoded:
        heard.append(pcm)
        began.set()
        go_on.wait(10)
        return decoded("好的")

    recognizer = await whisper_of(decode, monkeypatch, workers=1)
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


async def test_a_final_does_not_wait_for_a_partial_of_the_same_stream_that_nobody_will_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def decode(pcm: bytes, decoding: Decoding) -> Decoded:
        if decoding is whisper_engine.FINAL:
            return decoded("有人受伤")
        began.set()
        go_on.wait(10)
        return decoded("有人")

    recognizer = await whisper_of(decode, monkeypatch, workers=2)
    stream = recognizer.open("x")
    stream.feed(talk("xxxxxxxxxxxx"))
    assert await asyncio.to_thread(began.wait, 10)
    stream.flush()
    async with asyncio.timeout(5):
        first = await anext(stream.hypotheses())
    assert (first.text, first.final) == ("有人受伤", True)
    go_on.set()
    await stream.close()
    await recognizer.stop()


@pytest.mark.parametrize("short_of", ["workers", "time"])
async def test_a_machine_that_is_short_of_time_decodes_no_breath(
    monkeypatch: pytest.MonkeyPatch, short_of: str
) -> None:
    heard: list[int] = []

    def decode(pcm: bytes, decoding: Decoding) -> Decoded:
        heard.append(round(len(pcm) / 3200))
        return decoded("好的")

    monkeypatch.setattr(whisper_engine, "_QUICK_S", 10.0 if short_of == "workers" else 0.0)
    recognizer = await whisper_of(decode, monkeypatch, workers=1 if short_of == "workers" else 2)
    stream, other = recognizer.open("x"), recognizer.open("another")
    stream.feed(talk("xxxxx...."))
    other.feed(talk("xxx"))
    other.flush()
    assert (await anext(other.hypotheses())).final, "somebody was free to look"
    stream.feed(talk("..."))
    stream.flush()
    assert (await anext(stream.hypotheses())).final
    assert heard == [3, 12], "the whole segment, and nothing before"
    for each in (stream, other):
        await each.close()
    await recognizer.stop()


async def test_segments_that_follow_a_breath_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def decode(pcm: bytes, decoding: Decoding) -> Decoded:
        if not began.is_set():
            began.set()
            go_on.wait(10)
            return decoded("第一句")
        return decoded("第二句")

    recognizer = await whisper_of(decode, monkeypatch, workers=2)
    stream, busy = recognizer.open("x"), recognizer.open("another")
    stream.feed(talk("xxxxx...."))
    assert await asyncio.to_thread(began.wait, 10), "its breath is being decoded"
    stream.flush()
    for each in (stream, busy):
        each.feed(talk("xxx"))
        each.flush()
    assert (await anext(busy.hypotheses())).text == "第二句", "one worker was free all the time"
    go_on.set()
    hypotheses = stream.hypotheses()
    assert [(await anext(hypotheses)).text for _ in range(2)] == ["第一句", "第二句"]
    await stream.close()
    await busy.close()
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
