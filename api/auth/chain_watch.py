"""Once a week the audit log is read from its beginning; whoever watches is told where it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from api.auth.audit import ChainReport, verify_chain
from api.store.engine import Store, insert_into
from api.store.tables import LogPosition

EVERY = timedelta(days=7)
PLACE = "audit"

log = structlog.get_logger(__name__)


class ChainWatch:
    """``look`` as often as one likes. That it was read stands in the database, so that a restart does not read it
    again; a log that does not hold is read, and told of, each time."""

    def __init__(self, store: Store, now: Callable[[], datetime], publish: Callable[[ChainReport], None]) -> None:
        self._store = store
        self._now = now
        self._publish = publish

    async def look(self) -> ChainReport | None:
        """None where it is not time yet."""
        now = self._now()
        async with self._store.read() as session:
            last = await session.get(LogPosition, PLACE)
            if last is not None and now - last.at < EVERY:
                return None
            report = await verify_chain(session, self._store.keyring)
        if report.intact:
            await self._note(report, now)
            log.info("audit log read", records=report.records)
        else:
            log.error("the audit log does not hold", broken_at=report.broken_at)
        self._publish(report)
        return report

    async def _note(self, report: ChainReport, now: datetime) -> None:
        values = {"file_id": "", "place": report.records, "at": now}
        async with self._store.write() as session:
            row = insert_into(session, LogPosition).values(name=PLACE, **values)
            await session.execute(row.on_conflict_do_update(index_elements=[LogPosition.name], set_=values))
