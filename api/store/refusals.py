"""What the database will never take, told apart from a database that is away (pure)."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolExhausted


def is_refused(error: Exception) -> bool:
    """Whether it is this item that is at fault: the same will never succeed. Whatever else goes wrong may pass."""
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        error = error.orig if isinstance(error.orig, Exception) else error  # raised while a value was made ready
    return isinstance(error, IntegrityError | DataError | ValueError | TypeError | OverflowError)


def is_away(error: Exception) -> bool:
    """Whether the same may well succeed later: it is the database that is not there, takes nothing, or has no tables
    yet."""
    return isinstance(error, DBAPIError | PoolExhausted | OSError) and not is_refused(error)
