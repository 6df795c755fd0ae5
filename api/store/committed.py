"""What is told once a transaction has been committed, and never if it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession


def publish_after(session: AsyncSession, news: Iterable[object], publish: Callable[[object], None]) -> None:
    """``publish`` each of them after the commit, in this order."""
    told = tuple(news)

    def tell(_: object) -> None:
        for one in told:
            publish(one)

    if told:
        event.listen(session.sync_session, "after_commit", tell, once=True)
