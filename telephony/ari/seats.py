"""SIP passwords of the seats: made at the start of a shift, void at its end, never in a file.

The switch looks for the object ``<seat>-auth`` first in its own small database (``sorcery.conf``:
``auth=astdb,ps_auths``), which ARI writes (``/asterisk/config/dynamic``). Without it no REGISTER of the seat succeeds.
"""

from __future__ import annotations

import re
import secrets
from types import TracebackType
from typing import Any

import httpx

from telephony.errors import ActionFailed, ActionUnanswered, InvalidValue, SwitchUnavailable
from telephony.ids import SeatId

PASSWORD_BYTES = 24
TIMEOUT_S = 5.0

_SEAT = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,31}", re.ASCII)


class SeatPasswords:
    """One HTTP client to the switch's ARI. Use as an async context manager, or ``close`` it.

    Both methods raise InvalidValue and SwitchUnavailable (nothing was changed), ActionFailed (refused) and
    ActionUnanswered (unknown; both may be asked again, they only set a state).
    """

    def __init__(self, *, base_url: str, username: str, password: str, timeout_s: float = TIMEOUT_S) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            auth=(username, password),
            timeout=timeout_s,
            trust_env=False,  # a proxy of the environment has no business here
        )

    async def mint(self, seat: SeatId) -> str:
        """Give the seat a new random password (32 characters of the URL alphabet) and return it."""
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        fields = {"auth_type": "userpass", "username": seat, "password": password}
        body = {"fields": [{"attribute": name, "value": value} for name, value in fields.items()]}
        await self._request("mint", "PUT", _path(seat), json=body)
        return password

    async def revoke(self, seat: SeatId) -> None:
        """Let nobody register at the seat any more. A seat that has no password already is as wanted."""
        await self._request("revoke", "DELETE", _path(seat), accepted=httpx.codes.NOT_FOUND)

    async def close(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> SeatPasswords:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _request(self, name: str, method: str, path: str, *, accepted: int = 0, **content: Any) -> None:
        try:
            response = await self._client.request(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise SwitchUnavailable("ari not reachable") from error
        except httpx.HTTPError as error:
            raise ActionUnanswered(name) from error
        if not response.is_success and response.status_code != accepted:
            raise ActionFailed(name, f"HTTP {response.status_code}")


def _path(seat: str) -> str:
    if not isinstance(seat, str) or not _SEAT.fullmatch(seat):
        raise InvalidValue("seat", "a name of letters, digits, - and _")
    return f"/ari/asterisk/config/dynamic/res_pjsip/auth/{seat}-auth"
