"""Jobs of issues that ended long ago are forgotten with their items; the coupons stay."""

from datetime import datetime

from chassis.database import Database
from chassis.job_turns import forget_jobs
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem

EVERY_SECONDS = 3600.0
JOBS_AT_ONCE = 2  # of 50,000 items each at most


async def forget_issues(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions."""
    await forget_jobs(database, CouponIssue, CouponIssueItem, JOBS_AT_ONCE, now)
