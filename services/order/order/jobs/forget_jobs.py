"""Jobs that ended long ago are forgotten with their items; what they did stays with the orders."""

from datetime import datetime

from chassis import job_turns
from chassis.database import Database
from order.jobs.models import JobItem, OrderJob

JOBS_AT_ONCE = 10  # of 10,000 items each at most


async def forget_jobs(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions."""
    await job_turns.forget_jobs(database, OrderJob, JobItem, JOBS_AT_ONCE, now)
