"""The journal beside the database: whole records in order after a crash at any byte, and nothing of it readable."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.store.sealing import Keyring
from api.store.spool import Spool, SpoolFull, framed, unframed

KEYRING = Keyring(bytes(32))
NUMBER = "13800000000"


@contextmanager
def opened(folder: Path, **options: object) -> Iterator[Spool]:
    spool = Spool(folder, KEYRING, segment_bytes=2048, **options)  # type: ignore[arg-type]
    try:
        yield spool
    finally:
        spool.close()


def seqs(spool: Spool, most: int = 10_000) -> list[int]:
    return [kept.seq for kept in spool.read(most)]


def left_by(folder: Path, count: int, *, segment_bytes: int = 2048) -> None:
    spool = Spool(folder, KEYRING, segment_bytes=segment_bytes)
    for seq in range(1, count + 1):
        spool.append([(seq, NUMBER)])
    spool.close()


payloads = st.lists(st.binary(min_size=8, max_size=60), max_size=8)


@given(payloads, st.integers(min_value=0, max_value=600), st.binary(max_size=20))
def test_a_file_torn_at_any_byte_gives_the_records_before_it(records: list[bytes], cut: int, noise: bytes) -> None:
    data = b"".join(framed(record) for record in records)
    ends = [sum(len(framed(record)) for record in records[: count + 1]) for count in range(len(records))]
    torn = data[:cut]
    assert [payload for _, payload in unframed(torn)] == [
        record for record, end in zip(records, ends, strict=True) if end <= len(torn)
    ]
    whole = [payload for _, payload in unframed(data + b"\0" * 16 + noise)]
    assert whole == records, "what follows reserved room is not read"


@given(payloads.filter(bool), st.data())
def test_a_spoilt_byte_ends_the_reading_in_front_of_it(records: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"".join(framed(record) for record in records))
    place = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[place] ^= data.draw(st.integers(min_value=1, max_value=255))
    got = [payload for _, payload in unframed(bytes(raw))]
    assert got == records[: len(got)]
    assert sum(len(framed(record)) for record in got) <= place


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=6), st.data())
def test_after_a_crash_at_any_byte_the_next_start_reads_what_had_been_written(
    batches: list[int], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "calls"
        seq, ends = 0, {0: 0}
        with opened(folder) as spool:
            for size in batches:
                spool.append([(seq + number + 1, f"{NUMBER} {number}") for number in range(size)])
                seq += size
                ends[seq] = spool.size
        [last] = [path for path in sorted(folder.iterdir()) if path.stat().st_size][-1:]
        cut = data.draw(st.integers(min_value=0, max_value=2048))
        before = sum(path.stat().st_size for path in folder.iterdir() if path != last)
        os.truncate(last, min(cut, last.stat().st_size))
        with opened(folder) as again:
            got = seqs(again)
        assert got == list(range(1, len(got) + 1)), "from the first on, in order, without a gap"
        if not before:
            durable = max(count for count, end in ends.items() if end <= cut)
            assert len(got) >= durable, "whatever had been reported as written is there"


def test_earlier_runs_come_first_each_in_its_order(tmp_path: Path) -> None:
    left_by(tmp_path, 30)
    left_by(tmp_path, 3)
    with opened(tmp_path) as spool:
        assert spool.earlier == 33
        spool.append([(1, "new")])
        read = spool.read(10_000)
        assert [kept.seq for kept in read] == [*range(1, 31), 1, 2, 3, 1]
        assert list(dict.fromkeys(kept.run for kept in read)) == [*spool.earlier_runs, spool.run]
        assert spool.read(1) == []


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    left_by(tmp_path, 50)
    with opened(tmp_path) as spool:
        assert [seqs(spool, 20), seqs(spool, 20), seqs(spool, 20)] == [
            list(range(1, 21)),
            list(range(21, 41)),
            list(range(41, 51)),
        ]


def test_segments_that_are_done_with_are_removed_also_while_it_is_read(tmp_path: Path) -> None:
    left_by(tmp_path, 60, segment_bytes=512)
    files = len(list(tmp_path.iterdir()))
    assert files > 3
    with opened(tmp_path) as spool:
        for kept in spool.read(30):
            spool.done(kept.run, kept.seq)
        assert 1 < len(list(tmp_path.iterdir())) < files
        rest = spool.read(100)
        assert [kept.seq for kept in rest] == list(range(31, 61))
        spool.done(rest[-1].run, rest[-1].seq)
        assert [path.name[: len(spool.run)] for path in tmp_path.iterdir()] == [spool.run]


def test_the_segment_in_use_is_emptied_when_all_of_it_is_done(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for seq in range(1, 400):
            spool.append([(seq, NUMBER)])
            spool.pass_over()
            spool.done(spool.run, seq)
        assert spool.size < 2048
        assert seqs(spool) == []
        spool.append([(400, NUMBER)])
        assert seqs(spool) == [400]
    assert len(list(tmp_path.iterdir())) == 1


def test_the_files_are_the_owners_alone_and_tell_nothing(tmp_path: Path) -> None:
    left_by(tmp_path / "calls", 3)
    [path] = (tmp_path / "calls").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "calls").stat().st_mode) == 0o700
    assert NUMBER.encode() not in path.read_bytes()
    other = Spool(tmp_path / "calls", Keyring(bytes(31) + b"\1"))
    assert other.read(10) == [], "without its key nothing opens"
    other.close()


def test_a_second_process_leaves_the_segments_of_the_first_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        for seq in range(1, 60):
            first.append([(seq, NUMBER)])
        with opened(tmp_path) as second:
            assert (second.earlier, seqs(second)) == (0, [])
            second.forget_earlier()
        assert seqs(first) == list(range(1, 60))


def half_of_it(limit: int) -> Callable[[int, bytes, int], int]:
    """A disk that has room up to ``limit`` bytes of a file; the last writing is cut short."""

    def write(file: int, data: bytes, offset: int) -> int:
        room = limit - offset
        if room <= 0:
            raise OSError(errno.ENOSPC, "no space left")
        return os.pwrite(file, data[:room], offset)

    return write


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=0, max_value=900))
def test_a_full_disk_tears_nothing_that_was_written_before(room: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        kept = 0
        with opened(Path(place), write=half_of_it(room)) as spool:
            for seq in range(1, 12):
                try:
                    spool.append([(seq, NUMBER)])
                except OSError:
                    continue
                kept = seq
        with opened(Path(place)) as again:
            assert seqs(again)[:kept] == list(range(1, kept + 1))


def test_it_may_not_grow_beyond_its_bound(tmp_path: Path) -> None:
    with opened(tmp_path, most_bytes=5000) as spool:
        fits = 5000 // len(framed(bytes(8) + KEYRING.seal(NUMBER, context="")))
        for seq in range(1, fits + 1):
            spool.append([(seq, NUMBER)])
        with pytest.raises(SpoolFull):
            spool.append([(fits + 1, NUMBER)])
        assert seqs(spool) == list(range(1, fits + 1))
        assert spool.size <= 5000
