"""The migrations lead to the tables that the code declares, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from api.store.migrate import alembic_config, migrate
from api.store.tables import Base


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": Base.metadata}
    )
    return list(compare_metadata(context, Base.metadata))


async def test_migrations_equal_the_tables_that_are_declared(empty_url: str) -> None:
    await migrate(empty_url)
    engine = create_async_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    await migrate(empty_url)
    await migrate(empty_url)
    engine = create_async_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_the_way_back_leaves_an_empty_database(empty_url: str) -> None:
    await migrate(empty_url)
    engine = create_async_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda inner: command.downgrade(alembic_config(inner), "base"))
    await migrate(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_calls_recorded_before_know_who_had_a_part_in_them(empty_url: str) -> None:
    engine = create_async_engine(empty_url)
    calls, events, at = (
        Base.metadata.tables["calls"],
        Base.metadata.tables["call_events"],
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    to_8003 = {"kind": "agent", "value": "8003"}
    said = [
        ("CallAnswered", {"agent_id": "8001"}),
        ("CallAnswered", {"agent_id": "8002"}),
        ("TransferStepped", {"agent_id": "8002", "step": "joined", "target": to_8003}),
        ("TransferStepped", {"agent_id": "8002", "step": "ringing", "target": {"kind": "agent", "value": "8004"}}),
        ("TransferStepped", {"agent_id": "8002", "step": "joined", "target": {"kind": "centre", "value": "110"}}),
        ("CallOffered", {"agent_id": "8005"}),
    ]
    async with engine.begin() as connection:
        await connection.run_sync(lambda inner: command.upgrade(alembic_config(inner), "0006"))
        for call_id in ("1.1", "1.2"):
            await connection.execute(
                calls.insert().values(
                    id=call_id, line="", arrived_at=at, offers=0, answered_by="8002", direction="inbound"
                )
            )
        for number, (kind, data) in enumerate(said):
            await connection.execute(
                events.insert().values(call_id="1.1", at=at, kind=kind, data=data, event_key=str(number))
            )
    await migrate(empty_url)
    parts = Base.metadata.tables["call_agents"]
    async with engine.connect() as connection:
        found = (await connection.execute(select(parts).order_by(parts.c.call_id, parts.c.agent_id))).all()
    await engine.dispose()
    assert [tuple(one) for one in found] == [("1.1", "8001"), ("1.1", "8002"), ("1.1", "8003"), ("1.2", "8002")]
