"""Rows at which one process works for long, under a lease: files that are read, exports made.

`job_turns` carries out the items of a job, each in one transaction; here a row is one work of many
transactions. A process that was killed leaves its lease, and whoever takes the row goes on from
where it stands. Two that believe to have it cannot both commit a step.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Update, func, inspect, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from chassis.business_clock import BusinessNow
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.ids import new_id
from chassis.logs import get_logger

log = get_logger(__name__)

LEASE = timedelta(seconds=60)  # of the wall; each step renews it
RENEW_SECONDS = 20.0
LOOK_SECONDS_MAX = 2.0  # between two looks for what another replica left or took
TRIES_MAX = 3  # of one step
FAILED = "failed"


class LostError(Exception):
    """Somebody else works at the row, or nobody is to do so any more."""


class LeasedColumns:
    """What the row of such a work has; a service mixes them into a table of its own."""

    status: Mapped[str]
    tries: Mapped[int]  # of the step that is next
    holder: Mapped[str | None]  # the process that works at it
    held_until: Mapped[datetime | None]  # by the wall; then another one goes on
    ended_at: Mapped[datetime | None]
    version: Mapped[int]

    def end(self, status: str, now: datetime) -> None:
        """Nothing is done with it any more."""
        self.status, self.ended_at = status, now
        self.holder = self.held_until = None
        self.version += 1


R = TypeVar("R", bound=LeasedColumns)


class LeasedWork(ABC, Generic[R]):
    """A schedule that runs often and asks the database only when there may be something to do."""

    rows: type[R]
    to_do: ClassVar[tuple[str, ...]]  # the states of a row that waits or is worked at

    def __init__(self, database: Database, clock: BusinessNow):
        self.database, self.clock = database, clock
        self._holder = new_id()
        self._next_look = datetime.min.replace(tzinfo=UTC)

    @abstractmethod
    def begin(self, found: R, now: datetime) -> None:
        """The row is taken: its state says so."""

    @abstractmethod
    async def go_on(self, found: R) -> None:
        """Do what is left of it, by `step`; LostError ends it, any other failure is a try."""

    async def on_failure(self, session: AsyncSession, row: R, now: datetime) -> None:
        """What else is written when the last try has failed."""

    def wake(self) -> None:
        """There is something to do, as this process has just seen."""
        self._next_look = datetime.min.replace(tzinfo=UTC)

    async def work(self, bus: Database, now: datetime) -> None:
        """Go on with all that wait."""
        if now < self._next_look:
            return
        self._next_look = now + timedelta(seconds=LOOK_SECONDS_MAX)
        await self.at_a_stop(bus, now)

    async def at_a_stop(self, _bus: Database, _now: datetime) -> None:
        """The same, whatever was known before."""
        while (found := await self._take()) is not None:
            await self._work_at(found)

    async def step(
        self, session: AsyncSession, found: R, *only_if: ColumnElement[bool], **values: Any
    ) -> None:
        """The step is done, in its transaction; LostError: somebody else did it."""
        renewed = {"tries": 0, "held_until": func.now() + LEASE}
        moved = await session.execute(
            self.mine(found)
            .where(*only_if)
            .values(**{**renewed, **values}, version=self.rows.version + 1)
            .returning(self.rows.version)
        )
        version = moved.scalar_one_or_none()
        if version is None:
            raise LostError
        found.version = version

    async def hold(self, session: AsyncSession, found: R) -> R:
        """The row, locked, as long as it is ours; LostError."""
        row = await session.get_one(self.rows, _id_of(found), with_for_update=True)
        if row.holder != self._holder or row.status not in self.to_do:
            raise LostError
        return row

    def mine(self, found: R) -> Update:
        """A change of the row that is made only while it is ours."""
        key = inspect(self.rows).primary_key[0]
        return (
            update(self.rows)
            .where(
                key == _id_of(found),
                self.rows.holder == self._holder,
                self.rows.status.in_(self.to_do),
            )
            .execution_options(synchronize_session=False)
        )

    async def _take(self) -> R | None:
        """The oldest that waits, or whose process is gone."""
        rows = self.rows
        now = await self.clock()
        async with self.database.transaction() as session:
            found: R | None = await session.scalar(
                select(rows)
                .where(
                    rows.status.in_(self.to_do),
                    or_(rows.held_until.is_(None), rows.held_until < func.now()),
                )
                .order_by(inspect(rows).primary_key[0])
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if found is not None:
                self.begin(found, now)
                found.holder = self._holder
                found.version += 1
                await session.flush()
                await session.execute(self.mine(found).values(held_until=func.now() + LEASE))
            return found

    async def _work_at(self, found: R) -> None:
        keeping = asyncio.create_task(self._keep(found))
        told = {"table": self.rows.__name__, "id": _id_of(found)}
        try:
            await self.go_on(found)
        except LostError:
            log.info("a work was lost to another process", **told)
        except DatabaseAwayError:
            raise
        except Exception:
            log.exception("a work failed", **told)
            await self._note_failure(found)
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _note_failure(self, found: R) -> None:
        """Whoever takes it when the lease has ended tries again; a few times."""
        now = await self.clock()
        with suppress(LostError):
            async with self.database.transaction() as session:
                row = await self.hold(session, found)
                row.tries += 1
                if row.tries >= TRIES_MAX:
                    row.end(FAILED, now)
                    await self.on_failure(session, row, now)

    async def _keep(self, found: R) -> None:
        """Hold the lease while a step is done."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(DatabaseAwayError):
                async with self.database.transaction() as session:
                    await session.execute(self.mine(found).values(held_until=func.now() + LEASE))


def _id_of(row: LeasedColumns) -> Any:
    identity = inspect(row).identity
    assert identity is not None  # it was read from the database
    return identity[0]
