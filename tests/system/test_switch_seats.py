"""A browser's seat at the wire: a password for one shift, SIP over WebSocket, and what an INVITE to it says."""

from __future__ import annotations

import hashlib
import re
import secrets

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

SEAT = "8001"


def mint(switch: RunningSwitch, password: str) -> None:
    fields = {"auth_type": "userpass", "username": SEAT, "password": password}
    answer = httpx.put(
        f"http://127.0.0.1:{switch.ports.http}/ari/asterisk/config/dynamic/res_pjsip/auth/{SEAT}-auth",
        auth=("hotline", switch.secrets.ari),
        json={"fields": [{"attribute": name, "value": value} for name, value in fields.items()]},
    )
    assert answer.status_code == 200


def revoke(switch: RunningSwitch) -> None:
    answer = httpx.delete(
        f"http://127.0.0.1:{switch.ports.http}/ari/asterisk/config/dynamic/res_pjsip/auth/{SEAT}-auth",
        auth=("hotline", switch.secrets.ari),
    )
    assert answer.status_code in (200, 204)


def request(method: str, target: str, branch: str, sequence: int, *more: str) -> str:
    lines = (
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK{branch}",
        f"From: <sip:{SEAT}@127.0.0.1>;tag=browser",
        f"To: <sip:{SEAT if method == 'REGISTER' else target.split(':')[1].split('@', maxsplit=1)[0]}@127.0.0.1>",
        f"Call-ID: call-{method}-{branch[:4]}",
        f"CSeq: {sequence} {method}",
        f"Contact: <sip:{SEAT}@browser.invalid;transport=ws>",
        "Max-Forwards: 70",
        *more,
        "Content-Length: 0",
    )
    return "\r\n".join(lines) + "\r\n\r\n"


def registered(link: ClientConnection, password: str) -> int:
    """The status of a REGISTER with this password."""
    call, target = secrets.token_hex(6), "sip:127.0.0.1"
    link.send(request("REGISTER", target, call, 1))
    challenge = heard(link, "SIP/2.0 ")
    found = re.search(r'realm="([^"]+)",nonce="([^"]+)"', challenge)
    if not found:
        return int(challenge.split()[1])
    realm, nonce = found.groups()
    opaque = re.search(r'opaque="([^"]+)"', challenge)

    def digest(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    proof = digest(
        f"{digest(f'{SEAT}:{realm}:{password}')}:{nonce}:00000001:browser:auth:{digest(f'REGISTER:{target}')}"
    )
    words = (
        f'Digest username="{SEAT}", realm="{realm}", nonce="{nonce}", uri="{target}", response="{proof}", algorithm=MD5'
        f', qop=auth, nc=00000001, cnonce="browser"' + (f', opaque="{opaque[1]}"' if opaque else "")
    )
    link.send(request("REGISTER", target, call, 2, f"Authorization: {words}"))
    return int(heard(link, "SIP/2.0 ").split()[1])


def heard(link: ClientConnection, start: str) -> str:
    """The next message that begins so; OPTIONS in between are answered."""
    while True:
        message = link.recv(timeout=10)
        text = message if isinstance(message, str) else message.decode()
        if text.startswith(start):
            return text
        if text.startswith("OPTIONS"):
            link.send(answer_to(text, "200 OK"))


def answer_to(text: str, status: str) -> str:
    kept = [line for line in text.split("\r\n") if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    return "\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0"]) + "\r\n\r\n"


@pytest.fixture
def link(switch: RunningSwitch) -> ClientConnection:
    with connect(f"ws://127.0.0.1:{switch.ports.http}/ws", subprotocols=["sip"], close_timeout=1) as opened:  # type: ignore[list-item]
        yield opened  # type: ignore[misc]


def test_a_password_is_good_for_one_shift(switch: RunningSwitch, link: ClientConnection) -> None:
    assert registered(link, "before") != 200
    mint(switch, "first")
    assert registered(link, "wrong") != 200
    assert registered(link, "first") == 200
    mint(switch, "second")
    assert registered(link, "first") != 200
    assert registered(link, "second") == 200
    revoke(switch)
    assert registered(link, "second") != 200


def test_an_invite_names_the_call_hides_the_caller_and_offers_loopback(
    switch: RunningSwitch, link: ClientConnection
) -> None:
    mint(switch, "shift")
    assert registered(link, "shift") == 200
    with switch.ami() as ami, switch.citizen("rings", number="15433061709", display="wxyz", stay_s=4) as citizen:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface=f"PJSIP/{SEAT}", MemberName=SEAT)
        invite = heard(link, "INVITE ")
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        called = ami.event("AgentCalled")
        link.send(answer_to(invite, "486 Busy Here"))
        ami.ask(Action="QueueRemove", Queue="hotline", Interface=f"PJSIP/{SEAT}")
        assert citizen.wait(20) == 0
    assert f"X-Hotline-Call-Id: {call_id}" in invite
    assert "15433061709" not in invite
    assert "wxyz" not in invite
    assert re.search(r"^From: .*<sip:hotline@", invite, re.MULTILINE)
    candidates = re.findall(r"^a=candidate:.*$", invite, re.MULTILINE)
    assert any(" 127.0.0.1 " in line for line in candidates)
    assert all(" 127.0.0.1 " in line for line in candidates)
    assert "a=fingerprint:" in invite
    assert re.search(r"^m=audio \d+ \S+ 8 ", invite, re.MULTILINE)
    assert called["CallerIDNum"] == "15433061709"


def test_a_seat_may_dial_the_echo_and_nothing_else(switch: RunningSwitch) -> None:
    plan = switch.asterisk.console("dialplan show seats")
    assert re.findall(r"'([^']+)' =>", plan) == ["600"]
    assert "Include" not in plan
