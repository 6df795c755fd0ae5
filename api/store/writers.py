"""What all that is written behind has come to, for the health page and for supervisors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.store.behind import WriteBehind


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
