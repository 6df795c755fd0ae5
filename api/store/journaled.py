"""Items of writers as text and back: frozen dataclasses, each written under its own name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Codec(Generic[T]):
    """``kinds`` are the classes that may be written; what they hold is enums, instants, ids and such dataclasses."""

    def __init__(self, kinds: Iterable[type[T]]) -> None:
        self._adapters: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in kinds}

    def __bool__(self) -> bool:
        return bool(self._adapters)

    def takes(self, item: object) -> bool:
        return type(item).__name__ in self._adapters

    def text(self, item: T) -> str:
        """Raises KeyError for a class that was not named."""
        name = type(item).__name__
        return f"{name}\n{self._adapters[name].dump_json(item).decode()}"

    def item(self, text: str) -> T:
        """Raises KeyError or ValueError for what no version of ours has written."""
        name, _, body = text.partition("\n")
        read: T = self._adapters[name].validate_json(body)
        return read
