"""Bulk work: what the rows of a job and of its items have in common, whatever is done.

A service mixes these columns into tables of its own; `chassis.job_turns` carries the items out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from wire.native import NativeAnswer
from wire.types import NativeQuery

RUNNING, DONE, STOPPED = "running", "done", "stopped"
WAITING, SUCCEEDED, FAILED = "waiting", "succeeded", "failed"  # states of an item
RUNNING_MAX = 10  # jobs of one kind of a partner account
PAGE_MAX = 1000


class JobNotFoundError(NotFoundError):
    """There is no such job, or it is not the caller's."""


class JobEndedError(RefusedError):
    """All items are done: there is nothing to stop."""

    code = "CHB.0409"


class TooManyJobsError(RefusedError):
    """So many jobs of the account are running already."""

    code = "CHB.0409"


class JobColumns:
    """What somebody wants done many times over."""

    job_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[str]  # running | done | stopped
    total: Mapped[int]
    started_by: Mapped[dict[str, Any]]  # the principal in whose name each item is done
    ended_at: Mapped[datetime | None]

    def stop(self, now: datetime) -> None:
        """No further item is begun; stopped again, nothing changes."""
        if self.status == DONE:
            raise JobEndedError
        if self.status == RUNNING:
            self.status, self.ended_at = STOPPED, now


class ItemColumns:
    """One deed of a job; job and position are its idempotency key, named by the table."""

    job_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # from 1, as they were asked for
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    state: Mapped[str]  # waiting | succeeded | failed
    tries: Mapped[int]
    not_before: Mapped[datetime]
    code: Mapped[str | None]
    detail: Mapped[str | None]
    detail_zh: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    def end(self, now: datetime) -> None:
        """Done, in the transaction of the deed."""
        self.state, self.ended_at = SUCCEEDED, now

    def fail(self, refusal: RefusedError, now: datetime) -> None:
        """Refused; it is not tried again."""
        self.state, self.code, self.ended_at = FAILED, refusal.refusal_code, now
        self.detail, self.detail_zh = refusal.detail or None, refusal.detail_zh or None

    def claim(self, until: datetime) -> None:
        """Whoever did its first part does the rest; another takes it up then."""
        self.not_before = until

    def try_again(self, at: datetime) -> None:
        """What it needs is not there for the moment."""
        self.tries += 1
        self.not_before = at

    def message(self, language: str) -> str | None:
        """Why it was refused, if it was."""
        if self.code is None:
            return None
        refusal = RefusedError(self.detail or "", detail_zh=self.detail_zh or "", code=self.code)
        return refusal.message(language)


J = TypeVar("J", bound=JobColumns)
I = TypeVar("I", bound=ItemColumns)  # noqa: E741


@dataclass(frozen=True, slots=True)
class Progress(Generic[J]):
    """A job and how many of its items are where, as of one instant; they add up to `total`."""

    job: J
    succeeded: int
    failed: int
    waiting: int
    refused: dict[str, int]  # the failed ones by their code


class ListJobItems(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    state: Literal["waiting", "succeeded", "failed"] | None = None
    after: str | None = None
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


async def find_job(
    session: AsyncSession, jobs: type[J], principal: Principal, job_id: str, *, lock: bool = False
) -> J:
    """A partner's own; the administrator sees all."""
    wanted = select(jobs).where(jobs.job_id == job_id)
    if not principal.is_administrator:
        wanted = wanted.where(jobs.partner_id == principal.partner_id)
    job = await session.scalar(wanted.with_for_update() if lock else wanted)
    if job is None:
        raise JobNotFoundError
    return job


async def progress_of(session: AsyncSession, job: J, items: type[ItemColumns]) -> Progress[J]:
    """How far it is."""
    [progress] = await progress_of_all(session, [job], items)
    return progress


async def progress_of_all(
    session: AsyncSession, jobs: Sequence[J], items: type[ItemColumns]
) -> list[Progress[J]]:
    """How far each of the jobs is."""
    found = await session.execute(
        select(items.job_id, items.state, items.code, func.count())
        .where(items.job_id.in_([job.job_id for job in jobs]))
        .group_by(items.job_id, items.state, items.code)
    )
    counts: dict[str, Counter[str]] = {job.job_id: Counter() for job in jobs}
    refused: dict[str, dict[str, int]] = {job.job_id: {} for job in jobs}
    for job_id, state, code, count in found:
        counts[job_id][state] += count
        if code is not None:
            refused[job_id][code] = count
    return [
        Progress(job, of[SUCCEEDED], of[FAILED], of[WAITING], refused[job.job_id])
        for job, of in ((job, counts[job.job_id]) for job in jobs)
    ]


async def page_of_items(
    session: AsyncSession, job: JobColumns, items: type[I], wanted: ListJobItems, list_name: str
) -> tuple[Sequence[I], str | None]:
    """One page of the items as they were asked for, and what to ask the next one after."""
    found = select(items).where(items.job_id == job.job_id)
    if wanted.state is not None:
        found = found.where(items.state == wanted.state)
    if wanted.after:
        of_job, position = keys_after(list_name, wanted.after, 2)
        if of_job != job.job_id or not position.isdecimal():
            raise BadFieldError("after", "not a cursor of this list")
        found = found.where(items.position > int(position))
    rows = (await session.scalars(found.order_by(items.position).limit(wanted.limit + 1))).all()
    page = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    following = cursor_after(list_name, job.job_id, str(page[-1].position)) if more else None
    return page, following


async def refuse_many_running(
    session: AsyncSession, jobs: type[JobColumns], principal: Principal, name: str
) -> None:
    """Raise TooManyJobsError; one start of an account after another, so that ten are ten."""
    one_at_a_time = func.hashtext(f"{name}.{principal.partner_id}")
    await session.execute(select(func.pg_advisory_xact_lock(one_at_a_time)))
    running = await session.scalar(
        select(func.count())
        .select_from(jobs)
        .where(jobs.partner_id == principal.partner_id, jobs.status == RUNNING)
    )
    if (running or 0) >= RUNNING_MAX:
        raise TooManyJobsError(f"{RUNNING_MAX} jobs are running")


class RefusedItemsAnswer(NativeAnswer):
    """So many items were refused, or would be, for one reason."""

    code: str
    message: str
    count: int


def refused_items(codes: Mapping[str, int], language: str) -> list[RefusedItemsAnswer]:
    """The refusals of a job by their code."""
    return [
        RefusedItemsAnswer(code=code, message=RefusedError(code=code).message(language), count=n)
        for code, n in sorted(codes.items())
    ]
