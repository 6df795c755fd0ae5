"""Our worker with stock clients, with our own client, and with people who mean it no good."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import ClassVar

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from asr.engines.links import Kind, RemoteServer
from asr.engines.remote_engine import RemoteRecognizer
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream
from asr.pool import LimitedRecognizer
from asr.recognizer import Capabilities, Recognizer, Word
from asr.worker import Worker, WorkerLimits
from tests.api.serving import eventually
from tests.fakes.loudness import LevelDetector
from tests.fakes.vosk_clients import recognise
from tests.fakes.vosk_server import EOF, RESET, talk

TWO = [Line(start_s=0, end_s=1, text="你 好"), Line(start_s=0, end_s=1, text="我 要 反映")]
SPEECH = "..xxxx" + 12 * "." + "xxxxxx" + 12 * "."


@asynccontextmanager
async def worker(
    recognizer: Recognizer | None = None, limits: WorkerLimits | None = None
) -> AsyncIterator[tuple[Worker, str]]:
    served = Worker(recognizer or ScriptedRecognizer({"*": TWO}), limits=limits, detector=LevelDetector)
    port = await served.start("127.0.0.1", 0)
    yield served, f"127.0.0.1:{port}"
    await served.stop()


async def test_a_stock_client_gets_one_answer_to_each_message_and_finals_as_speech_ends() -> None:
    async with worker() as (_, address):
        pcm = talk(SPEECH, rate=8_000)
        dialogue = await recognise(f"ws://{address}", pcm, rate=8_000)
    assert len(dialogue.answers) == -(-len(pcm) // 3200) + 1
    assert [final["text"] for final in dialogue.finals] == ["你 好", "我 要 反映", ""]
    assert any(answer.get("partial") for answer in dialogue.answers)


async def test_what_is_still_open_at_the_eof_is_in_its_answer() -> None:
    async with worker() as (_, address):
        dialogue = await recognise(f"ws://{address}", talk("..xxxx" + 12 * "." + "xxxx"), rate=16_000)
    assert dialogue.text == "你 好 我 要 反映"


async def test_stock_clients_get_words_and_alternatives_when_they_ask() -> None:
    class Wordy(ScriptedRecognizer):
        def open(self, stream_id: str) -> WordyStream:  # type: ignore[override]
            return WordyStream(self, TWO)

    class WordyStream(ScriptedStream):
        async def hypotheses(self):  # type: ignore[no-untyped-def]
            async for said in super().hypotheses():
                words = tuple(Word(text=word, start_s=0.1, end_s=0.2, confidence=0.7) for word in said.text.split())
                yield said if not said.final else type(said)(text=said.text, final=True, confidence=0.7, words=words)

    async with worker(Wordy({})) as (_, address):
        with_words = await recognise(f"ws://{address}", talk(SPEECH), rate=16_000, config={"words": 1})
        several = await recognise(f"ws://{address}", talk(SPEECH), rate=16_000, config={"max_alternatives": 3})
    assert with_words.finals[0]["result"][0] == {"conf": 0.7, "start": 0.1, "end": 0.2, "word": "你"}
    assert several.finals[0] == {"alternatives": [{"confidence": 0.7, "text": "你 好"}]}


async def test_our_own_client_and_worker_understand_each_other_and_nothing_is_segmented_twice() -> None:
    limited = LimitedRecognizer(ScriptedRecognizer({"*": TWO}), limit=5)
    async with worker(limited) as (_, address):
        client = RemoteRecognizer([RemoteServer(url=f"ws://{address}")])
        await client.start()
        assert client.servers[0].kind is Kind.RESETS
        assert (client.room, client.capabilities.model) == (5, "script")
        stream = client.open("x")
        said = []
        for pattern in ("xx..xx", ".."):  # speech or not: the client has decided
            stream.feed(talk(pattern))
            stream.flush()
        async for hypothesis in stream.hypotheses():
            if hypothesis.final:
                said.append((hypothesis.text, hypothesis.confidence))
            if len(said) == 2:
                break
        await stream.close()
        await client.stop()
    assert said == [("你 好", 0.9), ("我 要 反映", 0.9)]


async def test_each_connection_is_a_stream_with_a_name_of_its_own_and_the_client_knows_what_the_engine_likes() -> None:
    class Whole(ScriptedRecognizer):
        names: ClassVar[list[str]] = []

        @property
        def capabilities(self) -> Capabilities:
            return replace(super().capabilities, whole_segments=True)

        def open(self, stream_id: str) -> ScriptedStream:
            self.names.append(stream_id)
            return super().open(stream_id)

    async with worker(Whole({"*": TWO})) as (_, address):
        client = RemoteRecognizer([RemoteServer(url=f"ws://{address}")])
        await client.start()
        assert client.capabilities.whole_segments
        for stream in (client.open("x"), client.open("y")):
            stream.feed(talk("xx"))
            stream.flush()
            assert await anext(said.text async for said in stream.hypotheses() if said.final) == "你 好"
            await stream.close()
        await client.stop()
    assert len(set(Whole.names)) == 2, "whoever sheds one of them does not shed both"


async def test_a_reset_gives_the_final_and_keeps_the_connection_and_spaces_do_not_matter() -> None:
    async with worker() as (_, address), connect(f"ws://{address}") as socket:
        answers = []
        for message in (talk("xxx"), RESET, talk("xxx"), '{"reset":1}', '{"eof":1}'):
            await socket.send(message)
            answers.append(json.loads(await socket.recv()))
        await socket.wait_closed()
    assert [answers[1]["text"], answers[3]["text"], answers[4]["text"]] == ["你 好", "我 要 反映", ""]


async def test_a_client_can_neither_load_a_model_nor_hand_over_a_grammar() -> None:
    class Guarded(ScriptedRecognizer):
        loaded = 0

        async def start(self) -> None:
            self.loaded += 1

    engine = Guarded({"*": TWO})
    async with worker(engine) as (served, address):
        config = {"model": "/etc", "phrase_list": ["你"], "sample_rate": "16000", "words": "yes"}
        dialogue = await recognise(f"ws://{address}", talk(SPEECH), rate=16_000, config=config)
        assert served.facts()["model"] == "script"
    assert engine.loaded == 0
    assert len(dialogue.finals) >= 1


RATES = "sample_rate must be 8000 to 48000"
NO_COMMANDS = [
    ("hello", "the text is no JSON"), ("[]", "unknown text"), ('{"config": 1}', "unknown text"),
    ("[" * 100_000, "the text is nested too deep"), ('{"config": ' + '{"a": ' * 100_000, "the text is nested too deep"),
    *(('{"config": {"sample_rate": ' + rate + "}}", RATES) for rate in
      ("NaN", "1e999", "-Infinity", "1" + 400 * "0", '"x"', "null", "true", "[16000]", "7999", "48001", "-16000")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), NO_COMMANDS, ids=[text[:40] for text, _ in NO_COMMANDS])
async def test_a_text_that_means_nothing_ends_the_connection_with_the_reason_and_no_other(text: str, why: str) -> None:
    async with worker() as (_, address), connect(f"ws://{address}") as other:
        async with connect(f"ws://{address}") as socket:
            await socket.send(text)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1003, why)
        await other.send(talk("xx"))
        assert "partial" in json.loads(await other.recv())


@pytest.mark.parametrize(
    ("engine", "limits"),
    [
        (ScriptedRecognizer({"*": TWO}), WorkerLimits(peer_streams=2)),
        (LimitedRecognizer(ScriptedRecognizer({"*": TWO}), limit=1), WorkerLimits()),
    ],
    ids=["as it was told", "what the engine carries, and one that asks"],
)
async def test_one_peer_has_only_so_many_connections(engine: Recognizer, limits: WorkerLimits) -> None:
    async with worker(engine, limits) as (_, address):
        async with connect(f"ws://{address}") as one, connect(f"ws://{address}") as two:
            for socket in (one, two):
                await socket.send(RESET)
                await socket.recv()
            async with connect(f"ws://{address}") as third:
                with pytest.raises(ConnectionClosed):
                    await third.recv()
                assert third.close_code == 1013
        async with connect(f"ws://{address}") as again:
            await again.send(RESET)
            assert json.loads(await again.recv()) == {"text": ""}


async def test_a_full_worker_says_so_and_our_client_waits_for_room() -> None:
    limited = LimitedRecognizer(ScriptedRecognizer({"*": TWO}), limit=1)
    async with worker(limited) as (_, address), connect(f"ws://{address}") as first:
        await first.send(talk("x"))
        await first.recv()
        async with connect(f"ws://{address}") as second:
            await second.send(talk("x"))
            with pytest.raises(ConnectionClosed):
                await second.recv()
            assert second.close_code == 1013
    assert limited.open_streams == 0


async def test_a_connection_that_says_nothing_is_closed_and_its_stream_given_back() -> None:
    engine = ScriptedRecognizer({"*": TWO})
    async with worker(engine, WorkerLimits(idle_s=0.1)) as (served, address):
        async with connect(f"ws://{address}") as socket:
            await socket.send(talk("x"))
            await socket.recv()
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert (socket.close_code, socket.close_reason) == (1001, "idle")
        await eventually(lambda: not served.streams)
    assert engine.closed == 1


async def test_a_leg_that_was_quiet_for_longer_than_the_worker_waits_is_heard_again_and_nothing_was_down() -> None:
    async with worker(limits=WorkerLimits(idle_s=0.1)) as (served, address):
        client = RemoteRecognizer([RemoteServer(url=f"ws://{address}")])
        await client.start()
        stream, texts = client.open("x"), []
        for _ in range(2):
            stream.feed(talk("xx"))
            stream.flush()
            texts.append(await anext(said.text async for said in stream.hypotheses() if said.final))
            await eventually(lambda: not served.streams)
            assert (client.servers[0].up, client.servers[0].failures) == (True, 0)
        await stream.close()
        await client.stop()
    assert texts == ["你 好", "你 好"], "each connection is a talk of its own to the engine"


async def test_without_a_limit_anybody_comes_and_without_patience_nobody_is_sent_away() -> None:
    limits = WorkerLimits(peer_streams=math.inf, idle_s=None)
    async with (
        worker(LimitedRecognizer(ScriptedRecognizer({"*": TWO}), limit=1, enforced=False), limits) as (_, address),
        AsyncExitStack() as held,
    ):
        for _ in range(4):
            socket = await held.enter_async_context(connect(f"ws://{address}"))
            await socket.send(talk("x"))
            assert "partial" in json.loads(await socket.recv())


async def test_an_engine_that_fails_ends_that_connection_only() -> None:
    engine = ScriptedRecognizer({"*": [Line(start_s=0, end_s=1, text="坏了", fails=True)]})
    async with worker(engine) as (served, address):
        async with connect(f"ws://{address}") as socket:
            await socket.send(talk("xx"))
            await socket.recv()
            await socket.send(EOF)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1011
        async with connect(f"ws://{address}") as socket:
            await socket.send(RESET)
            assert json.loads(await socket.recv()) == {"text": ""}
        assert served.streams == 0


@pytest.mark.parametrize("messages", [(talk("xx"), EOF), (talk("xx"), RESET)], ids=["eof", "reset"])
async def test_an_engine_that_hangs_is_not_called_an_idle_client(messages: tuple[bytes, str]) -> None:
    engine = ScriptedRecognizer({"*": [Line(start_s=0, end_s=1, text="", hangs=True)]})
    async with worker(engine, WorkerLimits(answer_s=0.1, idle_s=None)) as (_, address):
        async with connect(f"ws://{address}") as socket:
            for message in messages:
                await socket.send(message)
            await socket.wait_closed()
        assert (socket.close_code, socket.close_reason) == (1011, "the engine does not answer")


async def test_its_health_is_asked_over_http() -> None:
    limited = LimitedRecognizer(ScriptedRecognizer({"*": TWO}), limit=3)
    async with worker(limited) as (_, address), httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    facts = answer.json()
    assert (facts["engine"], facts["limit"], facts["streams"], facts["state"]) == ("scripted", 3, 0, "ok")
    assert facts["rss_mib"] > 1


async def test_a_vanished_client_leaves_nothing_behind() -> None:
    engine = ScriptedRecognizer({"*": TWO})
    async with worker(engine) as (served, address):
        socket = await connect(f"ws://{address}")
        await socket.send(talk("xxxx"))
        await socket.recv()
        socket.transport.abort()
        await socket.wait_closed()
        await eventually(lambda: not served.streams)
    assert engine.opened == engine.closed == 1
