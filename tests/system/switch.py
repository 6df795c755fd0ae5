"""A real switch for tests, with simulated citizens and desk phones.

How to use it: mark the test ``@pytest.mark.asterisk`` and take a fixture (known under tests/system; elsewhere import
the fixture functions from here in a conftest.py).

    def test_a_call(switch: RunningSwitch) -> None:      # one Asterisk for the module; no greeting, calls queue at once
        with switch.desk("8011"), switch.ami() as ami, switch.citizen("anna", stay_s=8) as citizen:
            ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
            call = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
            assert citizen.wait(20) == 0                  # SIPp's exit status: 0 = all went as the scenario says

    switch          one Asterisk for the test module; a topology PLAN of that module takes the place of the usual one
    fresh_switch    one for the test alone (kill it, fill its disk ...)
    start_switch    a factory: start_switch(greeting=True), start_switch(plan=topology(check_every_s=1)),
                    start_switch(silent=True) has no prompt files and so plays tones

AMI is at 127.0.0.1:switch.ports.ami (user ``hotline``, ``switch.secrets.ami``), ARI and /ws at ``switch.ports.http``.
8001..8010 are browser seats. 8011..8013 exist in the test topology only: plain SIP phones which ``switch.desk`` plays,
each on an address of its own. ``Ami`` is a small blocking client for assertions, not the product's gateway.
Each instance has its own free block of ports and its own directories; all is stopped at teardown.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from api.demo.children import Child
from api.demo.sipp import Phone, alaw_of, find_sipp, wav_of
from api.demo.switch import Source, Switch, find_source
from telephony.dialplan import prompts
from telephony.dialplan.ports import LAST_OFFSET, Ports
from telephony.dialplan.render import Secrets
from telephony.dialplan.topology import Topology, default_text, parse
from telephony.outbound import new_call_id

CITIZENS = "127.0.0.2"
DESKS = {"8011": "127.0.0.11", "8012": "127.0.0.12", "8013": "127.0.0.13"}
_placed = count()


def cache_dir() -> Path:
    return Path(os.environ.get("HOTLINE_CACHE") or Path.home() / ".cache" / "hotline")


BASES = range(14_000, 32_000, LAST_OFFSET + 1)
"""Where blocks begin: above the product's own, below the ports that Linux hands out to whoever connects somewhere."""


def free_port_base() -> int:
    """The base of a block whose control ports are free now. Blocks do not overlap."""
    for base in random.sample(BASES, k=len(BASES)):
        if all(_free(base + offset) for offset in (*range(12), 30, 1000, 1400)):
            return base
    raise RuntimeError("no free block of ports")


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for host in ("127.0.0.1", CITIZENS):
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind((host, port))
                except OSError:
                    return False
    return True


def topology(*, greeting: bool = False, **fallback: object) -> Topology:
    """The packaged topology with desk phones, by default without prompts, with these figures in ``[fallback]``."""
    text = default_text()
    if not greeting:
        text = text.replace('prompts = ["greeting", "recording-notice"]', "prompts = []")
    for seat, host in DESKS.items():
        text += f'\n[[centres]]\ncode = "{seat}"\nname = "desk"\nhost = "{host}"\nport_offset = 11\n'
    made = parse(text)
    return made.model_copy(update={"fallback": made.fallback.model_copy(update=fallback)})


