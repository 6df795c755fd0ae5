"""Where Asterisk comes from, decided without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.demo import switch
from api.demo.switch import (
    IMAGE,
    DebianRoot,
    DockerEngine,
    OnPath,
    PrerequisiteMissing,
    SwitchFailed,
    debian_root,
    find_source,
    major_version,
)


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH to put programs into; the system's own stay reachable for the programs themselves."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    real = switch.shutil.which
    monkeypatch.setattr(switch.shutil, "which", lambda name, path=None: real(name, path=str(folder)))
    return folder


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17-1", 22),
        ("Asterisk certified-20.7-cert2", 20),
        ("Asterisk 18.9.0", 18),
        ("command not found", 0),
    ],
)
def test_a_version_is_read_from_what_asterisk_says(said: str, version: int) -> None:
    assert major_version(said) == version


def test_a_docker_engine_with_our_image_comes_first(path: Path, tmp_path: Path) -> None:
    program(path, "docker", "exit 0")
    program(path, "asterisk", "echo Asterisk 22.1.0")
    source = find_source(tmp_path / "cache")
    assert isinstance(source, DockerEngine)
    argv = source.argv(Path("/h/switch"), Path("/h/recordings"), Path("/c/prompts"), "hotline-switch-1")
    assert argv[1] == "run"
    assert IMAGE in argv
    assert "/h/recordings:/srv/hotline/recordings" in argv
    assert source.places(Path("/h/switch"), Path("/h/r"), Path("/c/p")).recordings == "/srv/hotline/recordings"


def test_an_engine_that_does_not_answer_or_lacks_the_image_is_passed_over(path: Path, tmp_path: Path) -> None:
    program(path, "docker", 'test "$1" = info')
    own = program(path, "asterisk", "echo Asterisk 20.6.0")
    assert find_source(tmp_path / "cache") == OnPath(str(own), "Asterisk 20.6.0")


def test_too_old_an_asterisk_is_passed_over_and_a_missing_tool_named(path: Path, tmp_path: Path) -> None:
    program(path, "asterisk", "echo Asterisk 18.10.0")
    with pytest.raises(PrerequisiteMissing, match="apt-get install mmdebstrap"):
        find_source(tmp_path / "cache")


def test_a_root_is_unpacked_once_and_whole(path: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    calls = tmp_path / "calls"
    program(
        path,
        "mmdebstrap",
        f'for last; do :; done\n/bin/mkdir -p "$last/usr"\necho called >> {calls}\n'
        'echo "I: downloading packages with apt..."\necho "I: success in 1 s"\n',
    )
    cache = tmp_path / "cache"
    assert debian_root(cache, lambda step, done: told.append((step, done))) == DebianRoot(cache / "asterisk-root")
    assert debian_root(cache) == DebianRoot(cache / "asterisk-root")
    assert calls.read_text() == "called\n"
    assert told[-1][1] == 1.0
    assert [entry.name for entry in cache.iterdir() if entry.name.endswith(".part")] == []


def test_a_root_that_fails_leaves_nothing_and_tells_why(path: Path, tmp_path: Path) -> None:
    program(path, "mmdebstrap", 'for last; do :; done\n/bin/mkdir -p "$last/usr"\necho "E: no such suite"; exit 1\n')
    cache = tmp_path / "cache"
    with pytest.raises(SwitchFailed, match="no such suite"):
        debian_root(cache)
    assert [entry.name for entry in cache.iterdir()] == ["asterisk-root.lock"]


def test_programs_of_a_root_run_through_its_own_loader(tmp_path: Path) -> None:
    library = tmp_path / "usr/lib/x86_64-linux-gnu"
    for file in (library / "libc.so.6", library / "ld-linux-x86-64.so.2", tmp_path / "usr/sbin/asterisk"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    root = DebianRoot(tmp_path)
    assert root.program("asterisk") == [
        *(str(library / "ld-linux-x86-64.so.2"), "--library-path", f"{library}:{library}/pulseaudio"),
        str(tmp_path / "usr/sbin/asterisk"),
    ]
    assert not root.has("sipp")
    with pytest.raises(FileNotFoundError):
        root.program("sipp")
