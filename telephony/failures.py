"""What could not be followed stays with its subject: one call that fails stops no other (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One subject (a call, mostly) could not be followed; all others were. Log it and count it."""

    subject: str
    error: Exception


class Failures:
    """What could not be followed, until somebody takes it; whoever does not fail goes on."""

    def __init__(self) -> None:
        self._kept: list[Failure] = []

    def of(self, subject: str) -> _Attempt:
        """Whatever is raised inside is kept, and what was gathered before it stays."""
        return _Attempt(subject, self._kept)

    def take(self) -> tuple[Failure, ...]:
        if not self._kept:
            return ()
        taken = tuple(self._kept)
        self._kept.clear()
        return taken


class _Attempt:
    """Entered several times for each fact, so it costs as little as it can."""

    __slots__ = ("_kept", "_subject")

    def __init__(self, subject: str, kept: list[Failure]) -> None:
        self._subject = subject
        self._kept = kept

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Exception):
            self._kept.append(Failure(subject=self._subject, error=error))
            return True
        return False
