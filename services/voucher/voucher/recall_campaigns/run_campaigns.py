"""Carry out campaigns: each coupon is recalled by the vendor's rules, in its own transaction."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.job_turns import Jobs
from chassis.jobs import FAILED
from voucher.coupons.coupon_notes import REFUSED, note_coupon
from voucher.coupons.models import Coupon, CouponNotReclaimableError
from voucher.coupons.reclaim_partner_coupons import ReclaimPartnerCoupons, reclaim_partner_coupons
from voucher.recall_campaigns.models import RecallCampaign, RecallCampaignItem
from voucher.recall_campaigns.plan_campaign import RecallFilter

EVERY_SECONDS = 1.0


class Campaigns(Jobs[RecallCampaign, RecallCampaignItem]):
    """What a coupon has left when its turn comes is recalled, be it less than was seen."""

    jobs, items = RecallCampaign, RecallCampaignItem
    service, crash_at = "voucher", "voucher.campaign_item_done"

    async def carry_out(
        self, session: AsyncSession, principal: Principal, job: RecallCampaign,
        item: RecallCampaignItem, now: datetime,
    ) -> None:  # fmt: skip
        """As reclaim_partner_coupons."""
        if RecallFilter.model_validate(job.filter).unused_only:
            await _refuse_used(session, item.coupon_id)
        wanted = ReclaimPartnerCoupons.model_construct(
            coupon_id=item.coupon_id, indirect_partner_id=None
        )
        item.succeed(await reclaim_partner_coupons(session, principal, wanted, now), now)

    async def on_refusal(
        self, session: AsyncSession, principal: Principal, item: RecallCampaignItem,
        refusal: RefusedError, now: datetime,
    ) -> None:  # fmt: skip
        """The coupon's history tells of it, as of one at the door."""
        coupon = await session.get(Coupon, item.coupon_id)
        if coupon is not None and item.state == FAILED:
            code = refusal.refusal_code
            note_coupon(session, principal, coupon, REFUSED, now, code=code)


async def _refuse_used(session: AsyncSession, coupon_id: str) -> None:
    """What has paid since it was seen is not what was asked for."""
    coupon = await session.get_one(Coupon, coupon_id, with_for_update=True, populate_existing=True)
    if coupon.balance != coupon.face_value:
        raise CouponNotReclaimableError("a part of it is used")
