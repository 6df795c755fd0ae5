"""The command line, run as people run it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app, packages_finding
from api.settings import Settings
from api.store.aside import Refused, RefusedFile
from api.store.sealing import Keyring
from api.store.spool import Spool
from asr import fetching
from asr.fetching import Archive, Progress, Report
from asr.learning import LEAST_EXAMPLES, Example, Shelf, learn
from asr.models import Unreachable
from tests.api.serving import free_port
from tests.asr.adaptation.automata import ngram_automaton
from tests.asr.adaptation.test_graph import PLACES, WORDS
from tests.fakes.vosk_server import StockServer

AT = datetime(2026, 11, 21, 6, tzinfo=UTC)


class Terminal:
    def __init__(self, home: Path) -> None:
        self.home = home
        self._env = {
            "HOTLINE_HOME": str(home),
            "HOTLINE_CACHE": str(home / "cache"),
            "HOTLINE_PORT_BASE": str(min(free_port(), 60_000)),
            "COLUMNS": "200",
        }

    def run(self, *words: str, typed: str = "", **env: str) -> Result:
        return CliRunner().invoke(app, list(words), input=typed, env={**self._env, **env})

    def audited(self, action: str) -> int:
        """How often that stands in the audit log."""
        path = self.home / "hotline.db"
        with closing(sqlite3.connect(path)) as database:
            [(count,)] = database.execute("SELECT count(*) FROM audit_log WHERE action = ?", (action,))
        return int(count)


@contextmanager
def served() -> Iterator[str]:
    """A stock speech server beside the test, and its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = StockServer()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        yield server.url
        asyncio.run_coroutine_threadsafe(server.leave(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("api.cli.out.width", 200, raising=False)
    return Terminal(tmp_path / "home")


def test_an_account_is_made_listed_and_given_another_password(terminal: Terminal) -> None:
    made = terminal.run("user", "add", "8001", "--agent", "8001", "--name", "座席8001", typed="a long password\n")
    assert made.exit_code == 0, made.output
    assert "a long password" not in made.output
    listed = terminal.run("user", "list")
    assert "座席8001" in listed.output
    assert "operator" in listed.output
    changed = terminal.run("user", "password", "8001", "--generate")
    assert changed.exit_code == 0
    assert "Password: " in changed.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("user", "add", "8001", "--agent", "8001"), "password must be 10 to 128 characters"),
        (("user", "password", "nobody"), "password must be"),
        (("user", "add", "a b"), "username must be"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    answer = terminal.run(*words, typed="short\n")
    assert answer.exit_code == 1
    assert said in answer.output
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--agent", "8001"), "may sign in and sits at 8001."),
        (("--agent", "9001", "--role", "supervisor"), "may sign in and sits at a desk phone."),
        (("--agent", "9001", "--seat", "8002"), "may sign in and sits at 8002."),
        (("--role", "dispatcher"), "may sign in."),
        (("--agent", "8001", "--seat", "9999"), "seat must be one of hotline.toml"),
    ],
)
def test_a_seat_is_one_that_there_is(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    assert said in terminal.run("user", "add", "somebody", *words, typed="a long password\n").output


def test_skills_are_set_and_taken_away(terminal: Terminal) -> None:
    terminal.run("user", "add", "8001", "--agent", "8001", typed="a long password\n")
    for words, said in (
        (("housing", "3"), "housing 3"),
        (("hotline", "1"), "hotline 1, housing 3"),
        (("housing", "--remove"), "8001 serves hotline 1,"),
        (("hotline", "--remove"), "the main queue"),
    ):
        answer = terminal.run("user", "skill", "8001", *words)
        assert (answer.exit_code, said in answer.output) == (0, True), answer.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("8001", "nowhere", "1"), "queue must be one of hotline, housing"),
        (("8001", "hotline", "10"), "level must be 1 to 9"),
        (("8001", "hotline", "--remove"), "queue must be one that this person serves"),
        (("8001", "hotline"), "give a level or --remove"),
        (("8001", "hotline", "1", "--remove"), "give a level or --remove"),
        (("nobody", "hotline", "1"), "no such user"),
        (("clerk", "hotline", "1"), "somebody who takes calls"),
    ],
)
def test_what_is_no_skill_is_said_in_one_line(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    terminal.run("user", "add", "8001", "--agent", "8001", typed="a long password\n")
    terminal.run("user", "add", "clerk", "--role", "dispatcher", typed="a long password\n")
    answer = terminal.run("user", "skill", *words)
    assert answer.exit_code in (1, 2)
    assert said in answer.output
    assert "Traceback" not in answer.output


def test_a_name_is_taken_once(terminal: Terminal) -> None:
    for expected in (0, 1):
        answer = terminal.run("user", "add", "9001", "--role", "supervisor", typed="a long password\n")
        assert answer.exit_code == expected


def test_migrating_twice_is_no_harm(terminal: Terminal) -> None:
    assert [terminal.run("migrate").exit_code for _ in range(2)] == [0, 0]
    assert (terminal.home / "hotline.db").is_file()


def test_check_says_what_is_there_and_what_is_not(terminal: Terminal) -> None:
    answer = terminal.run("check")
    assert answer.exit_code == 0, answer.output
    for said in ("SQLite answers", "10 seats", "hotline models pull", "nobody answers"):
        assert said in answer.output


def test_check_asks_the_configured_speech_servers_whatever_models_are_here(terminal: Terminal) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (terminal.home / "models" / "whisper-base").mkdir(parents=True, exist_ok=True)
        (terminal.home / "models" / "whisper-base" / name).write_bytes(b"x")
    assert "models/whisper-base" in terminal.run("check").output
    for engine in ("vosk_server", "funasr"):
        for servers, said in (
            ("[]", "no server is configured"),
            ('["http://127.0.0.1:9"]', "is no ws:// address"),
            (f'["ws://127.0.0.1:{free_port()}"]', "no speech server answers: it cannot be reached"),
        ):
            answer = terminal.run("check", HOTLINE_SPEECH_ENGINE=engine, HOTLINE_SPEECH_SERVERS=servers)
            assert (answer.exit_code, said in answer.output, "whisper" in answer.output) == (0, True, False)


def test_check_praises_a_speech_server_that_answers(terminal: Terminal) -> None:
    with served() as url:
        servers = json.dumps([url])
        answer = terminal.run("check", HOTLINE_SPEECH_ENGINE="vosk_server", HOTLINE_SPEECH_SERVERS=servers)
        assert "1 of vosk_server answer" in answer.output
        servers = json.dumps([url, "ws://127.0.0.1:9"])
        answer = terminal.run("check", HOTLINE_SPEECH_ENGINE="vosk_server", HOTLINE_SPEECH_SERVERS=servers)
        assert "1 of 2 speech servers are away" in answer.output


def test_a_model_is_adapted_to_what_is_said_here(terminal: Terminal) -> None:
    answer = terminal.run("models", "adapt")
    assert (answer.exit_code, "hotline models pull" in answer.stderr) == (1, True)
    model = terminal.home / "models" / "vosk-model-tiny-cn"
    for name in ("am/final.mdl", "graph/HCLG.fst", "conf/mfcc.conf"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(b"x")
    answer = terminal.run("models", "adapt")
    assert (answer.exit_code, "has no language model of its own" in answer.stderr) == (1, True)
    (model / "graph" / "Gr.fst").write_bytes(b"x")
    answer = terminal.run("models", "adapt")
    assert (answer.exit_code, "damaged" in answer.stderr) == (1, True)
    (model / "graph" / "Gr.fst").write_bytes(ngram_automaton(WORDS, PLACES))
    (terminal.home / "talk.txt").write_bytes(b"\xff")
    answer = terminal.run("models", "adapt")
    assert (answer.exit_code, "talk.txt" in answer.stderr) == (1, True)
    (terminal.home / "talk.txt").unlink()
    answer = terminal.run("models", "adapt")
    assert answer.exit_code == 0, answer.output
    assert (Path(answer.stdout.strip()) / "graph" / "Gr.fst").is_file()


@pytest.mark.parametrize(
    ("engine", "model", "said"),
    [
        ("vosk", None, "no model of vosk here yet: `hotline models pull`"),
        ("whisper", None, "no model of whisper here yet: it comes with hotline12345[whisper-base]"),
        ("vosk", "models/whisper-base", "has no acoustic model"),
        ("whisper", "gone", "is not a folder"),
        ("auto", "models/whisper-base", "models/whisper-base"),
        ("none", None, "switched off"),
    ],
)
def test_check_looks_for_the_model_of_the_configured_engine(
    terminal: Terminal, engine: str, model: str | None, said: str
) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (terminal.home / "models" / "whisper-base").mkdir(parents=True, exist_ok=True)
        if model is not None:
            (terminal.home / "models" / "whisper-base" / name).write_bytes(b"x")
    env = {"HOTLINE_SPEECH_MODEL": str(terminal.home / model)} if model else {}
    answer = terminal.run("check", HOTLINE_SPEECH_ENGINE=engine, **env)
    assert said in " ".join(answer.output.split())


@pytest.mark.parametrize(
    "words", [("learn",), ("refused",), ("user", "list"), ("understand", "-"), ("asr", "serve")], ids=" ".join
)
def test_a_wrong_setting_is_named_by_every_command(terminal: Terminal, words: tuple[str, ...]) -> None:
    answer = terminal.run(*words, typed="[]", HOTLINE_SPEECH_ENGINE="secret-value")
    assert (answer.exit_code, "HOTLINE_SPEECH_ENGINE: " in answer.output) == (2, True), answer.output
    assert "secret-value" not in answer.output


def test_where_no_ticket_was_ever_written_nothing_is_learnt_and_it_is_said(terminal: Terminal) -> None:
    answer = terminal.run("learn")
    assert (answer.exit_code, type(answer.exception)) == (1, SystemExit), answer.output
    assert "0 tickets are too few to learn from" in answer.output


def test_going_back_needs_something_in_use_to_go_back_from(terminal: Terminal) -> None:
    answer = terminal.run("learn", "--roll-back")
    assert (answer.exit_code, "Nothing has been learnt yet." in answer.output) == (1, True), answer.output
    shelf = Shelf(terminal.home / "learnt")
    examples = [
        Example(text=text, category=code, department="甲部门")
        for text, code in (("路灯不亮", "0203"), ("油烟太大", "0401"))
        for _ in range(LEAST_EXAMPLES)
    ]
    shelf.put(learn(examples, version="20261101-020000"))
    back = terminal.run("learn", "--roll-back")
    assert (back.exit_code, "keywords" in back.output) == (0, True), back.output
    again = terminal.run("learn", "--roll-back")
    assert (again.exit_code, "alone already" in again.output) == (1, True), again.output


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.get_default(call_default_factory=True), tuple | dict)
    ],
)
@pytest.mark.parametrize(
    "given", ["ws://secret-value:1", "5", '"secret-value"', "[" * 50_000, ""], ids=lambda one: one[:9]
)
def test_a_setting_that_is_no_json_is_named_with_an_example(terminal: Terminal, name: str, given: str) -> None:
    for words in (("user", "list"), ("check",)):
        answer = terminal.run(*words, **{f"HOTLINE_{name.upper()}": given})
        said = " ".join(answer.output.split())
        assert answer.exit_code in (1, 2)
        assert f"HOTLINE_{name.upper()}: must be JSON, such as" in said
        assert "secret-value" not in said


