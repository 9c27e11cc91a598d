"""Charge files of usage: each batch is one transaction, which also says how far the file is.

A process that was killed leaves its lease; whoever takes it goes on behind the last batch.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.files.refusal import FileRefusedError
from billing.files.sent import QUEUED
from billing.files.work_at_files import FileWork
from billing.ingest.charge_batch import (
    Refused,
    charge_batch,
    judge_rows,
    known_customers,
    refusals_of,
)
from billing.ingest.facts import usage_refused
from billing.ingest.models import ALL, DONE, RUNNING, UsageFile, UsageRefusal
from billing.ingest.read_rows import Row, read_rows
from billing.prices.catalogue import Catalogue
from billing.usage.records import UsageRecord
from billing.usage.reserve_coupons import UsageBusyError, UsageCoupons
from billing.usage_coupons.models import UsageAttemptClosedError
from chassis import outbox
from chassis.business_clock import BusinessNow
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import OutsideError
from chassis.logs import get_logger

log = get_logger(__name__)

PEER_AWAY = timedelta(seconds=5)  # then voucher is asked again
ROWS_AT_ONCE = 4_000  # of a batch: a customer's accounts are locked so long, some 0.5 s


class UsageFiles(FileWork[UsageFile]):
    """All files of usage."""

    rows = UsageFile
    to_do = (QUEUED, RUNNING)

    def __init__(
        self, database: Database, catalogue: Catalogue, coupons: UsageCoupons, clock: BusinessNow
    ):
        super().__init__(database, clock)
        self._catalogue, self._coupons = catalogue, coupons

    def begin(self, found: UsageFile, _now: datetime) -> None:
        """It is charged."""
        found.status = RUNNING

    async def go_on(self, found: UsageFile) -> None:
        """The same; while voucher is away it waits: what coupons pay is taken from no account."""
        try:
            await super().go_on(found)
        except (OutsideError, UsageBusyError, UsageAttemptClosedError) as error:
            log.warning("a file of usage waits", file=found.file_id, error=repr(error))
            async with self.database.transaction() as session:
                until = {"held_until": func.now() + PEER_AWAY}
                await session.execute(self.mine(found).values(until))

    async def read(self, found: UsageFile) -> None:
        """Batch by batch, once each row was found good where that is wanted."""
        with TemporaryFile() as packed:
            await self.fetch(found, packed)
            if found.keep != ALL or found.is_checked or await self._check(found, packed):
                await self._charge(found, packed)

    async def _check(self, found: UsageFile, packed: IO[bytes]) -> bool:
        """Whether each row is good; else nothing is charged, and each that is not is told."""
        now = await self.clock()
        count = 0
        async with self.database.transaction() as session:
            await session.execute(delete(UsageRefusal).where(UsageRefusal.file_id == found.file_id))
            async with aclosing(_batches(packed, 0)) as batches:
                async for rows in batches:
                    customers = await known_customers(session, rows)
                    judged = await judge_rows(session, self._catalogue, rows, customers, now)
                    self._tell(session, found, judged.refused, customers, now)
                    count += len(judged.refused)
            if count == 0:
                await self.step(session, found, is_checked=True)
                return True
            row = await self.hold(session, found)
            row.rows_refused = count
            row.refuse(
                FileRefusedError(f"{count} rows were refused, and it was to be charged whole"), now
            )
        return False

    async def _charge(self, found: UsageFile, packed: IO[bytes]) -> None:
        async with aclosing(_batches(packed, found.rows_read)) as batches:
            async for rows in batches:
                await self._charge_batch(found, rows)
                crash_point("billing.usage_batch")
        now = await self.clock()
        async with self.database.transaction() as session:
            (await self.hold(session, found)).end(DONE, now)

    async def _charge_batch(self, found: UsageFile, rows: Sequence[Row]) -> None:
        now = await self.clock()
        async with (
            self._coupons.reserved(_records(rows), now) as shares,
            self.database.transaction() as session,
        ):
            done = await charge_batch(session, self._catalogue, rows, now, shares)
            self._tell(session, found, done.refused, done.customers, now)
            await self.step(
                session,
                found,
                rows_read=rows[-1].number,
                rows_charged=UsageFile.rows_charged + done.charged,
                rows_known=UsageFile.rows_known + done.known,
                rows_refused=UsageFile.rows_refused + len(done.refused),
            )

    def _tell(
        self,
        session: AsyncSession,
        found: UsageFile,
        refused: Sequence[Refused],
        customers: Mapping[str, Customer],
        now: datetime,
    ) -> None:
        """Keep the refusals, and state those whose customer is known."""
        session.add_all(refusals_of(found.file_id, found.partner_id, refused))
        for one in refused:
            customer = customers.get(one.row.customer_id or "")
            if customer is not None:
                outbox.publish(session, usage_refused(found.file_id, one, customer, now))


async def _batches(packed: IO[bytes], behind: int) -> AsyncGenerator[list[Row], None]:
    """The rows behind that number, some at a time; a thread reads ahead of who charges them."""
    packed.seek(0)
    rows = read_rows(packed)  # type: ignore[arg-type]
    await asyncio.to_thread(_skip, rows, behind)
    following = asyncio.create_task(asyncio.to_thread(_some, rows))
    try:
        while some := await following:
            following = asyncio.create_task(asyncio.to_thread(_some, rows))
            yield some
    finally:  # the thread has the file, which the caller closes
        await asyncio.wait([following])


def _records(rows: Sequence[Row]) -> list[UsageRecord]:
    return [row.record for row in rows if row.record is not None]


def _skip(rows: Iterator[Row], count: int) -> None:
    next(islice(rows, count, count), None)


def _some(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, ROWS_AT_ONCE))
