"""A real disk that is full, while the database takes nothing either: what fits is kept, the rest waits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from api.store.writers import trouble_of
from tests.api.test_outage import arrival, locked, numbered, resumed, until, writing, written
from tests.fakes.small_disks import SmallDisk, small_disk

SMALL = 256 << 10


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", bytes=SMALL) as made:
        yield made


def on(disk: SmallDisk, url: str, keyring: Keyring) -> Store:
    return Store(url, keyring, busy_timeout_s=0.05, spool_dir=disk.folder / "spool")


async def test_what_fits_is_kept_and_the_rest_waits_in_memory_until_there_is_room(
    url: str, keyring: Keyring, disk: SmallDisk
) -> None:
    store = on(disk, url, keyring)
    async with writing(store) as behind:
        with locked(store):
            for number in range(1500):
                behind.put(arrival(number))
            await until(lambda: behind.problem)
            assert 0 < behind.kept < behind.pending == 1500
            assert "nothing can be kept on this machine" in trouble_of([behind])
        assert await behind.drain(60)
        assert behind.refused == 0
        await until(lambda: trouble_of([behind]) == "")
    assert await written(on(disk, url, keyring)) == numbered(1500)


async def test_room_that_comes_back_is_used_before_the_database_does(
    url: str, keyring: Keyring, disk: SmallDisk
) -> None:
    store = on(disk, url, keyring)
    async with writing(store) as behind:
        with locked(store):
            behind.put(arrival(0))
            await until(lambda: behind.kept == 1)
            disk.fill()
            for number in range(1, 300):
                behind.put(arrival(number))
            await until(lambda: behind.problem)
            disk.empty()
            await until(lambda: behind.kept == 300)
            assert behind.problem == ""
    async with resumed(on(disk, url, keyring)) as behind:  # the first one ended as a crash does
        assert await behind.drain(30)
    assert await written(on(disk, url, keyring)) == numbered(300)


async def test_a_process_that_starts_on_a_full_disk_writes_what_an_earlier_one_kept(
    url: str, keyring: Keyring, disk: SmallDisk
) -> None:
    store = on(disk, url, keyring)
    async with writing(store) as behind:
        with locked(store):
            for number in range(100):
                behind.put(arrival(number))
            await until(lambda: behind.kept == 100)
    disk.fill()
    async with resumed(on(disk, url, keyring)) as behind:
        for number in range(100, 120):
            behind.put(arrival(number))
        assert await behind.drain(30)
        assert behind.refused == 0
    assert await written(on(disk, url, keyring)) == numbered(120)


async def test_a_database_file_on_a_full_disk_is_waited_for(tmp_path: Path, keyring: Keyring) -> None:
    """The spool is full with it: they share a disk. Only memory is left, and nothing in it is lost."""
    with small_disk(tmp_path / "disk", bytes=8 << 20) as disk:
        url = f"sqlite+aiosqlite:///{disk.folder / 'hotline.db'}"
        await migrate(url)
        store = on(disk, url, keyring)
        async with writing(store) as behind:
            disk.fill(spare=64 << 10)
            for number in range(2000):
                behind.put(arrival(number))
            await until(lambda: behind.away)
            assert behind.refused == 0
            disk.empty()
            assert await behind.drain(60)
            assert (behind.refused, behind.away) == (0, "")
        assert await written(on(disk, url, keyring)) == numbered(2000)
