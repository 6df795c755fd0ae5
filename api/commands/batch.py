"""Items worked on one after the other: one that fails costs itself alone, and Ctrl-C those that are left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

import typer
from rich.markup import escape

from api.commands.terminal import err
from asr.offline import NoAnswer
from asr.recognizer import EngineUnavailable
from asr.soundfiles import SoundFileError

EXIT_PARTLY = 1
"""Something failed on the way; what else there is, is done."""
EXIT_BAD_FILE = 2
"""The input cannot be read, or the output cannot be written. Nothing is begun if that is known beforehand."""
EXIT_NO_ENGINE = 3
EXIT_STOPPED = 130
"""By Ctrl-C; what was done until then is written."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Batch(Generic[R]):
    """``done`` in the order of the items, without those that failed."""

    items: int
    done: list[R] = field(default_factory=list)
    stopped: bool = False

    @property
    def code(self) -> int:
        """The command ends with it."""
        return EXIT_STOPPED if self.stopped else EXIT_PARTLY if len(self.done) < self.items else 0

    def tell_of_stop(self) -> None:
        if self.stopped:
            say(f"Stopped: {len(self.done)} of {self.items} are done{' and written' * bool(self.done)}.", "yellow")


def work(items: Iterable[tuple[str, T]], one: Callable[[T], R]) -> Batch[R]:
    """Each with the name by which a failure of it is told; it takes one Ctrl-C to end before the next."""
    named = list(items)
    batch: Batch[R] = Batch(len(named))
    for name, item in named:
        try:
            batch.done.append(one(item))
        except KeyboardInterrupt:
            batch.stopped = True
            break
        except Exception as error:  # engines raise what they like; the other items are worth having
            say(f"{name}: {why(error)}")
    return batch


def why(error: Exception) -> str:
    """In one line."""
    match error:
        case EngineUnavailable(hint=hint) if hint:
            return f"{error.reason}; {hint}"
        case EngineUnavailable():
            return error.reason
        case NoAnswer():
            return str(error)
        case SoundFileError():
            return error.why
    return f"{type(error).__name__}: {error}"


def say(text: str, colour: str = "red") -> None:
    err.print(f"[{colour}]{escape(text)}", soft_wrap=True)


def end(text: str, code: int, error: Exception) -> NoReturn:
    """Say it and end the command."""
    say(text)
    raise typer.Exit(code) from error
