"""What finished tickets teach reaches the running server, and what somebody went back to stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from api import learning as learning_module
from api.cli import app
from api.learning import Learning
from api.store.engine import Store
from api.store.tables import DraftRecord, TicketRecord, User
from api.tickets.lifecycle import State
from asr.learning import LearningError, Shelf
from tests.api.desk import START, Clock

ZONE = ZoneInfo("Asia/Shanghai")
MATTERS = (
    ("0402", "公安机关", ("楼上半夜敲架子鼓吵得睡不着", "邻居练萨克斯吵人", "隔壁敲鼓到后半夜", "楼上架子鼓天天响")),
    ("1206", "水务部门", ("机井干了没水浇地", "水渠堵了浇不上地", "机井坏了庄稼没水", "浇地的水渠塌了")),
)


async def write_tickets(store: Store, *, state: State = State.TO_DISPATCH) -> None:
    """48 of two matters."""
    author = User(
        username=f"author-{state}",
        display_name="座席",
        role="operator",
        password_hash="",
        created_at=START,
        password_changed_at=START,
    )
    texts = [
        (f"{text}{n}号楼", code, department) for n in range(6) for code, department, texts in MATTERS for text in texts
    ]
    async with store.write() as session:
        session.add(author)
        await session.flush()
        for number, (text, code, department) in enumerate(texts):
            name = f"{state}-{number}"
            session.add(
                DraftRecord(
                    id=name,
                    call_id=name,
                    author_id=author.id,
                    version=1,
                    status="submitted",
                    fields={},
                    created_at=START,
                    updated_at=START,
                )
            )
            await session.flush()
            session.add(
                TicketRecord(
                    id=name,
                    number=name,
                    version=1,
                    state=state,
                    disposition="dispatch",
                    draft_id=name,
                    call_id=name,
                    author_id=author.id,
                    created_at=START,
                    updated_at=START,
                    summary="",
                    description=text,
                    category_code=code,
                    department=department,
                )
            )


def server(store: Store, folder: Path, clock: Clock) -> Learning:
    return Learning(store=store, folder=folder, zone=ZONE, now=clock)


def version_of(learning: Learning) -> str | None:
    return None if learning.learnt is None else learning.learnt.version


async def test_a_running_server_takes_up_what_a_command_put_in_use_and_the_night_leaves_it(
    store: Store, tmp_path: Path
) -> None:
    await write_tickets(store)
    clock = Clock()
    running, command = (server(store, tmp_path / "learnt", clock) for _ in range(2))
    await running.load()
    first = (await command.learn_now()).version
    await running.look()
    assert version_of(running) == first
    clock.now += timedelta(days=1)
    second = (await running.learn_now()).version
    assert version_of(running) == second != first
    assert await command.roll_back() == first
    await running.look()
    assert version_of(running) == first
    clock.now += timedelta(days=1)
    third = (await running.learn_now()).version
    assert (version_of(running), running.held) == (first, True), "learnt at night, and not put in use"
    assert await command.take_newest() == third
    await running.look()
    assert version_of(running) == third


async def test_it_is_looked_for_while_the_night_is_waited_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_tickets(store)
    monkeypatch.setattr(learning_module, "LOOK_S", 0.01)
    running, command = (server(store, tmp_path / "learnt", Clock()) for _ in range(2))
    taken = asyncio.Event()
    load = running.load

    async def loaded() -> None:
        await load()
        if running.learnt is not None:
            taken.set()

    monkeypatch.setattr(running, "load", loaded)
    task = asyncio.create_task(running.run())
    try:
        made = await command.learn_now()
        async with asyncio.timeout(20):
            await taken.wait()
        assert version_of(running) == made.version
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_weights_that_cannot_be_read_leave_those_before_them_in_use(store: Store, tmp_path: Path) -> None:
    await write_tickets(store)
    clock = Clock()
    learning = server(store, tmp_path, clock)
    first = (await learning.learn_now()).version
    clock.now += timedelta(days=1)
    second = (await learning.learn_now()).version
    (tmp_path / f"{second}.npz").write_bytes(b"")
    again = server(store, tmp_path, clock)
    await again.load()
    assert version_of(again) == first


async def test_a_clock_that_was_set_back_hides_nothing_that_is_learnt(store: Store, tmp_path: Path) -> None:
    await write_tickets(store)
    clock = Clock()
    learning = server(store, tmp_path, clock)
    first = (await learning.learn_now()).version
    clock.now -= timedelta(days=400)
    second = (await learning.learn_now()).version
    assert (second, version_of(learning)) == (f"{first}-1", second)


async def test_a_category_that_was_corrected_teaches_in_the_next_night(store: Store, tmp_path: Path) -> None:
    await write_tickets(store)
    learning = server(store, tmp_path, clock := Clock())
    assert (await learning.learn_now()).categories == ("0402", "1206")
    async with store.write() as session:
        corrected = update(TicketRecord).where(TicketRecord.category_code == "0402").values(category_code="0403")
        await session.execute(corrected)
    clock.now += timedelta(days=1)
    shares = (await learning.learn_now()).of_category("楼上敲架子鼓")
    assert max(shares, key=lambda code: shares[code]) == "0403"
    assert "0402" not in shares


@pytest.mark.parametrize("state", [State.DRAFT, State.INVALID])
async def test_what_is_not_finished_or_was_no_call_teaches_nothing(store: Store, tmp_path: Path, state: State) -> None:
    await write_tickets(store, state=state)
    with pytest.raises(LearningError, match="0 tickets are too few"):
        await server(store, tmp_path, Clock()).learn_now()


def test_the_command_says_how_long_a_version_stays(tmp_path: Path) -> None:
    async def learn_twice() -> None:
        from api.settings import Settings
        from api.store.migrate import migrate
        from api.store.sealing import Keyring

        settings = Settings(home=tmp_path)
        await migrate(settings.database)
        store = Store(settings.database, Keyring.load(settings.keys_dir))
        try:
            await write_tickets(store)
        finally:
            await store.close()

    asyncio.run(learn_twice())

    def run(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["learn", *words], env={"HOTLINE_HOME": str(tmp_path), "COLUMNS": "200"})
        return answer.exit_code, " ".join(answer.output.split())

    assert run()[0] == 0
    (first,) = Shelf(tmp_path / "learnt").versions
    code, said = run("--roll-back")
    assert code == 0
    assert "The keywords stand alone now. It stays so" in said
    assert "hotline learn --newest" in said
    code, said = run()
    assert code == 0
    assert "kept, not used" in said
    assert Shelf(tmp_path / "learnt").load() is None
    code, said = run("--newest")
    assert code == 0
    assert f"{Shelf(tmp_path / 'learnt').versions[-1]} is in use" in said
    assert first != Shelf(tmp_path / "learnt").current
    assert run("--newest", "--roll-back") == (2, "Give --roll-back or --newest, not both.")
