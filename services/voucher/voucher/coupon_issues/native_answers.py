"""What the native API shows of a job of issues, of its items, and of a preview."""

from datetime import datetime

from chassis.jobs import Progress, RefusedItemsAnswer, refused_items
from voucher.coupon_issues.items_wanted import ItemWanted
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem
from voucher.coupon_issues.preview_issue import Preview
from wire.native import Money, NativeAnswer


class CouponIssueAnswer(NativeAnswer):
    """How far a job is; the three counts add up to `total`. Of a preview: what it would come to."""

    job_id: str | None  # a preview has none
    quota_id: str
    status: str  # running, done, stopped; preview: nothing was written
    total: int
    succeeded: int
    failed: int
    waiting: int  # of a stopped job: what is not done any more
    refused: list[RefusedItemsAnswer]  # the failed ones by their code
    currency: str
    quota_balance: Money | None  # of a preview alone: what the quota would be left with
    as_of: datetime
    started_at: datetime | None
    ended_at: datetime | None


class CouponIssueItemAnswer(NativeAnswer):
    """One item, by its place in the list that was sent; the first is 1."""

    position: int
    state: str  # waiting, succeeded, failed
    customer_id: str | None  # of a broken row: what stands there, if anything
    currency: str
    face_value: Money | None  # null: the row is broken
    coupon_id: str | None
    code: str | None
    message: str | None
    ended_at: datetime | None


class CouponIssueItemsAnswer(NativeAnswer):
    """A page of items; `next` goes into `after` for the next page, null on the last one."""

    items: list[CouponIssueItemAnswer]
    next: str | None


def native_issue(
    progress: Progress[CouponIssue], now: datetime, language: str
) -> CouponIssueAnswer:
    """The job with its counts."""
    return CouponIssueAnswer.of(
        progress.job, succeeded=progress.succeeded, failed=progress.failed,
        waiting=progress.waiting, refused=refused_items(progress.refused, language),
        quota_balance=None, as_of=now,
    )  # fmt: skip


def native_preview(preview: Preview, now: datetime, language: str) -> CouponIssueAnswer:
    """The same for a job that nobody started."""
    refused = refused_items(preview.refused, language)
    return CouponIssueAnswer.of(
        preview, job_id=None, status="preview", failed=preview.total - preview.succeeded,
        waiting=0, refused=refused, as_of=now, started_at=None, ended_at=None,
    )  # fmt: skip


def native_issue_item(
    job: CouponIssue, item: CouponIssueItem, language: str
) -> CouponIssueItemAnswer:
    """The item, with its refusal in the language asked for."""
    is_item = "face_value" in item.wanted  # else a broken row, of which not much is known
    wanted = ItemWanted.model_validate(item.wanted) if is_item else None
    return CouponIssueItemAnswer.of(
        item, customer_id=item.wanted["customer_id"],
        face_value=wanted.face_value if wanted else None,
        currency=job.currency, message=item.message(language),
    )  # fmt: skip
