"""The whole product as one test needs it: the real server as a process beside a real switch, and its accounts."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.auth.users import create_user
from api.demo.children import Child
from api.settings import Settings
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from api.store.tables import UserSkill
from telephony.dialplan.ports import Ports


@dataclass(frozen=True, kw_only=True)
class Account:
    username: str
    password: str


class Hotline:
    """One server process: enter it to start it, leave it to stop it. ``home`` and ``ports`` are those of the switch."""

    def __init__(self, home: Path, ports: Ports, **settings: object) -> None:
        self.settings = Settings(home=home, port_base=ports.base, speech_download=False, **settings)  # type: ignore[arg-type]
        self._child = Child(
            "hotline",
            [sys.executable, "-m", "api.cli", "serve"],
            run_dir=home / "log",
            env=os.environ | _environment(self.settings),
        )

    @property
    def url(self) -> str:
        return self.settings.url

    @property
    def pid(self) -> int:
        assert self._child.pid is not None
        return self._child.pid

    def account(self, username: str, role: Role, *, seat: str | None = None, queues: tuple[str, ...] = ()) -> Account:
        """A new account with a random password; ``seat`` is also the work number. ``queues``: skills of its own."""
        password = secrets.token_urlsafe(12)

        async def make() -> None:
            await migrate(self.settings.database)
            store = Store(self.settings.database, Keyring.load(self.settings.keys_dir))
            passwords = Passwords(threads=1)
            try:
                user_id = await create_user(
                    store,
                    passwords,
                    username=username,
                    display_name=f"座席{seat}" if seat else username,
                    role=role,
                    password=password,
                    agent_id=seat,
                    seat=seat,
                    now=datetime.now(UTC),
                )
                async with store.write() as session:
                    session.add_all([UserSkill(user_id=user_id, queue=queue) for queue in queues])
            finally:
                await store.close()

        asyncio.run(make())
        return Account(username=username, password=password)

    @contextmanager
    def client(self, account: Account) -> Iterator[httpx.Client]:
        """A signed-in HTTP client."""
        with httpx.Client(base_url=f"{self.url}/api/v1", timeout=10) as client:
            answer = client.post(
                "/session",
                json={"username": account.username, "password": account.password},
                headers={"Idempotency-Key": secrets.token_hex(16)},
            )
            answer.raise_for_status()
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client

    def parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = httpx.get(f"{self.url}/healthz", timeout=5).json()["parts"]
        return parts

    def wait_until_live(self, timeout_s: float = 60, *, speech: bool = True) -> None:
        """Until the switch's link is live and, with ``speech``, the recogniser is ready."""
        deadline = time.monotonic() + timeout_s
        said: object = None
        while time.monotonic() < deadline:
            assert self._child.running, self._child.output.read_text(encoding="utf-8", errors="replace")[-4000:]
            try:
                parts = self.parts()
            except httpx.TransportError as error:
                said = type(error).__name__
            else:
                said = parts
                if parts["switch"]["state"] == "live" and (not speech or parts["speech"]["state"] == "ok"):
                    return
            time.sleep(0.1)
        raise TimeoutError(f"not live: {said}")

    def output(self) -> str:
        return self._child.output.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """As a crash would: SIGKILL."""
        os.kill(self.pid, 9)
        self._child.stop(grace_s=1)

    def __enter__(self) -> Self:
        self._child.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop(grace_s=15)


def _environment(settings: Settings) -> dict[str, str]:
    return {f"HOTLINE_{name.upper()}": _plain(value) for name, value in settings.model_dump(exclude_unset=True).items()}


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple | dict):
        return json.dumps(value)
    return str(int(value) if isinstance(value, bool) else value)
