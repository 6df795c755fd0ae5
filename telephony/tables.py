"""State machines as data: one step along a table, and the table as a Mermaid diagram (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)
Signal = TypeVar("Signal", bound=StrEnum)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlisted:
    """A signal that a machine's table does not list in that state. It changed nothing; log it and count it."""

    machine: str
    state: str
    signal: str


class Machine(Generic[State, Signal]):
    """One table under a name. It keeps no state, only the unlisted pairs until somebody takes them."""

    def __init__(self, name: str, table: Mapping[State, Mapping[Signal, State]]) -> None:
        self.name = name
        self._table = table
        self._unlisted: list[Unlisted] = []

    def step(self, state: State, signal: Signal) -> State | None:
        """The state that follows, or ``None`` where the table says nothing."""
        target = self._table[state].get(signal)
        if target is None:
            self._unlisted.append(Unlisted(machine=self.name, state=state, signal=signal))
        return target

    def allows(self, state: State, signal: Signal) -> bool:
        return signal in self._table[state]

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        if not self._unlisted:
            return ()
        taken = tuple(self._unlisted)
        self._unlisted.clear()
        return taken


def diagram(table: Mapping[State, Mapping[Signal, State]], *, start: State) -> str:
    """The table as a Mermaid ``stateDiagram-v2``: one arrow for each pair of states, with all its signals."""
    lines = ["stateDiagram-v2", f"    [*] --> {start}"]
    for state, row in table.items():
        signals: defaultdict[State, list[str]] = defaultdict(list)
        for signal, target in row.items():
            signals[target].append(signal)
        lines += [f"    {state} --> {target}: {', '.join(names)}" for target, names in signals.items()]
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
