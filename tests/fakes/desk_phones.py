"""An ordinary SIP phone that registers with a secret, as it stands on an operator's desk."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets

from tests.fakes.sip_phones import Behaviour, SipPhone


class DeskPhone(SipPhone):
    """``open`` it, then ``register``. ``unplug`` makes it fall silent without a word to anybody."""

    def __init__(self, seat: str, secret: str, host: str, port: int, behave: Behaviour | None = None) -> None:
        super().__init__(host, port, behave)
        self.seat = seat
        self._secret = secret
        self._answers: asyncio.Queue[tuple[int, dict[str, list[str]]]] = asyncio.Queue()
        self._unplugged = False

    async def register(self, switch: tuple[str, int]) -> int:
        """The status of a REGISTER with this phone's secret."""
        dialog, target = secrets.token_hex(6), f"sip:{switch[0]}:{switch[1]}"
        status, headers = await self._ask_to_register(switch, target, dialog, 1)
        challenge = headers.get("www-authenticate", [""])[0]
        found = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if status != 401 or "nonce" not in found:
            return status
        proof = self._proof(found["realm"], found["nonce"], target)
        words = f'Digest username="{self.seat}", realm="{found["realm"]}", nonce="{found["nonce"]}", uri="{target}"'
        words += f', response="{proof}", algorithm=MD5, qop=auth, nc=00000001, cnonce="desk"'
        words += f', opaque="{found["opaque"]}"' if "opaque" in found else ""
        status, _ = await self._ask_to_register(switch, target, dialog, 2, f"Authorization: {words}")
        return status

    def unplug(self) -> None:
        self._unplugged = True

    def plug_in(self) -> None:
        self._unplugged = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self._unplugged:
            super().datagram_received(data, addr)

    def _on_response(self, status: int, headers: dict[str, list[str]]) -> None:
        if headers["cseq"][0].endswith("REGISTER"):
            self._answers.put_nowait((status, headers))
        else:
            super()._on_response(status, headers)

    async def _ask_to_register(
        self, switch: tuple[str, int], target: str, dialog: str, sequence: int, *more: str
    ) -> tuple[int, dict[str, list[str]]]:
        lines = [
            f"REGISTER {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{dialog}{sequence}",
            "Max-Forwards: 70",
            f"From: <sip:{self.seat}@{switch[0]}>;tag=desk",
            f"To: <sip:{self.seat}@{switch[0]}>",
            f"Call-ID: {dialog}",
            f"CSeq: {sequence} REGISTER",
            "Expires: 60",
            *more,
        ]
        self._send(lines, switch, sound=False)
        return await asyncio.wait_for(self._answers.get(), 5)

    def _proof(self, realm: str, nonce: str, target: str) -> str:
        who, what = _md5(f"{self.seat}:{realm}:{self._secret}"), _md5(f"REGISTER:{target}")
        return _md5(f"{who}:{nonce}:00000001:desk:auth:{what}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
