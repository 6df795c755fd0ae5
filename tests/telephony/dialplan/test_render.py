"""Rendered configuration, read as Asterisk would read it."""

from __future__ import annotations

import errno
import os
import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from telephony.agents import RETURN_LIMIT
from telephony.centres import RING_S
from telephony.controls import ROUNDS
from telephony.dialplan.ports import LAST_OFFSET, Ports
from telephony.dialplan.render import Binding, Places, Secrets, render
from telephony.dialplan.topology import TopologyError, default_text, parse
from telephony.orders import FRONT, RECOVER
from telephony.queues import HANDED_OVER
from telephony.transfers import RETURN_RING_S
from telephony.ways import SERVED_AFTER

PLACES = Places(config="/c", state="/s", log="/l", recordings="/r", prompts="/p")
SECRETS = Secrets(ami="ami-secret", ari="ari-secret")


def rendered(out_dir: Path, *, text: str | None = None, binding: Binding | None = None) -> dict[str, str]:
    topology = parse(text or default_text())
    files = render(topology, Ports(20000), out_dir, SECRETS, places=PLACES, binding=binding)
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """``[name]`` -> its settings; sections of the same name are put together."""
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in text.splitlines():
        if match := re.match(r"\[([^]]+)\]", line):
            current = found.setdefault(match[1], [])
        elif line and not line.startswith(";"):
            name, _, value = line.partition("=")
            current.append((name.strip(), value.removeprefix(">").strip()))
    return found


def test_the_same_topology_gives_the_same_files(tmp_path: Path) -> None:
    assert rendered(tmp_path / "one") == rendered(tmp_path / "two")


