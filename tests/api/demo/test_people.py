"""The demo's sign-ins: made once, kept for the owner only, and made anew where the note is lost."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from api.auth import users
from api.auth.passwords import Passwords
from api.demo import people
from api.settings import Settings
from api.store.engine import Store
from api.store.sealing import Keyring


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("HOTLINE_DATABASE_URL", raising=False)
    return Settings(home=tmp_path / "home", demo=True)


async def test_everybody_can_sign_in_and_passwords_stay(settings: Settings) -> None:
    settings.home.mkdir()
    first = await people.ready(settings)
    assert list(first) == [person.username for person in people.PEOPLE]
    assert len(set(first.values())) == len(first)
    assert min(map(len, first.values())) >= 12
    kept = settings.keys_dir / "demo-sign-ins.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert await people.ready(settings) == first

    store, passwords = Store(settings.database, Keyring.load(settings.keys_dir)), Passwords()
    try:
        operator = await users.find_user(store, "8001")
        assert operator is not None
        assert (operator.display_name, operator.agent_id, operator.seat) == ("座席8001", "8001", "8001")
        assert await passwords.verify(operator.password_hash, first["8001"])
    finally:
        passwords.close()
        await store.close()


async def test_a_lost_note_means_new_passwords(settings: Settings) -> None:
    settings.home.mkdir()
    first = await people.ready(settings)
    kept = settings.keys_dir / "demo-sign-ins.json"
    kept.write_text(json.dumps({name: word for name, word in first.items() if name != "8001"}))
    second = await people.ready(settings)
    assert second["8001"] != first["8001"]
    assert second["9001"] == first["9001"]


def test_nobody_is_invented() -> None:
    assert all(any(letter.isdigit() for letter in one.display_name) or one.username == "admin" for one in people.PEOPLE)


async def test_who_had_no_seat_in_an_earlier_version_gets_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.home.mkdir()
    now = people.PEOPLE
    before = tuple(replace(one, seat=None) if one.username == "7001" else one for one in now)
    monkeypatch.setattr(people, "PEOPLE", before)
    first = await people.ready(settings)
    monkeypatch.setattr(people, "PEOPLE", now)
    assert await people.ready(settings) == first
    store = Store(settings.database, Keyring.load(settings.keys_dir))
    try:
        revisit = await users.find_user(store, "7001")
        assert revisit is not None
        assert (revisit.agent_id, revisit.seat) == ("7001", "8009")
    finally:
        await store.close()
