from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import uuid

import pytest

from telephony.ari.seats import SeatPasswords
from telephony.errors import ActionFailed
from telephony.ids import SeatId
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

SEAT = SeatId("8001")


def register(switch: RunningSwitch, password: str) -> str:
    """The status line that a phone of the seat gets for REGISTER with this password."""
    target = f"sip:127.0.0.1:{switch.ports.sip}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(3)
        phone.connect(("127.0.0.1", switch.ports.sip))
        port, call = phone.getsockname()[1], uuid.uuid4().hex
        phone.send(_request(target, port, call, 1))
        challenge = _response(phone)
        asked = dict(
            re.findall(r'(\w+)="?([^",]+)', challenge.partition("WWW-Authenticate: Digest ")[2].split("\r\n")[0])
        )
        if "nonce" not in asked:
            return challenge.split("\r\n")[0]
        phone.send(_request(target, port, call, 2, _credentials(target, password, asked)))
        return _response(phone).split("\r\n")[0]


def _response(phone: socket.socket) -> str:
    """The next response; the switch also asks whether the phone is there (OPTIONS)."""
    while not (message := phone.recv(4096).decode()).startswith("SIP/2.0"):
        pass
    return message


def _request(target: str, port: int, call: str, number: int, credentials: str = "") -> bytes:
    seat = f"sip:{SEAT}@127.0.0.1"
    lines = [
        f"REGISTER {target} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{call}{number}",
        f"From: <{seat}>;tag={call}",
        f"To: <{seat}>",
        f"Call-ID: {call}",
        f"CSeq: {number} REGISTER",
        f"Contact: <{seat}:{port}>",
        "Max-Forwards: 70",
        "Expires: 60",
        *([credentials] if credentials else []),
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _credentials(target: str, password: str, asked: dict[str, str]) -> str:
    secret = _md5(f"{SEAT}:{asked['realm']}:{password}")
    response = _md5(f"{secret}:{asked['nonce']}:00000001:c:auth:{_md5(f'REGISTER:{target}')}")
    return (
        f'Authorization: Digest username="{SEAT}",realm="{asked["realm"]}",nonce="{asked["nonce"]}",uri="{target}",'
        f'response="{response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c",opaque="{asked["opaque"]}"'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def test_a_seat_registers_with_the_password_of_this_shift_and_no_other(switch: RunningSwitch) -> None:
    url = f"http://127.0.0.1:{switch.ports.http}"
    async with SeatPasswords(base_url=url, username="hotline", password=switch.secrets.ari) as seats:
        assert "200" not in await asyncio.to_thread(register, switch, "anything")
        first = await seats.mint(SEAT)
        assert "200 OK" in await asyncio.to_thread(register, switch, first)
        assert "401" in await asyncio.to_thread(register, switch, "wrong")
        second = await seats.mint(SEAT)
        assert "401" in await asyncio.to_thread(register, switch, first)
        assert "200 OK" in await asyncio.to_thread(register, switch, second)
        await seats.revoke(SEAT)
        assert "200" not in await asyncio.to_thread(register, switch, second)
        await seats.revoke(SEAT)


async def test_a_stranger_to_ari_mints_nothing(switch: RunningSwitch) -> None:
    url = f"http://127.0.0.1:{switch.ports.http}"
    async with SeatPasswords(base_url=url, username="hotline", password="wrong") as seats:
        with pytest.raises(ActionFailed, match="401"):
            await seats.mint(SEAT)
