"""Take a job of issues with all its items; they are carried out one by one afterwards."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.copies import WAIT_SECONDS
from chassis.errors import BadFieldError
from chassis.identity import Principal, kept_claims
from chassis.ids import new_id
from chassis.jobs import FAILED, RUNNING, WAITING, refuse_many_running
from voucher.coupon_issues.items_wanted import IssueCoupons, ItemWanted
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem
from voucher.coupon_issues.read_csv import BrokenRow, read_csv
from voucher.coupons.judge_issue import IssueRefusedError
from voucher.find_partner import find_issuing_partner
from voucher.quotas.models import Quota

ITEMS_AT_ONCE = 500  # in one statement


def rows_of(wanted: IssueCoupons) -> Sequence[ItemWanted | BrokenRow]:
    """The items as they were sent, or the rows of the CSV; raises as `read_csv`."""
    if (wanted.items is None) == (wanted.csv is None):
        raise BadFieldError("items", "either items or csv")
    if wanted.items is not None:
        return wanted.items
    return read_csv(wanted.csv or "", skip_broken=wanted.broken_rows == "skip")


async def start_issue(
    session: AsyncSession, principal: Principal, wanted: IssueCoupons, now: datetime
) -> CouponIssue:
    """Keep the job and its items; a broken row has failed from the beginning.

    No item is begun before what the caller did a moment ago has been heard: nobody is waited for
    item by item (decision 0120).

    Raises:
        IssueRefusedError: the quota is not the issuer's.
        BadFieldError: an item's currency is not the quota's.
        TooManyJobsError

    """
    rows = rows_of(wanted)
    quota = await find_issued_from(session, principal, wanted, rows)
    await refuse_many_running(session, CouponIssue, principal, "voucher.coupon_issues")
    job = CouponIssue(
        job_id=new_id(),
        partner_id=principal.partner_id,
        distributor_id=principal.distributor_id,
        quota_id=quota.id,
        indirect_partner_id=wanted.indirect_partner_id,
        currency=quota.currency,
        status=RUNNING,
        total=len(rows),
        started_by=kept_claims(principal),
        started_at=now,
    )
    session.add(job)
    await session.flush()
    await _keep_items(session, job, rows, now)
    audit.record(session, principal, "coupon_issue.start", job.job_id, now,
                 quota=quota.id, total=job.total)  # fmt: skip
    return job


async def find_issued_from(
    session: AsyncSession,
    principal: Principal,
    wanted: IssueCoupons,
    rows: Sequence[ItemWanted | BrokenRow],
) -> Quota:
    """The quota, read and not locked; raises as `start_issue`."""
    partner_id = await find_issuing_partner(session, principal, wanted.indirect_partner_id)
    quota = await session.get(Quota, wanted.quota_id)
    if quota is None or quota.partner_id != partner_id:
        raise IssueRefusedError(code="CBC.99000012")
    for number, item in enumerate(rows):
        if isinstance(item, ItemWanted) and item.currency not in (None, quota.currency):
            raise BadFieldError(f"items[{number}].currency", f"the quota's is {quota.currency}")
    return quota


async def _keep_items(
    session: AsyncSession, job: CouponIssue, items: Sequence[ItemWanted | BrokenRow], now: datetime
) -> None:
    """In portions, of which one at a time is in memory beside the request."""
    table = CouponIssueItem.__table__
    assert isinstance(table, Table)
    for begin in range(0, len(items), ITEMS_AT_ONCE):
        portion = enumerate(items[begin : begin + ITEMS_AT_ONCE], begin + 1)
        rows = [_row(job, position, item, now) for position, item in portion]
        await session.execute(insert(table), rows)


def _row(
    job: CouponIssue, position: int, item: ItemWanted | BrokenRow, now: datetime
) -> dict[str, Any]:
    refusal = item.refusal if isinstance(item, BrokenRow) else None
    return {
        "job_id": job.job_id,
        "position": position,
        "partner_id": job.partner_id,
        "distributor_id": job.distributor_id,
        "wanted": item.kept(),
        "state": FAILED if refusal else WAITING,
        "tries": 0,
        "not_before": now + timedelta(seconds=WAIT_SECONDS),
        "code": refusal.refusal_code if refusal else None,
        "detail": refusal.detail if refusal else None,
        "detail_zh": refusal.detail_zh or None if refusal else None,
        "ended_at": now if refusal else None,
    }
