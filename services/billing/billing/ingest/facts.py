"""The event of a usage record that was not charged."""

from datetime import datetime

from billing.copies import Customer
from billing.ingest.charge_batch import Refused
from contracts.billing import BillingUsageRefused


def usage_refused(
    file_id: str, refused: Refused, customer: Customer, now: datetime
) -> BillingUsageRefused:
    """Of a row whose customer is known: others are nobody's news."""
    return BillingUsageRefused(
        occurred_at=now,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        version=1,
        refusal_id=f"{file_id}/{refused.row.number}",
        file_id=file_id,
        line=refused.row.line,
        record_id=refused.row.record_id,
        customer_id=customer.customer_id,
        refusal_code=refused.code,
        detail=refused.reason,
    )
