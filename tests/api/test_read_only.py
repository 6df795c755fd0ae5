"""A database that takes no writes: told as every other outage, and as soon as it takes them all is well."""

from __future__ import annotations

import pytest

from api.auth.permissions import Role
from tests.api.desk import MOBILE, Desk
from tests.api.faults import read_only


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_only_reads_is_told_as_an_outage(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    await read_only(desk.shared.store, "on")
    answer = await boss.post("/priority-numbers", {"number": MOBILE})
    assert (answer.status_code, answer.json()["error"]) == (503, "records_unavailable")
    assert answer.headers["retry-after"]
    assert (await boss.get("/priority-numbers")).status_code == 200
    await read_only(desk.shared.store, "off")
    assert (await boss.post("/priority-numbers", {"number": MOBILE})).status_code == 201