def test_the_place_in_a_setting_that_is_wrong_is_named(terminal: Terminal) -> None:
    answer = terminal.run("user", "list", HOTLINE_CENTRE_PUSH='{"110": "secret-value"}')
    assert (answer.exit_code, "HOTLINE_CENTRE_PUSH (110): " in answer.output) == (2, True), answer.output
    assert "secret-value" not in answer.output


def test_check_names_a_wrong_setting_without_its_value(terminal: Terminal) -> None:
    answer = terminal.run("check", HOTLINE_SPEECH_ENGINE="secret-value")
    assert answer.exit_code == 1
    assert "HOTLINE_SPEECH_ENGINE" in answer.output
    assert "secret-value" not in answer.output


def test_check_fails_for_a_database_that_is_away_and_for_a_broken_topology(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "hotline.toml").write_text("lines = 5", encoding="utf-8")
    answer = terminal.run("check", HOTLINE_DATABASE_URL="postgresql://nobody:hidden@127.0.0.1:1/none")
    assert answer.exit_code == 1
    assert "does not answer" in answer.output
    assert "lines" in answer.output
    assert "hidden" not in answer.output


def test_check_fails_for_an_address_of_a_centre_that_the_topology_does_not_know(terminal: Terminal) -> None:
    assert terminal.run("check", HOTLINE_CENTRE_PUSH='{"110": "https://centre.invalid/in"}').exit_code == 0
    answer = terminal.run("check", HOTLINE_CENTRE_PUSH='{"911": "https://centre.invalid/in"}')
    assert answer.exit_code == 1
    assert "HOTLINE_CENTRE_PUSH: 911: no such centre" in answer.output


