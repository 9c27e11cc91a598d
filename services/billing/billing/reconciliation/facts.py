"""The event of a reconciliation that has ended."""

from datetime import datetime

from billing.reconciliation.models import Reconciliation
from contracts.billing import BillingReconciliationFinished


def reconciliation_finished(
    found: Reconciliation, lines: int, differences: int, now: datetime
) -> BillingReconciliationFinished:
    """It was compared, refused, or failed."""
    return BillingReconciliationFinished(
        occurred_at=now,
        partner_id=found.partner_id,
        distributor_id=found.distributor_id,
        version=found.version,
        reconciliation_id=found.reconciliation_id,
        bill_cycle=found.cycle,
        status=found.status,
        rows=found.rows_read,
        lines=lines,
        differences=differences,
    )
