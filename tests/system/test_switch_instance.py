"""Starting and ending a real Asterisk: no process, no port and no mount stays behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.demo.switch import Source, Switch, SwitchFailed
from telephony.dialplan.ports import Ports
from telephony.dialplan.render import Secrets
from tests.system.switch import Ami, RunningSwitch, StartSwitch, free_port_base, topology

pytestmark = pytest.mark.asterisk


def an_instance(source: Source, place: Path, base: int) -> Switch:
    return Switch(
        source,
        home=place / "switch",
        ports=Ports(base),
        topology=topology(),
        secrets=Secrets.fresh(),
        recordings=place / "recordings",
        prompts=place / "prompts",
    )


def processes_of(place: Path) -> list[str]:
    lines = subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in lines if str(place / "switch") in line]


def test_it_starts_and_ends_without_a_trace(switch_source: Source, tmp_path: Path) -> None:
    mounts = Path("/proc/mounts").read_text()
    instance = an_instance(switch_source, tmp_path, free_port_base())
    with instance:
        assert instance.running
        assert "Asterisk" in instance.console("core show version")
        assert processes_of(tmp_path)
    assert not instance.running
    assert not processes_of(tmp_path)
    assert Path("/proc/mounts").read_text() == mounts
    assert not list((tmp_path / "switch" / "run").glob("*.json"))
    with instance:
        assert instance.running


def test_it_reports_no_error_when_it_starts(switch: RunningSwitch) -> None:
    log = (switch.asterisk.home / "log" / "messages").read_text()
    assert [line for line in log.splitlines() if "ERROR" in line] == []


def test_two_share_one_machine(start_switch: StartSwitch) -> None:
    one, two = start_switch(), start_switch()
    with one.ami() as first, two.ami() as second:
        assert first.ask(Action="Ping")["Response"] == "Success"
        assert second.ask(Action="Ping")["Response"] == "Success"
    with pytest.raises(PermissionError):
        Ami(two.ports.ami, one.secrets.ami)


def test_a_port_in_use_is_named_before_anything_starts(
    switch: RunningSwitch, switch_source: Source, tmp_path: Path
) -> None:
    with pytest.raises(SwitchFailed, match=f"port {switch.ports.http} is in use"):
        an_instance(switch_source, tmp_path, switch.ports.base).start()
    assert not processes_of(tmp_path)


def test_what_a_killed_run_left_is_ended_by_the_next(switch_source: Source, tmp_path: Path) -> None:
    base = free_port_base()
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.system.test_switch_instance import an_instance\n"
        "from api.demo.switch import find_source\n"
        "from tests.system.switch import cache_dir\n"
        f"an_instance(find_source(cache_dir()), Path({str(tmp_path)!r}), {base}).start()\n"
        "print('up', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        run.send_signal(signal.SIGKILL)
    left = json.loads((tmp_path / "switch" / "run" / "asterisk.json").read_text())["pid"]
    assert Path(f"/proc/{left}").exists()
    with an_instance(switch_source, tmp_path, base) as instance:
        assert instance.pid != left
    assert not processes_of(tmp_path)
    stat = Path(f"/proc/{left}/stat")
    assert not stat.exists() or stat.read_text().rpartition(") ")[2][0] == "Z"


def test_the_server_may_do_what_it_needs_and_nothing_else(switch: RunningSwitch) -> None:
    with switch.ami() as ami:
        allowed = ("QueueStatus", "CoreStatus", "Status", "BridgeList", "DeviceStateList", "CoreShowChannels")
        for action in allowed:
            assert ami.ask(Action=action)["Response"] == "Success", action
        for action in ("Command", "GetConfig", "DBPut", "MixMonitor", "Reload", "PJSIPShowAuths"):
            assert ami.ask(Action=action, Command="core show version")["Message"] == "Permission denied", action
        reply = ami.ask(Action="Originate", Channel="Local/600@seats", Application="System", Data="true")
        assert reply["Response"] == "Error"
