"""Pages of lists: what a route takes, and the shape of its answer."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel

LARGEST = 100

T = TypeVar("T")

PageNumber = Annotated[int, Query(ge=1, le=100_000, description="From 1.")]
PageSize = Annotated[int, Query(ge=1, le=LARGEST)]

CALL_ID = r"^[0-9]{1,12}\.[0-9]{1,10}$"
"""As the switch mints it."""

CallIdPath = Annotated[str, Path(pattern=CALL_ID, description="The call id, as the switch minted it.", alias="call_id")]
UuidPath = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", alias="id")]


class Page(BaseModel, Generic[T]):
    """``total`` counts all pages."""

    items: list[T]
    total: int
    page: int
    size: int
