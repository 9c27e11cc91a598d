"""The partner's record of what was done with its coupons."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from voucher.coupons.models import CouponRecord
from voucher.quotas.models import Quota


def record_operation(
    session: AsyncSession,
    quota: Quota,
    operation_type: int,
    customer_id: str,
    amount: Decimal,
    now: datetime,
    *,
    coupon_id: str | None,
    remark: str | None,
    done: bool = True,
) -> None:
    """A line in the partner's record of coupons; the amount is always positive (B.7)."""
    session.add(
        CouponRecord(
            id=new_id(),
            partner_id=quota.partner_id,
            distributor_id=quota.distributor_id,
            operation_type=str(operation_type),
            quota_id=quota.id,
            quota_type=quota.quota_type,
            coupon_id=coupon_id,
            customer_id=customer_id,
            amount=amount,
            at=now,
            result="0" if done else "-1",
            remark=remark,
        )
    )
