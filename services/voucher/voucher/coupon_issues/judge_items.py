"""Judge items of an issue one after another, for the job that carries them out and its preview."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from voucher.copies import Customer
from voucher.coupon_issues.items_wanted import ItemWanted
from voucher.coupons.judge_issue import Judge, refuse_itself
from voucher.coupons.write_issue import IssuedCoupon
from voucher.quotas.models import Quota


class ItemsJudge:
    """The quota as it is after each item; one that nothing is issued from refuses them all."""

    def __init__(self, quota: Quota | None, partner_id: str, now: datetime, *, is_reseller: bool):
        self._partner_id, self._now = partner_id, now
        self._judge: Judge | None = None
        self._refusal: RefusedError | None = None
        try:
            self._judge = Judge.of(quota, partner_id, now, is_reseller=is_reseller)
        except RefusedError as refusal:
            self._refusal = refusal

    async def count(self, session: AsyncSession, customer_ids: list[str]) -> None:
        """Know of these customers what the quota's limits ask about."""
        if self._judge is not None:
            await self._judge.count(session, customer_ids)

    @property
    def quota(self) -> Quota:
        """As it is after what was taken; of a judge that admitted something."""
        assert self._judge is not None
        return self._judge.quota

    def admit(
        self, item: ItemWanted, customers: Mapping[str, Customer]
    ) -> tuple[datetime, datetime]:
        """From when to when its coupon holds; raises what refuses a whole request for it."""
        refuse_itself(self._partner_id, [item.customer_id])
        if self._judge is None:
            assert self._refusal is not None
            raise self._refusal
        return self._judge.admit(item.terms, [item.customer_id], customers, self._now)

    def take(
        self,
        item: ItemWanted,
        window: tuple[datetime, datetime],
        customers: Mapping[str, Customer],
    ) -> IssuedCoupon:
        """What it gets from the quota; raises what refuses this customer alone."""
        assert self._judge is not None
        self._judge.take(item.customer_id, customers, item.face_value, self._now)
        limits = self._judge.limits_of(item.terms)
        return IssuedCoupon.of(
            self.quota, item.customer_id, item.face_value, window, limits, item.memo
        )
