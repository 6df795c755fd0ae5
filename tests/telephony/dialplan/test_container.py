"""The configuration of a switch in a container, and the files in docker/ that ask for it."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from telephony.dialplan.__main__ import main
from telephony.dialplan.ports import Ports
from telephony.dialplan.topology import parse

DOCKER = Path(__file__).parents[3] / "docker"


def test_a_switch_elsewhere_gets_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no espeak-ng: tones, and the music
    home = tmp_path / "home"
    asked = ["--home", str(home), "--prompts", str(tmp_path / "prompts"), "--port-base", "20000", "--web", "0.0.0.0"]
    assert (
        main([*asked, "--ice", "172.28.45.10=192.0.2.7", "--outside", "192.0.2.7", "--inside", "172.28.45.0/24"]) == 0
    )
    etc = home / "switch" / "etc"
    assert f"astetcdir => {etc}" in (etc / "asterisk.conf").read_text()
    assert "172.28.45.10 => 192.0.2.7" in (etc / "rtp.conf").read_text()
    assert "external_signaling_address = 192.0.2.7" in (etc / "pjsip.conf").read_text()
    assert "bindaddr = 127.0.0.1" in (etc / "manager.conf").read_text()
    assert (tmp_path / "prompts" / "music" / "comfort.wav").exists()
    secrets = home / "keys" / "switch.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    kept = secrets.read_text()
    assert main(asked) == 0
    assert secrets.read_text() == kept


def test_a_wrong_topology_is_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hotline.toml").write_text("[[lines]]\nnumber = 1\n")
    assert main(["--home", str(tmp_path), "--prompts", str(tmp_path / "prompts")]) == 1
    assert "lines[0].number" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["hotline.toml"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keys").write_text("no folder")
    assert main(["--home", str(tmp_path), "--prompts", str(tmp_path / "prompts")]) == 1
    assert str(tmp_path / "keys") in capsys.readouterr().err


def test_the_example_topology_is_valid_and_names_no_real_address() -> None:
    topology = parse((DOCKER / "hotline.toml").read_text(encoding="utf-8"))
    hosts = [
        peer.host for peer in (*topology.trunks, *(route for centre in topology.centres for route in centre.routes))
    ]
    assert all(host.startswith("203.0.113.") for host in hosts)


def services() -> dict[str, str]:
    """The text of each service of compose.yaml."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8").split("\nservices:\n")[1].split("\nvolumes:\n")[0]
    parts = re.split(r"^  (\w+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_host_names_begin_with_a_letter() -> None:
    names = [name for text in services().values() for name in re.findall(r"hostname: (\S+)", text)]
    assert names
    assert all(name[0].isalpha() for name in names)


def test_the_switch_restarts_without_taking_the_network_away_from_the_server() -> None:
    """Whoever owns a name space that others live in must never end; and who lives in it has no name and no port."""
    said = services()
    for guest in ("switch", "server"):
        assert "network_mode: service:network" in said[guest]
        assert not re.search(r"hostname:|ports:|networks:", said[guest])
    assert 'command: ["sleep", "infinity"]' in said["network"]
    assert not re.search(r"network_mode|depends_on|volumes", said["network"])


def test_every_port_that_the_switch_and_the_server_open_to_others_is_published() -> None:
    published = set(re.findall(r"- \S+?:(\d+(?:-\d+)?):\1/(udp|tcp)", services()["network"]))
    ports = Ports()
    first, last = ports.rtp
    browsers, phones = (
        {(str(ports.web), "tcp"), (str(ports.http), "tcp")},
        {(str(ports.sip), "udp"), (str(ports.sip), "tcp")},
    )
    assert published == browsers | phones | {(f"{first}-{last}", "udp")}


@pytest.mark.parametrize(("status", "well"), [("ok", True), ("degraded", True), ("down", False)])
def test_a_server_without_its_database_is_not_healthy(status: str, well: bool) -> None:
    text = (DOCKER / "server" / "Dockerfile").read_text(encoding="utf-8")
    python, option, program = json.loads(re.findall(r"CMD (\[.*/healthz.*\])", text)[0])

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": status}).encode())

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        asked = threading.Thread(target=server.handle_request)
        asked.start()
        environment = os.environ | {"HOTLINE_PORT_BASE": str(server.server_port)}
        found = subprocess.run([sys.executable, option, program], env=environment, check=False, capture_output=True)
        asked.join(10)
    assert python == "python"
    assert (found.returncode == 0) is well, found.stderr


def test_our_images_are_made_of_debian_and_run_as_nobody_special() -> None:
    for dockerfile in DOCKER.glob("*/Dockerfile"):
        text = dockerfile.read_text(encoding="utf-8")
        assert all(base.startswith("debian:") for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
        assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "hotline"


def test_the_environment_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    script = tmp_path / "make-env"
    script.write_bytes((DOCKER / "make-env").read_bytes())
    for _ in range(2):
        subprocess.run(["bash", str(script)], check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    made = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    example = (DOCKER / ".env.example").read_text()
    assert re.findall(r"^(\w+)=", made, re.MULTILINE) == re.findall(r"^(\w+)=", example, re.MULTILINE)
    assert re.findall(r"^\w+=(.+)$", example, re.MULTILINE) == []
    assert len(re.findall(r"PASSWORD=(\S+)", made)[0]) >= 32