def test_records_that_were_refused_are_shown_without_their_words_and_forgotten_when_told(terminal: Terminal) -> None:
    terminal.run("migrate")
    file = RefusedFile(terminal.home / "spool", "calls", Keyring.load(terminal.home / "keys"))
    file.add(Refused(at=AT, writer="calls", error_type="DataError", text='CallArrived\n{"caller": "1380000"}'))
    shown = terminal.run("refused").output
    assert all(word in shown for word in ("2026-11-21T06:00:00Z", "calls", "CallArrived", "DataError"))
    assert "1380000" not in shown
    assert "1380000" in terminal.run("refused", "--text", "--forget").output
    assert terminal.audited("refused.forget") == 1
    assert "DataError" not in terminal.run("refused").output


def test_files_of_records_that_no_key_opens_are_shown_and_go_when_told(terminal: Terminal) -> None:
    terminal.run("migrate")
    folder = terminal.home / "spool" / "calls"
    lost = Spool(folder, Keyring(bytes(32)), segment_bytes=1000)
    lost.append([(seq, "CallArrived\n{}") for seq in range(3)])
    lost.close()
    ours = Spool(folder, Keyring.load(terminal.home / "keys"), segment_bytes=1000)
    assert ours.read(3) == []
    ours.forget_earlier()
    ours.close()
    [file] = folder.glob("*.unreadable")
    os.utime(file, (AT.timestamp(), AT.timestamp()))
    shown = terminal.run("refused", "--forget")
    assert shown.exit_code == 0, shown.output
    [row] = [line for line in shown.output.splitlines() if f"calls/{file.name}" in line]
    assert row.replace("│", "").split() == ["2026-11-21T06:00:00Z", f"calls/{file.name}", "1000", "3"]
    assert "--forget-unreadable" in shown.output
    assert (file.exists(), terminal.audited("refused.forget")) == (True, 0)
    assert "The files are gone." in terminal.run("refused", "--forget-unreadable").output
    assert (file.exists(), terminal.audited("refused.forget")) == (False, 1)
    assert ".unreadable" not in terminal.run("refused").output


