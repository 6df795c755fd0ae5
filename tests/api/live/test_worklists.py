"""What the live picture shows of the records: open handoffs, callbacks, names."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.auth.permissions import Role
from api.handoffs.events import HandoffChanged
from api.live.worklists import Worklists
from api.store.engine import Store
from tests.api.desk import Desk
from tests.api.live.stage import Board, Clock, Memory, hub, supervisor, viewer
from tests.api.test_callbacks import OTHER, missed
from tests.api.test_callbacks import told as missed_are_told
from tests.api.test_handoffs import handed_over
from tests.api.test_handoffs import told as handoffs_are_told


async def test_what_is_open_in_the_records_is_shown_masked(desk: Desk) -> None:
    await desk.person("8001")
    await desk.person("9001", Role.SUPERVISOR)
    store, clock = desk.shared.store, Clock()
    await handoffs_are_told(store, desk.shared.settings, handed_over())
    await missed_are_told(store, [missed("1.1", 0), missed("1.2", 60, number=OTHER)], desk.shared.settings)
    board, live = Board(), hub(Board(), clock)
    board.sign_in()
    lists = Worklists(store, live, desk.clock)
    desk.clock.forward(1810)
    await lists.read()
    boss, operator = Memory(supervisor()), Memory(viewer())
    for reader in (boss, operator):
        live.admit(reader)
        for channel in ("emergency", "tasks"):
            live.subscribe(reader, channel)
    handoffs, callbacks = (message["data"] for message in boss.take())
    assert [(one["number"], one["centre"], one["state"]) for one in handoffs["handoffs"]] == [
        ("YJ20261121-001", "110", "handed_over")
    ]
    assert callbacks["counts"] == {"open": 2, "overdue": 1}
    assert [one["number"] for one in callbacks["callbacks"]] == ["138****0000", "139****0001"]
    assert OTHER not in str(callbacks)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_transfer_shows_its_number_in_the_ledger_as_soon_as_it_has_one(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    live = hub(Board(), clock)
    lists = Worklists(store, live, clock.wall)
    lists.on_handoff(HandoffChanged(handoff_id="h1", number="YJ20261121-001", call_id="1.1", transfer_id="1.1-t1"))
    assert live.channels.listed["1.1-t1"].number == "YJ20261121-001"
