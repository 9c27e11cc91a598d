"""Read and compare vendors' bills: each step is one transaction, so nothing is ever half there.

A process that was killed leaves its lease; whoever takes it begins the step anew.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.files.refusal import FileRefusedError
from billing.files.sent import QUEUED
from billing.files.work_at_files import FileWork
from billing.reconciliation.facts import reconciliation_finished
from billing.reconciliation.find_surplus import (
    LEFT_OVER_MAX,
    MEMORY,
    SECONDS_MAX,
    TooDifferentError,
)
from billing.reconciliation.models import COMPARED, COMPARING, READING, Reconciliation
from billing.reconciliation.read_bill import FIELDS, Expected, read_bill
from billing.reconciliation.write_differences import write_differences
from chassis import outbox
from chassis.crash import crash_point
from wire.json import dumps

ROWS_AT_ONCE = 5_000  # read in a thread, and written in one statement


class Reconciliations(FileWork[Reconciliation]):
    """All vendors' bills."""

    rows = Reconciliation
    to_do = (QUEUED, READING, COMPARING)

    def begin(self, found: Reconciliation, _now: datetime) -> None:
        """It is read, if it was not."""
        if found.status == QUEUED:
            found.status = READING

    async def read(self, found: Reconciliation) -> None:
        """All rows, then where they differ."""
        if found.status == READING:
            await self._read_rows(found)
        try:
            await self._compare(found)
        except TooDifferentError as error:
            reason = f"more than {LEFT_OVER_MAX} rows differ: it is another bill"
            raise FileRefusedError(reason) from error

    async def on_refusal(self, session: AsyncSession, row: Reconciliation, now: datetime) -> None:
        """Nothing of it is kept."""
        await _forget_rows(session, row)
        row.rows_read = 0
        outbox.publish(session, reconciliation_finished(row, 0, 0, now))

    async def on_failure(self, session: AsyncSession, row: Reconciliation, now: datetime) -> None:
        """It is finished, too."""
        outbox.publish(session, reconciliation_finished(row, 0, 0, now))

    async def _read_rows(self, found: Reconciliation) -> None:
        """All rows, or none."""
        with TemporaryFile() as packed:
            await self.fetch(found, packed)
            rows = read_bill(packed, Expected(found.cycle, found.currency))
            async with self.database.transaction() as session:
                await _forget_rows(session, found)
                while some := await asyncio.to_thread(_some, rows):
                    await _write_rows(session, found, some)
                    await self._tell(found, some[-1]["number"])
                crash_point("billing.bill_read")
                await self.step(session, found, status=COMPARING, rows_read=found.rows_read)
        found.status = COMPARING

    async def _tell(self, found: Reconciliation, rows: int) -> None:
        """How far it is read, for those who look; nothing depends on it."""
        found.rows_read = rows
        async with self.database.transaction() as session:
            await session.execute(self.mine(found).values(rows_read=rows))

    async def _compare(self, found: Reconciliation) -> None:
        now = await self.clock()
        async with self.database.transaction() as session:
            await session.execute(text(f"SET LOCAL statement_timeout = '{SECONDS_MAX}s'"))
            await session.execute(text(f"SET LOCAL work_mem = '{MEMORY}'"))
            totals, lines, differences = await write_differences(session, found)
            crash_point("billing.bill_compared")
            ended: dict[str, Any] = {"ended_at": now, "holder": None, "held_until": None}
            await self.step(session, found, status=COMPARED, totals=totals, **ended)
            found.status = COMPARED
            outbox.publish(session, reconciliation_finished(found, lines, differences, now))


def _some(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(islice(rows, ROWS_AT_ONCE))


async def _forget_rows(session: AsyncSession, found: Reconciliation) -> None:
    await session.execute(
        text("DELETE FROM vendor_rows WHERE reconciliation_id = :id"),
        {"id": found.reconciliation_id},
    )


async def _write_rows(
    session: AsyncSession, found: Reconciliation, rows: list[dict[str, Any]]
) -> None:
    """By COPY, in the session's transaction."""
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    whose = (found.reconciliation_id, found.partner_id, found.distributor_id)
    records = [(*whose, *(_stored(row, name) for name in FIELDS)) for row in rows]
    await driver.copy_records_to_table(
        "vendor_rows",
        columns=["reconciliation_id", "partner_id", "distributor_id", *FIELDS],
        records=records,
    )


def _stored(row: dict[str, Any], name: str) -> Any:
    return dumps(row[name]).decode() if name in ("columns", "others") else row[name]
