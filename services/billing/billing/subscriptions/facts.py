"""The event of a delivery that went wrong."""

from datetime import datetime

from billing.subscriptions.models import WAITING, Delivery
from contracts.billing import BillingDeliveryFailed


def delivery_failed(
    delivery: Delivery, file_name: str | None, error: str, now: datetime
) -> BillingDeliveryFailed:
    """A try failed; it says when the next one comes, if any."""
    return BillingDeliveryFailed(
        occurred_at=now,
        partner_id=delivery.partner_id,
        distributor_id=delivery.distributor_id,
        version=delivery.version,
        delivery_id=delivery.delivery_id,
        subscription_id=delivery.subscription_id,
        bill_cycle=delivery.cycle,
        file_name=file_name,
        try_number=delivery.tries,
        error=error,
        next_try_at=delivery.next_try_at if delivery.state == WAITING else None,
    )
