"""Carry out the items of issues: so many of a job, with the outcome of each, are one transaction.

They are written as the vendor's operation writes many coupons, and judged one by one as it judges
one (decision 0184).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.job_turns import Jobs
from voucher.coupon_issues.items_wanted import ItemWanted
from voucher.coupon_issues.judge_items import ItemsJudge
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem
from voucher.coupons.facts import voucher_issued
from voucher.coupons.write_issue import IssuedCoupon, RefusedIssue, write_issue
from voucher.find_customers import lock_customers
from voucher.find_partner import find_issuing_partner
from voucher.quotas.find_quota import lock_issued_from

EVERY_SECONDS = 1.0


class Issues(Jobs[CouponIssue, CouponIssueItem]):
    """One portion is prepared while another is written; all meet at the quota's lock."""

    jobs, items = CouponIssue, CouponIssueItem
    service, crash_at = "voucher", "voucher.item_done"
    items_at_once = 2
    items_together = 500
    items_a_turn_max = 10_000

    async def carry_out(
        self, session: AsyncSession, principal: Principal, job: CouponIssue,
        item: CouponIssueItem, now: datetime,
    ) -> None:  # fmt: skip
        """One alone: as many."""
        await self.carry_out_together(session, principal, job, [item], now)

    async def carry_out_together(
        self, session: AsyncSession, principal: Principal, job: CouponIssue,
        items: Sequence[CouponIssueItem], now: datetime,
    ) -> None:  # fmt: skip
        """Each by the rules of the vendor's operation with one customer, in their order.

        What refuses whole requests there refuses each item here, and none of the others.
        """
        wanted = [ItemWanted.model_validate(item.wanted) for item in items]
        names = sorted({one.customer_id for one in wanted})
        try:
            partner_id = await find_issuing_partner(session, principal, job.indirect_partner_id)
        except RefusedError as refusal:
            for item in items:
                self.note_refusal(item, refusal, now)
            return
        customers = await lock_customers(session, names)
        quota = await lock_issued_from(session, job.quota_id)
        is_reseller = partner_id != principal.partner_id
        judge = ItemsJudge(quota, partner_id, now, is_reseller=is_reseller)
        await judge.count(session, names)
        coupons: list[IssuedCoupon] = []
        refused: list[RefusedIssue] = []
        for item, one in zip(items, wanted, strict=True):
            try:
                window = judge.admit(one, customers)
            except RefusedError as refusal:
                self.note_refusal(item, refusal, now)
                continue
            try:
                coupon = judge.take(one, window, customers)
            except RefusedError as refusal:
                refused.append(RefusedIssue(one.customer_id, one.face_value, one.memo))
                self.note_refusal(item, refusal, now)
                continue
            coupons.append(coupon)
            outbox.publish(session, voucher_issued(coupon, now, judge.quota))
            item.succeed(coupon.id, now)
        if not coupons and not refused:
            return
        await write_issue(session, judge.quota, coupons, refused, now)
        audit.record(
            session, principal, "coupon.issue", job.quota_id, now, job=job.job_id,
            coupons=[coupon.id for coupon in coupons],
            face_value=str(sum((coupon.face_value for coupon in coupons), Decimal("0.00"))),
            refused=[one.customer_id for one in refused],
        )  # fmt: skip