def test_secrets_stand_in_two_files_that_only_the_owner_reads(tmp_path: Path) -> None:
    files = rendered(tmp_path)
    assert {name for name, text in files.items() if "-secret" in text} == {"manager.conf", "ari.conf"}
    for name in ("manager.conf", "ari.conf", "pjsip_desk_phones.conf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert "secret" not in repr(SECRETS)


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    kept = Secrets.kept_in(tmp_path / "keys" / "switch.json")
    assert Secrets.kept_in(tmp_path / "keys" / "switch.json") == kept
    assert len(kept.ami) >= 32
    assert kept.ami != kept.ari
    assert stat.S_IMODE((tmp_path / "keys" / "switch.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ami": "a"}', '{"ami": 1, "ari": "b"}'])
def test_a_damaged_file_of_secrets_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "switch.json"
    path.write_text(text)
    with pytest.raises(TopologyError, match=re.escape(str(path))):
        Secrets.kept_in(path)
    assert path.read_text() == text


def test_a_file_of_secrets_that_others_could_read_is_for_the_owner_only_once_it_is_rendered(tmp_path: Path) -> None:
    open_to_all = tmp_path / "manager.conf"
    open_to_all.write_text("old")
    open_to_all.chmod(0o644)
    rendered(tmp_path)
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered(tmp_path)
    before = (tmp_path / "acl.conf").read_text()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"acl\.conf"):
        rendered(tmp_path)
    assert (tmp_path / "acl.conf").read_text() == before
    assert not list(tmp_path.glob(".*"))


def test_everything_listens_on_loopback(tmp_path: Path) -> None:
    files = rendered(tmp_path)
    bound = [
        value.split(":")[0]
        for name, text in files.items()
        if name != "rtp.conf"
        for settings in sections(text).values()
        for key, value in settings
        if key in ("bind", "bindaddr", "media_address")
    ]
    assert set(bound) == {"127.0.0.1"}
    assert "0.0.0.0" not in files["pjsip.conf"] + files["http.conf"]


def test_the_ami_user_has_the_rights_it_needs_and_no_more(tmp_path: Path) -> None:
    user = dict(sections(rendered(tmp_path)["manager.conf"])["hotline"])
    assert user["read"] == "system,call,agent,user"
    assert user["write"] == "call,agent,originate,reporting,user"
    assert user["permit"] == "127.0.0.1/32"


def test_trunks_never_take_the_browsers_address(tmp_path: Path) -> None:
    matches = re.findall(r"^match = (.*)$", rendered(tmp_path)["pjsip.conf"], re.MULTILINE)
    assert matches == [f"127.0.0.{number}" for number in range(2, 8)]


def test_every_endpoint_that_takes_calls_has_a_fixed_caller_id(tmp_path: Path) -> None:
    endpoints = sections(rendered(tmp_path)["pjsip.conf"])
    assert ("callerid", "hotline <0>") in endpoints["far-phone"]
    assert ("context", "lines") in endpoints["trunk"]
    assert all(("callerid", f'"{seat}" <{seat}>') in endpoints[str(seat)] for seat in range(8001, 8011))


def test_ports_of_two_copies_never_meet() -> None:
    one, two = Ports(20000), Ports(20000 + LAST_OFFSET + 1)
    assert max(one.far_media) < two.web
    with pytest.raises(ValueError, match="port base"):
        Ports(65000)


def test_a_box_of_its_own_may_listen_wider(tmp_path: Path) -> None:
    binding = Binding(
        web="0.0.0.0",
        sip="0.0.0.0",
        ice={"172.20.0.5": "127.0.0.1"},
        outside="203.0.113.9",
        inside=("172.20.0.0/24",),
    )
    files = rendered(tmp_path, binding=binding)
    assert "bindaddr = 127.0.0.1" in files["manager.conf"]
    assert "bindaddr = 0.0.0.0" in files["http.conf"]
    assert "external_media_address = 203.0.113.9" in files["pjsip.conf"]
    assert "local_net = 172.20.0.0/24" in files["pjsip.conf"]
    assert "172.20.0.5 => 127.0.0.1" in files["rtp.conf"]
    assert "\nmedia_address" not in files["pjsip.conf"]


def test_a_lost_talk_can_be_brought_back_to_every_seat_and_to_no_other_phone(tmp_path: Path) -> None:
    plan = sections(rendered(tmp_path)["extensions.conf"])[RECOVER]
    extensions = dict(re.findall(r"(\w+),1,(Dial\(PJSIP/\d+|Set)", " ".join(value for _, value in plan)))
    assert extensions == {str(seat): f"Dial(PJSIP/{seat}" for seat in range(8001, 8011)} | {"again": "Set"}


def test_only_a_hang_up_ends_a_call(tmp_path: Path) -> None:
    plan = rendered(tmp_path)["extensions.conf"]
    waiting = plan.split("[waiting]")[1].split("[server]")[0]
    assert waiting.index('"${HANGUPCAUSE}" != "16"]?recover,again,1') < waiting.index("Hangup()")


def lines_of(text: str, context: str) -> str:
    return text.split(f"\n[{context}]\n")[1].split("\n[", maxsplit=1)[0]


def test_a_caller_is_who_its_address_says(tmp_path: Path) -> None:
    endpoints = sections(rendered(tmp_path)["pjsip.conf"])
    assert ("identify_by", "ip") in endpoints["far-phone"]
    assert ("identify_by", "auth_username,username") in endpoints["seat"]
    matched = {dict(settings)["endpoint"] for settings in endpoints.values() if ("type", "identify") in settings}
    assert matched == {"trunk", "110", "119", "120", "122", "12366"}


def test_a_centre_that_is_silent_for_long_is_gone_as_a_trunk_is(tmp_path: Path) -> None:
    endpoints = sections(rendered(tmp_path)["pjsip.conf"])
    for name in ("trunk", "110", "110-2"):
        assert {("rtp_timeout", "60"), ("rtp_timeout_hold", "3600")} <= set(endpoints[name])


def test_what_the_models_count_on_stands_in_the_dialplan(tmp_path: Path) -> None:
    files = rendered(tmp_path)
    plan, transfers = files["extensions.conf"], files["extensions_transfers.conf"]
    assert f"Dial(PJSIP/8001,{RETURN_RING_S:.0f},gIm" in lines_of(plan, "recover")
    assert timedelta(seconds=RETURN_RING_S) < RETURN_LIMIT
    assert f"Dial(PJSIP/8001,{RING_S:.0f},gm" in lines_of(transfers, "forward")
    assert f">= {SERVED_AFTER.seconds}]" in lines_of(plan, "served")
    assert f"?{FRONT}:{HANDED_OVER})" in lines_of(plan, "recover")
    assert f"HOTLINE_PRIORITY={HANDED_OVER})" in lines_of(plan, "centres")
    assert f"${{HOTLINE_PRIORITY}} * {ROUNDS} + ${{HOTLINE_ROUND}}" in lines_of(plan, "waiting")


def test_each_route_of_a_centre_is_an_endpoint(tmp_path: Path) -> None:
    endpoints = sections(rendered(tmp_path)["pjsip.conf"])
    contacts = {name: dict(settings).get("contact") for name, settings in endpoints.items()}
    assert contacts["110"] == "sip:110@127.0.0.3:20011"
    assert contacts["110-2"] == "sip:110@127.0.1.3:20011"


def test_a_transition_is_dated_and_comes_before_the_greeting(tmp_path: Path) -> None:
    merged = lines_of(rendered(tmp_path)["extensions.conf"], "lines").split("exten => 12369,1,")[1].split("exten =>")[0]
    assert "${HOTLINE_TODAY} < 20260901 | ${HOTLINE_TODAY} > 20261130]?greet" in merged
    prompts = re.findall(r"Gosub\(prompt,s,1\(([a-z-]+)\)\)", merged)
    assert prompts == ["line-merged", "greeting", "recording-notice"]
    assert merged.index("(greet)") < merged.index("greeting")


def test_only_the_lines_that_a_centre_may_hand_over_to_take_its_calls(tmp_path: Path) -> None:
    text = default_text().replace('accept = ["12345"]', 'accept = ["12329"]', 1)
    centres = lines_of(rendered(tmp_path, text=text)["extensions.conf"], "centres")
    accepted = {
        part.split(",")[0]: set(re.findall(r'= "(\w+)"\]\?accepted', part)) for part in centres.split("exten => ")[1:]
    }
    assert accepted == {"12345": {"119", "120", "122", "12366"}, "12329": {"110"}}


def test_centres_go_first_also_after_a_lost_talk(tmp_path: Path) -> None:
    plan = rendered(tmp_path)["extensions.conf"]
    assert 'HOTLINE_PRIORITY=${IF($["${HOTLINE_CENTRE}" = ""]?1000:2000)}' in lines_of(plan, "recover")
    assert "HOTLINE_PRIORITY=2000" in lines_of(plan, "centres")


def test_what_a_centre_sends_is_checked_before_it_is_used(tmp_path: Path) -> None:
    plan = lines_of(rendered(tmp_path)["extensions.conf"], "handover")
    for name in ("HOTLINE_SUMMARY", "HOTLINE_NUMBER"):
        uses = [line for line in plan.splitlines() if f"${{{name}}}" in line]
        assert "REGEX" in uses[0]


def test_duty_phones_are_called_in_order(tmp_path: Path) -> None:
    phones = '[{ number = "13900000001", trunk = "trunk" }, { number = "13900000002", trunk = "trunk", ring_s = 9 }]'
    plan = rendered(tmp_path, text=default_text().replace("duty = []", f"duty = {phones}"))["extensions.conf"]
    assert re.findall(r"Dial\(([^)]*\))", plan.split("[fallback]")[1]) == [
        "PJSIP/13900000001@trunk,25,gm(default)",
        "PJSIP/13900000002@trunk,9,gm(default)",
    ]


def test_no_message_is_taken_where_none_is_wanted(tmp_path: Path) -> None:
    plan = rendered(tmp_path, text=default_text().replace("message_s = 120", "message_s = 0"))["extensions.conf"]
    assert "Record(" not in plan


def test_what_a_caller_sends_stands_in_no_expression_and_no_file_name(tmp_path: Path) -> None:
    plan = rendered(tmp_path)["extensions.conf"]
    after = plan.split("[caller-id]")[1].split("Return()")[1] + plan.split("[caller-id]")[0]
    assert "HOTLINE_FROM" not in after
    assert "HOTLINE_NAME" not in after
    for application in re.findall(r"(?:MixMonitor|Record|Playback)\(.*\)", plan):
        assert "CALLERID" not in application
        assert "HOTLINE_N" not in application


DESK_PHONES = """
[[desk_phones]]
seat = "8101"
allow = ["192.0.2.0/24", "198.51.100.7"]

[[desk_phones]]
seat = "8102"
allow = ["192.0.2.0/24"]
transport = "tcp"
"""


def test_a_desk_phone_registers_with_its_own_secret_from_its_own_networks(tmp_path: Path) -> None:
    topology = parse(default_text() + DESK_PHONES)
    secrets = Secrets.kept_in(tmp_path / "keys" / "switch.json", desk_phones=topology.desk_seats)
    kept = tmp_path / "keys" / "desk-phones.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    files = render(topology, Ports(20000), tmp_path / "etc", secrets, places=PLACES)
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    assert {name for name, text in texts.items() if secrets.desk_phones["8101"] in text} == {"pjsip_desk_phones.conf"}
    auth = dict(sections(texts["pjsip_desk_phones.conf"])["desk-8101"])
    assert (auth["username"], auth["password"]) == ("8101", secrets.desk_phones["8101"])
    pjsip = sections(texts["pjsip.conf"])
    assert [value for name, value in pjsip["8101"] if name == "permit"] == ["192.0.2.0/24", "198.51.100.7"]
    assert ("deny", "0.0.0.0/0.0.0.0") in pjsip["desk-phone"]
    assert ("transport", "transport-udp") in pjsip["8101"]
    assert ("transport", "transport-tcp") in pjsip["8102"]
    assert ("webrtc", "yes") not in pjsip["desk-phone"]
    assert ("bind", "127.0.0.1:20003") in pjsip["transport-tcp"]
    assert "exten => 8101,1,Dial(PJSIP/8101,8" in texts["extensions.conf"]
    assert "exten => 8101,1,Dial(PJSIP/8101,20" in texts["extensions_transfers.conf"]


def test_without_desk_phones_none_can_register(tmp_path: Path) -> None:
    files = rendered(tmp_path)
    assert "desk-" not in files["pjsip.conf"]
    assert "transport-tcp" not in files["pjsip.conf"]
    assert sections(files["pjsip_desk_phones.conf"]) == {}


def test_a_desk_phones_secret_is_kept_may_be_ones_own_and_must_be_usable(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "switch.json"
    first = Secrets.kept_in(place, desk_phones=("8101", "8102"))
    assert Secrets.kept_in(place, desk_phones=("8101", "8102")) == first
    assert first.desk_phones["8101"] != first.desk_phones["8102"]
    assert first.desk_phones["8101"] not in repr(first)
    kept = place.with_name("desk-phones.json")
    kept.write_text(kept.read_text().replace(first.desk_phones["8101"], "chosen-by-the-city"))
    assert Secrets.kept_in(place, desk_phones=("8101",)).desk_phones == {"8101": "chosen-by-the-city"}
    kept.write_text(kept.read_text().replace("chosen-by-the-city", "a; permit = 0.0.0.0/0"))
    with pytest.raises(TopologyError, match=r"desk-phones.json: 8101"):
        Secrets.kept_in(place, desk_phones=("8101",))