def test_a_file_that_the_right_key_opens_again_is_not_removed(terminal: Terminal) -> None:
    terminal.run("migrate")
    folder = terminal.home / "spool" / "calls"
    spool = Spool(folder, Keyring.load(terminal.home / "keys"), segment_bytes=1000)
    spool.append([(1, "CallArrived\n{}")])
    spool.close()
    [segment] = folder.iterdir()
    file = segment.rename(segment.with_suffix(".unreadable"))
    answer = terminal.run("refused", "--forget-unreadable")
    assert f"calls/{file.name}" in answer.output
    assert (file.exists(), terminal.audited("refused.forget")) == (True, 0)


def test_records_of_another_key_are_not_forgotten_and_the_log_says_so(terminal: Terminal) -> None:
    terminal.run("migrate")
    for keyring in (Keyring.load(terminal.home / "keys"), Keyring(bytes(32))):
        file = RefusedFile(terminal.home / "spool", "calls", keyring)
        file.add(Refused(at=AT, writer="calls", error_type="DataError", text="CallArrived\n{}"))
    kept = terminal.run("refused", "--forget")
    assert (kept.exit_code, "1 cannot be opened" in kept.output) == (1, True), kept.output
    assert (terminal.audited("refused.read"), terminal.audited("refused.forget")) == (1, 0)
    assert file.count() == 2


