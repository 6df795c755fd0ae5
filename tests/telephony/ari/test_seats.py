from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from telephony.ari.seats import SeatPasswords
from telephony.errors import ActionFailed, ActionUnanswered, InvalidValue, SwitchUnavailable


@dataclass
class FakeRest:
    """An HTTP server on loopback that gives one answer to everything and keeps what it was asked."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    requests: list[tuple[str, str]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            pass  # the client has left
        finally:
            writer.close()
            self.done.set()


async def _request(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Head and body of one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lengths = [int(line[16:]) for line in head.lower().split("\r\n") if line.startswith("content-length: ")]
    return head, (await reader.readexactly(sum(lengths))).decode()


@asynccontextmanager
async def rest(answer: bytes = FakeRest.answer) -> AsyncIterator[tuple[FakeRest, SeatPasswords]]:
    fake = FakeRest(answer)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, SeatPasswords(base_url=url, username="hotline", password="loopback", timeout_s=0.2) as seats:
        yield fake, seats
        await seats.close()
        if fake.requests:
            await fake.done.wait()


async def test_a_minted_password_is_random_and_goes_to_the_seat_only() -> None:
    async with rest() as (fake, seats):
        first, second = await seats.mint("8001"), await seats.mint("8001")  # type: ignore[arg-type]
    assert len(first) >= 24
    assert first != second
    head, body = fake.requests[0]
    assert head.startswith("PUT /ari/asterisk/config/dynamic/res_pjsip/auth/8001-auth HTTP/1.1")
    fields = {each["attribute"]: each["value"] for each in json.loads(body)["fields"]}
    assert fields == {"auth_type": "userpass", "username": "8001", "password": first}
    assert first not in head


@pytest.mark.parametrize("status", [b"204 No Content", b"404 Not Found"])
async def test_a_revoked_seat_is_as_wanted_whether_it_had_a_password_or_not(status: bytes) -> None:
    async with rest(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as (fake, seats):
        await seats.revoke("8001")  # type: ignore[arg-type]
    assert fake.requests[0][0].startswith("DELETE /ari/asterisk/config/dynamic/res_pjsip/auth/8001-auth ")


@pytest.mark.parametrize("seat", ["", "8001/../../x", "8001\r\nX: y", "8001?a=b", "%2e", "座席", "8" * 40, None])
async def test_a_seat_that_is_no_name_is_refused_before_anything_is_sent(seat: str) -> None:
    async with rest() as (fake, seats):
        with pytest.raises(InvalidValue):
            await seats.mint(seat)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            await seats.revoke(seat)  # type: ignore[arg-type]
    assert fake.requests == []


async def test_a_refusal_is_an_error_without_the_password() -> None:
    async with rest(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (fake, seats):
        with pytest.raises(ActionFailed, match="403") as refused:
            await seats.mint("8001")  # type: ignore[arg-type]
    password = json.loads(fake.requests[0][1])["fields"][2]["value"]
    assert password not in str(refused.value)


async def test_silence_is_unanswered() -> None:
    async with rest(b"") as (_, seats):
        with pytest.raises(ActionUnanswered):
            await seats.mint("8001")  # type: ignore[arg-type]


async def test_nobody_there_is_unavailable() -> None:
    async with SeatPasswords(base_url="http://127.0.0.1:9", username="h", password="p") as seats:
        with pytest.raises(SwitchUnavailable):
            await seats.mint("8001")  # type: ignore[arg-type]
