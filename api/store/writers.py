"""All that is written behind, listed once: run, drained and looked after together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from api.store.behind import WriteBehind


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Writer:
    """``run`` runs ``behind``, and what else its owner does all the time."""

    name: str
    behind: WriteBehind[Any]
    run: Callable[[], Coroutine[Any, Any, None]]


class Writers:
    """What a person should know of all of them."""

    def __init__(self, *all_of: Writer) -> None:
        self._all = all_of

    def __iter__(self) -> Iterator[Writer]:
        return iter(self._all)

    @property
    def wait(self) -> bool:
        """Records wait, or could not be kept if they had to."""
        return any(one.away or one.kept or one.problem or one.died for one in self._behind)

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self._behind)

    @property
    def trouble(self) -> str:
        return trouble_of(self._behind)

    async def drain(self, timeout_s: float) -> bool:
        """All at a time: a database that is away is waited for once."""
        return all(await asyncio.gather(*(one.drain(timeout_s) for one in self._behind)))

    @property
    def _behind(self) -> list[WriteBehind[Any]]:
        return [one.behind for one in self._all]


def trouble_of(writers: Iterable[WriteBehind[Any]]) -> str:
    """What a person should know of the records that wait or were refused; empty while all is well."""
    all_of = tuple(writers)
    away = next((one.away for one in all_of if one.away), "")
    died = next((one.died for one in all_of if one.died), "")
    problem = next((one.problem for one in all_of if one.problem), "")
    kept = sum(one.kept for one in all_of)
    refused = sum(one.refused for one in all_of)
    parts = (
        away or ("slow" if kept else ""),
        f"a writer begins again: {died}" if died else "",
        f"{kept} records wait on this machine" if kept else "",
        f"nothing can be kept on this machine: {problem}" if problem else "",
        f"{refused} records were refused: `hotline refused`" if refused else "",
    )
    return "; ".join(part for part in parts if part)
