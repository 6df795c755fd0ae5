"""Where a command's answers go: files are whole or as before, links stay links, and what is no file is written into."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from api.commands.destination import CannotWrite, Destination


def put(path: Path, text: str) -> None:
    destination = Destination(path)
    destination.check()
    destination.write(text)


def test_a_file_is_replaced_with_its_rights_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("before")
    path.chmod(0o640)
    put(path, "着火了\n")
    assert path.read_text(encoding="utf-8") == "着火了\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    put(tmp_path / "new.json", "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new.json", "out.json"]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    Destination(path).check()
    assert list(tmp_path.iterdir()) == []
    path.write_text("before")
    Destination(path).check()
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link, further = folder / "real.json", tmp_path / "link.json", tmp_path / "further.json"
    if there:
        target.write_text("before")
    link.symlink_to(target)
    further.symlink_to("link.json")
    put(further, "after")
    assert (target.read_text(), link.is_symlink(), further.is_symlink()) == ("after", True, True)
    assert [each.name for each in folder.iterdir()] == ["real.json"]


@pytest.mark.parametrize("linked", [True, False])
def test_a_pipe_is_written_into_and_stays(tmp_path: Path, linked: bool) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    given = tmp_path / "link" if linked else path
    if linked:
        given.symlink_to(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        put(given, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_into(tmp_path: Path) -> None:
    link = tmp_path / "nowhere"
    link.symlink_to("/dev/null")
    put(link, "gone")
    assert stat.S_ISCHR(link.stat().st_mode)


def test_a_full_device_is_told_of() -> None:
    with pytest.raises(CannotWrite, match="/dev/full: cannot be written: No space left"):
        put(Path("/dev/full"), "x")


def test_an_open_file_keeps_what_was_written_to_it_before(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    with path.open("ab") as file:
        file.write(b"before ")
        file.flush()
        put(Path(f"/dev/fd/{file.fileno()}"), "after")
        assert os.fstat(file.fileno()).st_ino == path.stat().st_ino
    assert path.read_text() == "before after"


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


def a_loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (a_folder, "is a folder"),
        (a_socket, "is a socket"),
        (a_loop, "symbolic links"),
        (lambda path: path / "absent" / "out.json", "its folder does not exist"),
        (lambda path: path.with_name("x" * 300), "too long"),
    ],
)
def test_what_cannot_be_written_is_known_beforehand(made: Callable[[Path], Path], said: str, tmp_path: Path) -> None:
    path = made(tmp_path / "given")
    with pytest.raises(CannotWrite, match=said) as raised:
        Destination(path).check()
    assert str(raised.value).startswith(str(path))


def test_a_folder_that_takes_no_new_file_lets_the_old_one_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    path.write_text("before, and longer")
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda asked, mode: Path(asked) != tmp_path and allowed(asked, mode))
    inode = path.stat().st_ino
    put(path, "after")
    assert (path.read_text(), path.stat().st_ino) == ("after", inode)


def test_a_file_is_as_before_where_its_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.json"
    path.write_text("before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        Destination(path).write("after")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]
