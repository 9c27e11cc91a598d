"""The event that ends an attempt to pay usage with coupons."""

from datetime import datetime

from billing.usage_coupons.models import UsageAttempt
from contracts.billing import BillingUsageCouponsSettled, UsageCoupon


def usage_coupons_settled(attempt: UsageAttempt, now: datetime) -> BillingUsageCouponsSettled:
    """With what was paid, or nothing; voucher takes it and frees the rest."""
    return BillingUsageCouponsSettled(
        occurred_at=now,
        partner_id=attempt.partner_id,
        distributor_id=attempt.distributor_id,
        version=2,
        attempt_id=attempt.attempt_id,
        customer_id=attempt.payer_id,
        currency=attempt.currency,
        coupons=[
            UsageCoupon(coupon_id=coupon_id, amount=amount)
            for coupon_id, amount in attempt.paid.items()
        ],
        reason_code=attempt.reason_code,
    )
