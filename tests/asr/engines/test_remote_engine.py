"""Our client with stock servers of each kind: every segment is answered once, whatever a server does in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from asr.engines.links import Answer, Kind, Link, Patience, RemoteServer, VoskLink
from asr.engines.remote_engine import RemoteRecognizer, RemoteStream
from asr.recognizer import EngineUnavailable, Hypothesis, SpeechLevel
from tests.api.serving import eventually
from tests.fakes.vosk_server import StockServer, talk

QUICK = Patience(connect_s=1.0, answer_s=0.5, final_s=0.5, first_pause_s=0.02, longest_pause_s=0.1, give_up_s=1.0)
NOBODY = "ws://127.0.0.1:9"


@asynccontextmanager
async def remote(*servers: StockServer | RemoteServer, patience: Patience = QUICK) -> AsyncIterator[RemoteRecognizer]:
    recognizer = RemoteRecognizer(
        [server if isinstance(server, RemoteServer) else RemoteServer(url=server.url) for server in servers],
        patience=patience,
    )
    await recognizer.start()
    yield recognizer
    await recognizer.stop()


def say(stream: RemoteStream, pattern: str) -> None:
    pcm = talk(pattern)
    for at in range(0, len(pcm), 1024):
        stream.feed(pcm[at : at + 1024])
    stream.flush()


async def finals(stream: RemoteStream, *patterns: str) -> list[Hypothesis]:
    """Each segment is said when the one before has been answered."""
    said = []
    hypotheses = stream.hypotheses()
    for pattern in patterns:
        say(stream, pattern)
        async with asyncio.timeout(5):
            said.append(await anext(hypothesis async for hypothesis in hypotheses if hypothesis.final))
    await stream.close()
    return said


@pytest.mark.parametrize(("kind", "found"), [("python", Kind.RESETS), ("old", Kind.CLOSES), ("cpp", Kind.BARE)])
async def test_every_kind_of_server_is_told_apart_and_answers_every_segment(kind: str, found: Kind) -> None:
    async with StockServer(kind, rate=16_000) as server, remote(server) as recognizer:
        assert recognizer.servers[0].kind is found
        assert recognizer.health().level is SpeechLevel.OK
        said = await finals(recognizer.open("x"), "xxx.", "xxxxx.", "xx")
    assert [hypothesis.text for hypothesis in said] == ["字1 字2 字3", "字1 字2 字3 字4 字5", "字1 字2"]
    assert said[0].confidence == 0.5


async def test_a_server_that_resets_keeps_one_connection_for_a_stream() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        await finals(recognizer.open("x"), "xxx.", "xx.", "x.")
        assert server.connections == 2  # the probe's and the stream's
        assert server.configs[-1] == {"sample_rate": 16_000, "words": 1, "max_alternatives": 0, "segments": "client"}


async def test_word_times_count_from_the_segment_and_not_from_the_connection() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        _, second = await finals(recognizer.open("x"), "xxx..", "..xx..")
    assert [(word.text, round(word.start_s, 2)) for word in second.words] == [("字1", 0.2), ("字2", 0.3)]


async def test_text_grows_while_the_segment_is_open() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        stream = recognizer.open("x")
        hypotheses = stream.hypotheses()
        stream.feed(talk("xx"))
        first = await anext(hypotheses)
        stream.feed(talk("x"))
        second = await anext(hypotheses)
        await stream.close()
    assert (first.text, second.text) == ("字1 字2", "字1 字2 字3")
    assert not first.final
    assert not second.final


async def test_an_utterance_that_the_server_ends_itself_stays_part_of_our_segment() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        (said,) = await finals(recognizer.open("x"), "xx" + 14 * "." + "xxx")
    assert said.text == "字1 字2 字1 字2 字3"


async def test_nothing_said_is_answered_without_asking() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        said = await finals(recognizer.open("x"), "", "x", "")
    assert [hypothesis.text for hypothesis in said] == ["", "字1", ""]


@pytest.mark.parametrize("after", [0, 1, 4])
async def test_a_connection_that_breaks_is_replaced_and_the_segment_said_again(after: int) -> None:
    async with StockServer() as server, remote(server) as recognizer:
        stream = recognizer.open("x")
        server.breaks_after = after
        said = await finals(stream, "xxxx.", "xx")
    assert [hypothesis.text for hypothesis in said] == ["字1 字2 字3 字4", "字1 字2"]


async def test_a_quiet_connection_that_is_closed_is_replaced_and_no_fault_of_the_server() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        stream = recognizer.open("x")
        await eventually(lambda: server.connections == 2)
        await server.hang_up()  # before the first word
        hypotheses = stream.hypotheses()
        for number in (1, 2):
            say(stream, number * "x")
            said = await anext(hypothesis async for hypothesis in hypotheses if hypothesis.final)
            assert len(said.text.split()) == number
            assert recognizer.servers[0].failures == 0
            assert not recognizer.servers[0].lost.is_set(), "it was never called down"
            await server.hang_up()  # after an answer
        await stream.close()
        assert server.connections == 4


async def test_words_for_a_quiet_connection_to_a_server_that_has_gone_are_said_to_another() -> None:
    async with StockServer() as one, StockServer() as other, remote(one, other) as recognizer:
        stream = recognizer.open("x")
        await eventually(lambda: one.connections + other.connections == 3)
        gone = one if recognizer.servers[0].streams else other
        await gone.leave()
        (said,) = await finals(stream, "xxx")
        assert said.text == "字1 字2 字3"
        assert recognizer.health().level is SpeechLevel.DEGRADED
        assert "cannot be reached" in recognizer.health().reason


async def test_a_server_that_closes_every_connection_is_down_however_quiet_they_are() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        server.turns_away = True
        stream = recognizer.open("x")
        await eventually(lambda: server.connections == 2)
        say(stream, "xx")
        with pytest.raises(EngineUnavailable, match="no speech server has room"):
            await anext(stream.hypotheses())
        assert recognizer.health().level is SpeechLevel.DOWN
        assert "closed the connection" in recognizer.health().reason


async def test_a_server_that_hangs_is_left_for_another_within_its_patience() -> None:
    async with StockServer() as one, StockServer() as other, remote(one, other) as recognizer:
        stream = recognizer.open("x")
        await eventually(lambda: sum(server.streams for server in recognizer.servers) == 1)
        busy, idle = (one, other) if recognizer.servers[0].streams else (other, one)
        busy.hangs = True
        (said,) = await finals(stream, "xxx")
        assert said.text == "字1 字2 字3"
        assert idle.connections == 2
        assert recognizer.health().level is SpeechLevel.DEGRADED
        assert "does not answer in time" in recognizer.health().reason


NO_RESULTS = [
    "no json", "5", "[]", "null", "[" * 100_000, '{"alternatives": 5}', '{"alternatives": ["x"]}',
    '{"text": "x", "result": [{"word": "x", "start": null, "end": 1}]}',
    '{"text": "x", "result": [{"word": "x", "start": "early", "end": 1}]}',
    '{"text": null}', '{"text": {"a": 1}}', '{"partial": null}', '{"partial": 5}', '{"alternatives": [{"text": null}]}',
    '{"text": "x", "confidence": NaN}', '{"text": "x", "confidence": 1e999}', '{"text": "x", "confidence": -Infinity}',
    '{"text": "x", "result": [{"word": null, "start": 0, "end": 1}]}',
    '{"text": "x", "result": [{"word": "x", "start": 0, "end": 1e999}]}',
    '{"text": "x", "result": [{"word": "x", "start": 0, "end": 1' + 400 * "0" + "}]}",
]  # fmt: skip


@pytest.mark.parametrize("answer", NO_RESULTS, ids=lambda answer: answer[:32])
async def test_answers_that_are_no_results_are_a_failure_of_the_server(answer: str) -> None:
    with pytest.raises(
        ValueError, match=r"JSON|Expecting|no object|no result|too deep|could not convert|no text|no number|no JSON"
    ):
        Answer.parse(answer)
    async with StockServer() as one, remote(one, patience=QUICK) as recognizer:
        one.garbage = answer
        stream = recognizer.open("x")
        say(stream, "xx")
        with pytest.raises(EngineUnavailable, match=r"no speech server has room|no result"):
            await anext(stream.hypotheses())


@pytest.mark.parametrize("answer", ["5", "[]", "[" * 100_000], ids=lambda answer: answer[:32])
async def test_a_server_that_answers_nonsense_when_it_is_asked_is_down_until_it_does_not(answer: str) -> None:
    async with StockServer() as one:
        one.garbage = answer
        async with remote(one) as recognizer:
            assert recognizer.health().reason.endswith("its answer is no result")
            one.garbage = None
            await eventually(lambda: recognizer.health().level is SpeechLevel.OK)


async def test_whoever_looks_after_a_server_goes_on_whatever_happens() -> None:
    async with StockServer() as one:
        calls = 0

        async def dial(server: RemoteServer, patience: Patience) -> Link:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise RuntimeError
            return await VoskLink.open(server, patience)

        patience = replace(QUICK, probe_every_s=0.02)
        recognizer = RemoteRecognizer([RemoteServer(url=one.url)], patience=patience, dial=dial)
        await recognizer.start()
        await eventually(lambda: calls > 4 and recognizer.health().level is SpeechLevel.OK)
        await recognizer.stop()


async def test_streams_go_where_fewest_are() -> None:
    async with StockServer() as one, StockServer() as other, remote(one, other) as recognizer:
        streams = []
        for number in range(4):
            streams.append(recognizer.open(str(number)))
            await eventually(lambda: sum(server.streams for server in recognizer.servers) == len(streams))
        assert [server.streams for server in recognizer.servers] == [2, 2]
        for stream in streams:
            await stream.close()
        assert [server.streams for server in recognizer.servers] == [0, 0]


async def test_a_server_that_says_how_much_it_carries_gets_no_more() -> None:
    async with StockServer() as one, remote(one) as recognizer:
        recognizer.servers[0].facts = {"limit": 0}
        with pytest.raises(EngineUnavailable, match="no room"):
            recognizer.open("x")


async def test_a_server_that_is_away_at_the_start_is_used_when_it_comes() -> None:
    async with StockServer() as server:
        absent = RemoteServer(url=NOBODY)
        async with remote(absent) as recognizer:
            assert recognizer.health().level is SpeechLevel.DOWN
            assert "cannot be reached" in recognizer.health().reason
            with pytest.raises(EngineUnavailable, match="no speech server answers"):
                recognizer.open("x")
            absent.url = server.url
            await eventually(lambda: recognizer.health().level is SpeechLevel.OK)
            assert [said.text for said in await finals(recognizer.open("x"), "xx")] == ["字1 字2"]


async def test_a_c_plus_plus_server_gets_the_rate_it_was_started_with() -> None:
    async with StockServer("cpp", rate=8_000) as server, remote(RemoteServer(url=server.url, rate=8_000)) as recognizer:
        (said,) = await finals(recognizer.open("x"), "..xxxx..")
    assert len(said.text.split()) in (4, 5)


async def test_what_waits_is_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StockServer() as server, remote(server, patience=Patience(answer_s=60, final_s=60)) as recognizer:
        stream = recognizer.open("x")
        server.hangs = True
        for _ in range(40):
            stream.feed(talk(10 * "x"))
        assert stream.dropped_s == pytest.approx(10.0)
        assert stream.backlog_s() == pytest.approx(30.0)
        await eventually(lambda: stream.lateness_s() > 0.05)
        stream._task.cancel()
        await stream.close()


async def test_addresses_that_are_none_are_refused() -> None:
    with pytest.raises(EngineUnavailable, match="no ws:// address"):
        await RemoteRecognizer([RemoteServer(url="http://127.0.0.1:1")]).start()
    with pytest.raises(EngineUnavailable, match="no server"):
        await RemoteRecognizer([]).start()


async def test_closing_lets_a_flushed_segment_finish() -> None:
    async with StockServer() as server, remote(server) as recognizer:
        stream = recognizer.open("x")
        say(stream, "xxx")
        await stream.close()
        said = [hypothesis async for hypothesis in stream.hypotheses()]
    assert said[-1].final
    assert said[-1].text == "字1 字2 字3"
