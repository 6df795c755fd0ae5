"""Passwords: argon2 in a few threads of its own, so that a rush of sign-ins delays no call."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.errors import InvalidField, Overloaded

SHORTEST, LONGEST = 10, 128


class Passwords:
    """``threads`` verifications at once and ``waiting`` more in line; beyond that the answer is ``Overloaded``."""

    def __init__(self, *, threads: int = 2, waiting: int = 100, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._places = threads + waiting
        self._taken = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidField("password", f"{SHORTEST} to {LONGEST} characters")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """``stored`` None (no such account) takes as long as a wrong password and is False."""
        if self._taken >= self._places:
            raise Overloaded("sign-in")
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            matches = await loop.run_in_executor(self._pool, self._matches, stored or self._nobody, password)
        finally:
            self._taken -= 1
        return matches and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
