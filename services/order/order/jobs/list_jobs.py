"""The jobs that there are, the newest first, each as far as it is."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from chassis.jobs import Progress, progress_of_all
from order.jobs.models import JobItem, OrderJob
from wire.types import NativeQuery

JOBS = "order-jobs"
PAGE_MAX = 100  # each may have thousands of items, which are counted


class ListJobs(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    status: Literal["running", "done", "stopped"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


async def list_jobs(
    session: AsyncSession, principal: Principal, wanted: ListJobs
) -> tuple[Sequence[Progress[OrderJob]], str | None]:
    """A partner's own, or all for the administrator, and what to ask the next page after.

    Ended jobs are forgotten after some days. Their ids sort by the time they were taken.
    """
    found = select(OrderJob)
    if not principal.is_administrator:
        found = found.where(OrderJob.partner_id == principal.partner_id)
    if wanted.status is not None:
        found = found.where(OrderJob.status == wanted.status)
    if wanted.after:
        found = found.where(OrderJob.job_id < keys_after(JOBS, wanted.after)[0])
    rows = await session.scalars(found.order_by(OrderJob.job_id.desc()).limit(wanted.limit + 1))
    jobs = rows.all()
    page = jobs[: wanted.limit]
    following = cursor_after(JOBS, page[-1].job_id) if len(jobs) > wanted.limit else None
    return await progress_of_all(session, page, JobItem), following
