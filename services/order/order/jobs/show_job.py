"""How far a job is, and how it is stopped."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.identity import Principal
from chassis.jobs import Progress, find_job, progress_of
from order.jobs.models import JobItem, OrderJob

ITEMS = "order-job-items"


async def show_job(session: AsyncSession, principal: Principal, job_id: str) -> Progress[OrderJob]:
    """The caller's job, as far as it is."""
    return await progress_of(session, await find_job(session, OrderJob, principal, job_id), JobItem)


async def stop_job(
    session: AsyncSession, principal: Principal, job_id: str, now: datetime
) -> Progress[OrderJob]:
    """No further item is begun; those that are being carried out come to their end.

    Raises:
        JobNotFoundError, JobEndedError

    """
    job = await find_job(session, OrderJob, principal, job_id, lock=True)
    job.stop(now)
    audit.record(session, principal, "order_job.stop", job_id, now)
    return await progress_of(session, job, JobItem)
