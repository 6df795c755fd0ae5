"""A language model beside the rules: masked, checked, audited, and never in the way; against a loopback server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.commands.terminal import wrong_settings
from api.settings import Settings
from api.understanding.masking import Line
from api.understanding.model import Address, Answer, BadAnswer, NoAnswer, ask
from api.understanding.opinion import OFFERED, Asked, SecondOpinion
from asr.lexicon import Lexicon
from asr.prefill import Suggestion
from asr.transcript import Speaker, Turn

CATEGORIES = [("0402", "生态环境/社会生活噪声"), ("0401", "生态环境/餐饮油烟")]


class ModelServer:
    """Speaks the chat completions protocol and answers what a test put in ``content``."""

    def __init__(self) -> None:
        self.content = "{}"
        self.status = 200
        self.delay_s = 0.0
        self.body: bytes | None = None
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        self.url = ""

    async def complete(self, request: Request) -> Response:
        self.asked.append(await request.json())
        await asyncio.sleep(self.delay_s)
        if self.body is not None:
            return Response(self.body, self.status, self.headers, "application/json")
        said = json.dumps({"choices": [{"message": {"content": self.content}}]})
        return Response(said, self.status, media_type="application/json")


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    model = ModelServer()
    app = Starlette(routes=[Route("/v1/chat/completions", model.complete, methods=["POST"])])
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(running.serve())
    async with asyncio.timeout(10):
        while not running.started:  # noqa: ASYNC110 - uvicorn tells by this flag alone
            await asyncio.sleep(0.01)
    model.url = f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/v1"
    yield model
    running.should_exit = True
    await task


def turns(*texts: str) -> list[Turn]:
    return [
        Turn(seg=i, rev=1, speaker=Speaker.CALLER, text=text, start_s=i, end_s=i + 1, final=True)
        for i, text in enumerate(texts)
    ]


async def question(server: ModelServer, timeout_s: float = 5.0) -> Answer:
    async with httpx.AsyncClient(trust_env=False) as client:
        address = Address(url=server.url, model="m", key="k")
        return await ask(client, address, [Line("caller", "楼上吵")], CATEGORIES, timeout_s=timeout_s)


async def test_an_answer_that_fits_the_schema_is_taken(server: ModelServer) -> None:
    server.content = '```json\n{"title": "楼上噪声扰民", "category_code": "0402"}\n```'
    answer = await question(server)
    assert (answer.title, answer.category_code) == ("楼上噪声扰民", "0402")
    assert server.asked[0]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        '{"category_code": "9999"}',
        '{"title": 3}',
        '{"contact_phone": "1"}',
        "[]",
        '{"appeal_type": "抱怨"}',
        "[" * 30_000,
        '{"title": "' + "\\ud800" + '"}',
        '{"title": "a\\u0000b"}',
        '{"title": ' + "9" * 5000 + "}",
        "\ud800",
    ],
    ids=lambda content: content.encode("ascii", "backslashreplace").decode()[:24],
)
async def test_an_answer_that_is_no_ticket_is_refused(server: ModelServer, content: str) -> None:
    server.content = content
    with pytest.raises(BadAnswer):
        await question(server)


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 60_000, b"[]", b"\xff", b'{"choices": [{"message": {"content": null}}]}', b"x" * 70_000],
    ids=["empty", "deep", "list", "bytes", "null", "long"],
)
async def test_whatever_comes_instead_of_an_answer_is_a_bad_one(server: ModelServer, body: bytes) -> None:
    server.body = body
    with pytest.raises(BadAnswer):
        await question(server)


async def test_an_answer_that_cannot_be_unpacked_is_a_bad_one(server: ModelServer) -> None:
    server.body, server.headers = b"no gzip", {"Content-Encoding": "gzip"}
    with pytest.raises(BadAnswer):
        await question(server)


async def test_words_that_no_encoding_takes_are_sent_all_the_same(server: ModelServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        lines = [Line("caller", "楼上\ud800吵")]
        answer = await ask(client, Address(url=server.url, model="m"), lines, CATEGORIES)
    assert answer == Answer()


async def test_a_slow_a_failing_and_an_absent_server_give_no_answer(server: ModelServer) -> None:
    server.status = 500
    with pytest.raises(NoAnswer):
        await question(server)
    server.status, server.delay_s = 200, 2.0
    with pytest.raises(NoAnswer):
        await question(server, timeout_s=0.05)
    server.url = "http://127.0.0.1:9/v1"
    with pytest.raises(NoAnswer):
        await question(server)


def suggestion(field: str, value: str, confidence: float) -> Suggestion:
    return Suggestion(field=field, value=value, confidence=confidence)


async def opinion(
    answer: Answer | BaseException, found: Sequence[Suggestion]
) -> tuple[dict[str, Suggestion], list[Asked]]:
    audited: list[Asked] = []

    async def answered(lines: Sequence[object]) -> Answer:
        assert [one.result for one in audited] == ["asked"]
        assert [getattr(line, "text", "") for line in lines] == ["楼上吵，电话***********"]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def keep(asked: Asked) -> None:
        audited.append(asked)

    second = SecondOpinion(ask=answered, address=Address(url="http://x", model="m"), audit=keep, lexicon=Lexicon.load())
    try:
        result = await second.of("1.1", turns("楼上吵，电话幺五四三三零六幺七零九"), found)
    except (asyncio.CancelledError, RuntimeError):
        assert isinstance(answer, BaseException)
        result = []
    return {one.field: one for one in result}, audited


async def test_a_sure_rule_keeps_its_field_and_the_model_only_offers() -> None:
    found = [suggestion("title", "规则的标题", 0.8), suggestion("category_code", "0401", 0.5)]
    result, audited = await opinion(Answer(title="模型的标题", category_code="0402", demand="制止"), found)
    assert result["title"].value == "规则的标题"
    assert (result["category_code"].value, result["category_code"].confidence) == ("0402", OFFERED)
    assert result["department"].value == "公安机关"
    assert result["demand"].value == "制止"
    assert [(one.result, one.masked) for one in audited] == [("asked", True), ("answered", True)]
    assert "幺五四" not in json.dumps([vars_of(one) for one in audited], ensure_ascii=False)


def vars_of(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Asked.__slots__}


async def test_the_rules_stay_when_the_model_fails_and_that_is_audited() -> None:
    found = [suggestion("title", "规则的标题", 0.5)]
    result, audited = await opinion(NoAnswer("timeout"), found)
    assert list(result.values()) == found
    assert [one.result for one in audited] == ["asked", "NoAnswer"]


@pytest.mark.parametrize(
    ("problem", "result"),
    [(asyncio.CancelledError(), "cancelled"), (RuntimeError("odd"), "failed"), (BadAnswer("deep"), "BadAnswer")],
)
async def test_however_an_asking_ends_the_audit_says_so(problem: BaseException, result: str) -> None:
    _, audited = await opinion(problem, [])
    assert [one.result for one in audited] == ["asked", result]


async def test_what_cannot_be_audited_is_not_sent() -> None:
    sent: list[object] = []

    async def answered(lines: Sequence[object]) -> Answer:
        sent.append(lines)
        return Answer()

    async def full(asked: Asked) -> None:
        raise OSError("no space")

    second = SecondOpinion(ask=answered, address=Address(url="http://x", model="m"), audit=full, lexicon=Lexicon.load())
    with pytest.raises(OSError, match="no space"):
        await second.of("1.1", turns("楼上吵"), [])
    assert sent == []


@pytest.mark.parametrize("key", ["密钥", "sk é", "a b", "a\nb"])
def test_a_key_that_no_header_takes_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HOTLINE_LLM_KEY", key)
    with pytest.raises(ValidationError) as refused:
        Settings()
    said = wrong_settings(refused.value)
    assert "HOTLINE_LLM_KEY: " in said
    assert "printable ASCII" in said
    assert key not in said


def test_a_key_of_ascii_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_LLM_KEY", "sk-1_a.b")
    key = Settings().llm_key
    assert key is not None
    assert key.get_secret_value() == "sk-1_a.b"


async def test_words_that_were_masked_never_come_back_into_a_field() -> None:
    result, _ = await opinion(Answer(title="***投诉噪声"), [])
    assert "title" not in result
