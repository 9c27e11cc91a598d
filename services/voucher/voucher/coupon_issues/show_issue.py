"""How far a job of issues is, and how it is stopped."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.identity import Principal
from chassis.jobs import Progress, find_job, progress_of
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem

ITEMS = "coupon-issue-items"


async def show_issue(
    session: AsyncSession, principal: Principal, job_id: str
) -> Progress[CouponIssue]:
    """The caller's job, as far as it is."""
    job = await find_job(session, CouponIssue, principal, job_id)
    return await progress_of(session, job, CouponIssueItem)


async def stop_issue(
    session: AsyncSession, principal: Principal, job_id: str, now: datetime
) -> Progress[CouponIssue]:
    """No further item is begun; those that are being carried out come to their end.

    Raises:
        JobNotFoundError, JobEndedError

    """
    job = await find_job(session, CouponIssue, principal, job_id, lock=True)
    job.stop(now)
    audit.record(session, principal, "coupon_issue.stop", job_id, now)
    return await progress_of(session, job, CouponIssueItem)
