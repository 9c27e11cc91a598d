"""What the native API shows of a job and its items."""

from datetime import datetime

from chassis.jobs import Progress
from order.jobs.models import JobItem, OrderJob
from wire.native import NativeAnswer


class JobAnswer(NativeAnswer):
    """How far a job is; the three counts add up to `total`."""

    job_id: str
    partner_id: str
    kind: str  # renew, auto_renewal, cancel, unsubscribe, pay_requests, place
    status: str  # running, done, stopped
    total: int
    succeeded: int
    failed: int
    waiting: int  # of a stopped job: what is not done any more
    as_of: datetime
    started_at: datetime
    ended_at: datetime | None


class JobsAnswer(NativeAnswer):
    """A page of jobs; `next` goes into `after` for the next page, null on the last one."""

    jobs: list[JobAnswer]
    next: str | None


class JobItemAnswer(NativeAnswer):
    """One item, by its place in the list that was sent; the first is 1."""

    position: int
    state: str  # waiting, succeeded, failed
    order_id: str | None  # that was made, paid, cancelled
    code: str | None
    message: str | None
    ended_at: datetime | None


class JobItemsAnswer(NativeAnswer):
    """A page of items; `next` goes into `after` for the next page, null on the last one."""

    items: list[JobItemAnswer]
    next: str | None


def native_job(progress: Progress[OrderJob], now: datetime) -> JobAnswer:
    """The job with its counts."""
    return JobAnswer.of(
        progress.job, succeeded=progress.succeeded, failed=progress.failed,
        waiting=progress.waiting, as_of=now,
    )  # fmt: skip


def native_item(item: JobItem, language: str) -> JobItemAnswer:
    """The item, with its refusal in the language asked for."""
    return JobItemAnswer.of(item, message=item.message(language))
