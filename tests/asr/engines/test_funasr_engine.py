"""FunASR's two passes as one segment: growing text, one corrected final, whatever the server means by ``is_final``."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise

import pytest

from asr.engines import funasr_engine
from asr.engines.funasr_engine import FunasrRecognizer
from asr.engines.links import Patience
from asr.recognizer import EngineUnavailable, Hypothesis, SpeechLevel
from tests.fakes.funasr_server import FunasrServer
from tests.fakes.vosk_server import talk

QUICK = Patience(connect_s=1.0, answer_s=0.5, final_s=2.0, first_pause_s=0.02, longest_pause_s=0.1, give_up_s=1.0)


async def heard(recognizer: FunasrRecognizer, *patterns: str) -> list[list[Hypothesis]]:
    """All hypotheses of each segment, the next said when the one before is answered."""
    stream = recognizer.open("x")
    hypotheses, segments = stream.hypotheses(), []
    for pattern in patterns:
        said: list[Hypothesis] = []
        pcm = talk(pattern)
        for at in range(0, len(pcm), 3_200):
            stream.feed(pcm[at : at + 3_200])
            await asyncio.sleep(0.005)
        stream.flush()
        async with asyncio.timeout(6):
            while not (said and said[-1].final):
                said.append(await anext(hypotheses))
        segments.append(said)
    await stream.close()
    return segments


async def running(server: FunasrServer, **more: object) -> FunasrRecognizer:
    recognizer = FunasrRecognizer([server.url], patience=QUICK, **more)  # type: ignore[arg-type]
    await recognizer.start()
    return recognizer


@pytest.mark.parametrize("cplusplus", [True, False])
async def test_the_correction_replaces_the_quick_text(cplusplus: bool) -> None:
    async with FunasrServer(cplusplus=cplusplus) as server:
        recognizer = await running(server)
        first, second = await heard(recognizer, "xxxxxxx.", "xxxx.")
        await recognizer.stop()
    assert [said[-1].text for said in (first, second)] == ["阿阿阿阿阿阿阿。", "阿阿阿阿。"]


async def test_quick_text_grows_while_somebody_speaks() -> None:
    async with FunasrServer() as server:
        recognizer = await running(server)
        stream, said = recognizer.open("x"), list[str]()

        async def read() -> None:
            async for hypothesis in stream.hypotheses():
                said.append(hypothesis.text)

        reading = asyncio.create_task(read())
        async with asyncio.timeout(10):
            while len(set(said)) < 3:
                stream.feed(talk("x"))
                await asyncio.sleep(0.01)
        await stream.close()
        await reading
        await recognizer.stop()
    assert said[0].endswith("啊")
    assert all(later.startswith(earlier) for earlier, later in pairwise(said))


@pytest.mark.parametrize("cplusplus", [True, False])
async def test_sentences_that_the_server_ends_itself_are_one_segment_of_ours(cplusplus: bool) -> None:
    async with FunasrServer(cplusplus=cplusplus) as server:
        recognizer = await running(server)
        ((*_, final),) = await heard(recognizer, "xxxx" + 9 * "." + "xx.")
        await recognizer.stop()
    assert final.text == "阿阿阿阿。阿阿。"


async def test_the_last_result_is_not_waited_beyond_where_the_server_says_which_it_is() -> None:
    async with FunasrServer() as server:
        recognizer = await running(server)
        began_s = time.monotonic()
        await heard(recognizer, "xxxxxx.")
        assert time.monotonic() - began_s < 0.3
        await recognizer.stop()


async def test_a_server_that_says_nothing_to_nothing_is_answered_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funasr_engine, "_NOTHING_S", 0.2)
    async with FunasrServer(cplusplus=False) as server:
        recognizer = await running(server)
        ((final,),) = await heard(recognizer, "......")
        await recognizer.stop()
    assert (final.text, final.final) == ("", True)


async def test_it_is_told_the_rate_the_mode_and_the_hot_words() -> None:
    async with FunasrServer() as server:
        recognizer = await running(server, hotwords=["锦绣花园", "崇文镇"])
        await heard(recognizer, "xxx")
        await recognizer.stop()
        hello = server.hellos[-1]
    assert (hello["mode"], hello["audio_fs"], hello["is_speaking"], hello["wav_format"]) == (
        "2pass",
        16_000,
        True,
        "pcm",
    )
    assert json.loads(hello["hotwords"]) == {"锦绣花园": 20, "崇文镇": 20}


async def test_a_server_that_breaks_off_is_a_reason_and_not_an_empty_text() -> None:
    async with FunasrServer() as server:
        recognizer = await running(server)
        server.breaks = True
        with pytest.raises(EngineUnavailable):
            await heard(recognizer, "xxxxxx")
        await recognizer.stop()


@pytest.mark.parametrize(
    "answer",
    [
        "5",
        "no json",
        "[" * 100_000,
        '{"mode": "2pass-online", "text": null}',
        '{"mode": "2pass-offline", "text": {"a": 1}}',
        '{"mode": null, "text": "x"}',
        '{"mode": "2pass-online", "text": "x", "confidence": NaN}',
    ],
    ids=lambda answer: answer[:48],
)
async def test_what_is_no_result_is_the_servers_fault_and_tells_so(answer: str) -> None:
    async with FunasrServer() as server:
        recognizer = await running(server)
        server.garbage = answer
        with pytest.raises(EngineUnavailable, match=r"no speech server has room|no result"):
            await heard(recognizer, "xxxxxx")
        await recognizer.stop()


async def test_one_that_is_away_is_down() -> None:
    recognizer = FunasrRecognizer(["ws://127.0.0.1:9"], patience=QUICK)
    await recognizer.start()
    assert recognizer.health().level is SpeechLevel.DOWN
    assert recognizer.capabilities.engine == "funasr"
    await recognizer.stop()
