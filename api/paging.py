"""Pages of lists: what a route takes, and the shape of its answer."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

LARGEST = 100

T = TypeVar("T")

PageNumber = Annotated[int, Query(ge=1, le=100_000, description="From 1.")]
PageSize = Annotated[int, Query(ge=1, le=LARGEST)]


class Page(BaseModel, Generic[T]):
    """``total`` counts all pages."""

    items: list[T]
    total: int
    page: int
    size: int
