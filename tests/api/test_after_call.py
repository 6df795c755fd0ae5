"""After a call, against the database and a loopback server: what is sent, and what the audit log says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from api.settings import Settings
from api.store.engine import Store
from api.store.tables import AuditRecord, DraftRecord, User
from api.understanding.wrapup import AfterCall
from asr.lexicon import Lexicon, Place, PlaceKind
from asr.prefill import Suggestion, suggest
from asr.transcript import Turn
from telephony.events import CallEnded, CallOutcome
from telephony.ids import CallId
from tests.api.desk import START
from tests.api.test_second_opinion import ModelServer, server, turns

__all__ = ["server"]

CALL = CallId("1.1")
SAID = turns("我叫柴秀兰，住柳林新村三号楼五零二", "楼上天天吵")


class Texts:
    def __init__(self) -> None:
        self.merged: list[Suggestion] = []

    async def restore(self, call_id: CallId) -> Sequence[Turn]:
        return SAID

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None:
        self.merged += suggestions


def own_places() -> Lexicon:
    packaged = Lexicon.load()
    village = Place(name="柳林新村", kind=PlaceKind.COMMUNITY, district="东区", town="东镇")
    return replace(packaged, places=(*packaged.places, village))


async def write_draft(store: Store) -> None:
    author = User(
        username="1001",
        display_name="座席",
        role="operator",
        password_hash="",
        created_at=START,
        password_changed_at=START,
    )
    async with store.write() as session:
        session.add(author)
        await session.flush()
        session.add(
            DraftRecord(
                id="d",
                call_id=CALL,
                author_id=author.id,
                version=1,
                status="open",
                fields={},
                created_at=START,
                updated_at=START,
            )
        )


async def asked_of(store: Store) -> list[tuple[str, str]]:
    async with store.read() as session:
        rows = await session.scalars(select(AuditRecord).order_by(AuditRecord.seq))
        return [(row.object_id, row.result) for row in rows if row.action == "model.ask"]


async def after(store: Store, url: str, home: Path, *, settle: bool = True) -> tuple[AfterCall, Texts]:
    await write_draft(store)
    lexicon, texts = own_places(), Texts()

    async def suggested(said: Sequence[Turn], number: str) -> Sequence[Suggestion]:
        return await asyncio.to_thread(suggest, said, caller_number=number, lexicon=lexicon)

    settings = Settings(home=home, llm_url=url, llm_model="m")
    call = AfterCall(settings=settings, store=store, texts=texts, suggest=suggested, lexicon=lambda: lexicon, wait_s=0)
    call.on_ended(
        CallEnded(at=START, call_id=CALL, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=1.0, talk_s=9.0)
    )
    if settle:
        await call.settle(60)
        await call.close()
    return call, texts


async def test_nothing_of_a_person_is_sent_and_the_asking_is_audited(
    store: Store, server: ModelServer, tmp_path: Path
) -> None:
    server.content = '{"demand": "制止噪声"}'
    _, texts = await after(store, server.url, tmp_path)
    [sent] = server.asked
    said = sent["messages"][1]["content"].partition("通话记录：")[2]
    assert "来电人：我叫***，住*********" in said
    assert "楼上天天吵" in said
    assert await asked_of(store) == [(CALL, "asked"), (CALL, "answered")]
    assert ("demand", "制止噪声") in [(one.field, one.value) for one in texts.merged]


@pytest.mark.parametrize("body", [b"[" * 60_000, b"{}", b"\xff"], ids=["deep", "empty", "bytes"])
async def test_a_bad_answer_is_audited_and_the_rules_stay(
    store: Store, server: ModelServer, tmp_path: Path, body: bytes
) -> None:
    server.body = body
    _, texts = await after(store, server.url, tmp_path)
    assert await asked_of(store) == [(CALL, "asked"), (CALL, "BadAnswer")]
    assert texts.merged == []


async def test_an_asking_that_the_end_of_the_server_cuts_off_is_audited(
    store: Store, server: ModelServer, tmp_path: Path
) -> None:
    server.delay_s = 1.0
    call, _ = await after(store, server.url, tmp_path, settle=False)
    async with asyncio.timeout(30):
        while not server.asked:  # noqa: ASYNC110 - the request comes by itself
            await asyncio.sleep(0.01)
    await call.close()
    assert await asked_of(store) == [(CALL, "asked"), (CALL, "cancelled")]