def test_another_distribution_with_one_of_our_names_is_refused() -> None:
    ours = {name: ["hotline12345"] for name in ("telephony", "asr", "agent_console", "api")}
    assert packages_finding(lambda: ours).ok
    finding = packages_finding(lambda: {**ours, "api": ["hotline12345", "some-api"]})
    assert finding.fatal
    assert "api of some-api" in finding.said


def test_the_dialplan_is_rendered_with_secrets_that_stay(terminal: Terminal) -> None:
    first = terminal.run("dialplan", "render")
    assert first.exit_code == 0, first.output
    folder = terminal.home / "switch" / "etc"
    secret = json.loads((terminal.home / "keys" / "switch.json").read_text())["ami"]
    assert secret in (folder / "manager.conf").read_text()
    assert secret not in first.output
    terminal.run("dialplan", "render", str(terminal.home / "elsewhere"))
    assert secret in (terminal.home / "elsewhere" / "manager.conf").read_text()


def test_no_model_is_listed_where_there_is_none(terminal: Terminal) -> None:
    answer = terminal.run("models", "list")
    assert answer.exit_code == 0
    assert "vosk" not in answer.output


def test_a_model_that_is_pulled_says_every_step_and_where_it_lies(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(archive: Archive, folder: Path, *, report: Report) -> Path:
        for step in fetching.STEPS:
            report(Progress(step=step, done=archive.size, total=archive.size))
        return folder / archive.name

    monkeypatch.setattr(fetching, "pull", pulled)
    answer = terminal.run("models", "pull")
    assert (answer.exit_code, answer.stdout.strip()) == (
        0,
        str(terminal.home / "cache/models/vosk-model-small-cn-0.22"),
    )
    assert re.findall(r"^(\w+) .*43\.9/43\.9 MB", answer.stderr, re.MULTILINE) == [
        "download",
        "package",
        "check",
        "unpack",
    ]


def test_a_model_that_cannot_be_had_is_said_with_the_reason(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(archive: Archive, folder: Path, *, report: Report) -> Path:
        raise Unreachable("neither of them")

    monkeypatch.setattr(fetching, "pull", away)
    answer = terminal.run("models", "pull")
    assert (answer.exit_code, answer.stdout, "neither of them" in answer.stderr) == (1, "", True)


def test_the_version_is_one_line(terminal: Terminal) -> None:
    answer = terminal.run("version")
    assert answer.exit_code == 0
    assert len(answer.output.split()) == 1


def test_the_audit_log_is_checked_on_demand_and_a_changed_one_is_fatal(terminal: Terminal) -> None:
    terminal.run("user", "add", "8001", "--agent", "8001", typed="a long password\n")
    assert "audit log" not in terminal.run("check").output
    holds = terminal.run("check", "--audit")
    assert (holds.exit_code, "1 records, each follows" in holds.output) == (0, True), holds.output
    with closing(sqlite3.connect(terminal.home / "hotline.db")) as database, database:
        database.execute("DROP TRIGGER audit_log_no_UPDATE")
        database.execute("UPDATE audit_log SET username = 'somebody'")
    broken = terminal.run("check", "--audit")
    assert (broken.exit_code, "record 1 is not what was written" in broken.output) == (1, True), broken.output