class Ami:
    """A blocking AMI client for assertions. ``events`` are all frames so far, as dicts."""

    def __init__(self, port: int, secret: str) -> None:
        self._link = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._heard = b""
        self.events: list[dict[str, str]] = []
        self.raw = b""
        try:
            if self.ask(Action="Login", Username="hotline", Secret=secret)["Response"] != "Success":
                raise PermissionError("Asterisk refused the login")
            self.event("FullyBooted")
        except BaseException:
            self.close()
            raise

    def send(self, **headers: str) -> None:
        self._link.sendall("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n")

    def ask(self, **headers: str) -> dict[str, str]:
        """Send an action and return its response."""
        headers["ActionID"] = f"test-{random.getrandbits(48):x}"
        self.send(**headers)
        return self.until(lambda frame: "Response" in frame and frame.get("ActionID") == headers["ActionID"], 5)

    def place(self, number: str) -> str:
        """The desk phone 8011 calls that number as 12345, as our server asks for it; gives the call's id."""
        call_id = new_call_id(datetime.now(UTC), next(_placed))
        self.ask(
            Action="Originate",
            Channel="PJSIP/8011",
            ChannelId=call_id,
            Context="outbound",
            Exten=number,
            Priority="1",
            Variable=f"__HOTLINE_CALL_ID={call_id},HOTLINE_LINE=12345",
            Async="true",
        )
        return call_id

    def listed(self, action: str, item: str) -> list[dict[str, str]]:
        """What this action lists, as events named ``item``."""
        seen = len(self.events)
        own = f"test-{random.getrandbits(48):x}"
        self.send(Action=action, ActionID=own)
        self.until(lambda frame: frame.get("EventList") == "Complete" and frame.get("ActionID") == own, 5)
        return [one for one in self.events[seen:] if one.get("Event") == item and one.get("ActionID") == own]

    def until(self, wanted: Callable[[dict[str, str]], bool], timeout_s: float) -> dict[str, str]:
        """The first frame from now on that is ``wanted``. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        seen = len(self.events)
        while True:
            for frame in self.events[seen:]:
                if wanted(frame):
                    return frame
            seen = len(self.events)
            if not self._read(deadline):
                raise TimeoutError("no such frame; the last were " + str([f.get("Event") for f in self.events[-20:]]))

    def event(self, name: str, timeout_s: float = 10, **headers: str) -> dict[str, str]:
        """An event of that name with those headers, heard before or from now on."""

        def wanted(frame: dict[str, str]) -> bool:
            return frame.get("Event") == name and all(frame.get(key) == value for key, value in headers.items())

        for frame in self.events:
            if wanted(frame):
                return frame
        return self.until(wanted, timeout_s)

    def listen(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass

    def close(self) -> None:
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self._link.settimeout(left)
        try:
            chunk = self._link.recv(65536)
        except TimeoutError:
            return False
        if not chunk:
            raise ConnectionError("Asterisk closed the link")
        self.raw += chunk
        self._heard += chunk
        *whole, self._heard = self._heard.split(b"\r\n\r\n")
        for frame in whole:
            lines = (line.partition(": ") for line in frame.decode("utf-8", "replace").split("\r\n"))
            self.events.append({name: value for name, _, value in lines})
        return True


@dataclass
class RunningSwitch:
    """One Asterisk and the phones around it."""

    asterisk: Switch
    phones: Phone
    speech: Path
    children: list[Child] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return self.asterisk.ports

    @property
    def secrets(self) -> Secrets:
        return self.asterisk.secrets

    @property
    def recordings(self) -> Path:
        return self.asterisk.recordings

    def ami(self) -> Ami:
        return Ami(self.ports.ami, self.secrets.ami)

    def citizen(
        self,
        name: str,
        *,
        number: str = "15433061709",
        stay_s: float = 5.0,
        speech: Path | None = None,
        host: str = CITIZENS,
        **more: object,
    ) -> Child:
        """A citizen ready to call (enter it, or start it). ``stay_s`` counts from the last answer.

        ``host`` is the address it calls from: a centre's own call comes from the centre's.
        """
        seat = len(self.children) % 12  # SIPp binds four media ports
        media_port = self.phones.media_port + 8 * seat
        phone = replace(self.phones, host=host, port=self.ports.base + 20 + seat, media_port=media_port)
        child = phone.citizen(name, speech or self.speech, number=number, stay_s=stay_s, **more)  # type: ignore[arg-type]
        self.children.append(child)
        return child

    def desk(self, seat: str, *, ring_s: float = 0.3, speech: Path | None = None, host: str | None = None) -> Child:
        """The plain phone ``seat`` (8011..8013; another one needs its ``host``), ready to answer every call."""
        place = list(DESKS).index(seat) if seat in DESKS else len(DESKS)
        phone = replace(
            self.phones,
            host=host or DESKS[seat],
            port=self.ports.centres,
            media_port=self.ports.far_media[0] + 100 + 20 * place,
        )
        child = phone.desk(f"desk-{seat}", speech or self.speech, ring_s=ring_s)
        self.children.append(child)
        return child

    def called(self, name: str, *, ring_s: float = 1.0, speech: Path | None = None) -> Child:
        """A citizen's telephone that answers every call: what is dialled on the trunk rings here."""
        phone = replace(self.phones, port=self.ports.citizens, media_port=self.ports.far_media[0] + 180)
        child = phone.desk(name, speech or self.speech, ring_s=ring_s)
        self.children.append(child)
        return child

    def wait_for(self, condition: Callable[[], object], timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the condition did not come true")
            time.sleep(0.05)

    def clear(self, timeout_s: float = 5.0) -> None:
        """Nobody is a member of a queue any more, and nobody talks."""
        deadline = time.monotonic() + timeout_s
        with self.ami() as ami:
            for member in ami.listed("QueueStatus", "QueueMember"):
                ami.ask(Action="QueueRemove", Queue=member["Queue"], Interface=member["Location"])
            while channels := ami.listed("Status", "Status"):
                assert time.monotonic() < deadline, f"still there: {[one['Channel'] for one in channels]}"
                for channel in channels:
                    ami.ask(Action="Hangup", Channel=channel["Channel"])
                time.sleep(0.05)

    def stop(self) -> None:
        for child in self.children:
            child.stop(grace_s=2)
        self.asterisk.stop()


def tone(path: Path, frequency: float = 440.0, seconds: float = 20.0) -> Path:
    """An A-law WAV with one tone, for a speaker that can be told apart."""
    at = np.arange(int(seconds * 8000)) / 8000
    path.write_bytes(wav_of(alaw_of((0.25 * np.sin(2 * np.pi * frequency * at)).astype(np.float32))))
    return path


def loudness(path: Path) -> tuple[float, float]:
    """Length in seconds and root mean square (0..1) of a 16-bit WAV."""
    with wave.open(str(path)) as file:
        frames = file.readframes(file.getnframes())
        samples = np.frombuffer(frames, dtype="<i2").astype(np.float64) / 32768
        return len(samples) / file.getframerate(), float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def pitch(path: Path) -> float:
    """The strongest frequency of a 16-bit WAV, Hz."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / 8000)[int(spectrum[1:].argmax()) + 1])


StartSwitch = Callable[..., RunningSwitch]


@pytest.fixture(scope="session")
def switch_source() -> Source:
    return find_source(cache_dir())


@pytest.fixture(scope="session")
def built_prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged prompts in sound, made once."""
    return _build_prompts(tmp_path_factory.mktemp("prompts"))


def _made(source: Source, sounds: Path, place: Path, plan: Topology) -> RunningSwitch:
    """A switch with its phones, not started yet. ``place`` serves as the HOTLINE_HOME of a server beside it."""
    ports = Ports(free_port_base())
    asterisk = Switch(
        source,
        home=place / "switch",
        ports=ports,
        topology=plan,
        secrets=Secrets.kept_in(place / "keys" / "switch.json", desk_phones=plan.desk_seats),
        recordings=place / "recordings",
        prompts=sounds,
    )
    phones = Phone(
        sipp=find_sipp(cache_dir()),
        run_dir=place / "phones",
        host=CITIZENS,
        port=ports.citizens,
        media_port=ports.far_media[0],
        switch=f"127.0.0.1:{ports.sip}",
    )
    return RunningSwitch(asterisk=asterisk, phones=phones, speech=tone(place / "tone.wav"))


def _build_prompts(place: Path) -> Path:
    espeak = shutil.which("espeak-ng")
    prompts.build(place, espeak=[espeak] if espeak else None)
    return place


@contextmanager
def starting(place: Path, plan: Topology | None = None) -> Iterator[RunningSwitch]:
    """One switch without pytest, for benchmarks."""
    made = _made(find_source(cache_dir()), _build_prompts(place / "prompts"), place, plan or topology())
    try:
        made.asterisk.start()
        yield made
    finally:
        made.stop()


def _factory(source: Source, sounds: Path, factory: pytest.TempPathFactory) -> Iterator[StartSwitch]:
    running: list[RunningSwitch] = []

    def start(
        *, greeting: bool = False, home: Path | None = None, plan: Topology | None = None, silent: bool = False
    ) -> RunningSwitch:
        place = home or factory.mktemp("switch")
        made = _made(source, place if silent else sounds, place, plan or topology(greeting=greeting))
        running.append(made)
        made.asterisk.start()
        return made

    try:
        yield start
    finally:
        for switch in running:
            switch.stop()


@pytest.fixture
def start_switch(
    switch_source: Source, built_prompts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartSwitch]:
    yield from _factory(switch_source, built_prompts, tmp_path_factory)


@pytest.fixture
def fresh_switch(start_switch: StartSwitch) -> RunningSwitch:
    return start_switch()


@pytest.fixture(scope="module")
def switch(
    request: pytest.FixtureRequest,
    switch_source: Source,
    built_prompts: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningSwitch]:
    maker = _factory(switch_source, built_prompts, tmp_path_factory)
    yield next(maker)(plan=getattr(request.module, "PLAN", None))
    maker.close()
