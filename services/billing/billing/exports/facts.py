"""The event of an export that has ended."""

from datetime import datetime

from billing.exports.models import Export
from contracts.billing import BillingExportFinished


def export_finished(export: Export, now: datetime) -> BillingExportFinished:
    """It is ready, failed, or was cancelled."""
    return BillingExportFinished(
        occurred_at=now,
        partner_id=export.partner_id,
        distributor_id=export.distributor_id,
        version=export.version,
        export_id=export.export_id,
        bill_cycle=export.cycle,
        format=export.format,
        view=export.view,
        status=export.status,
        rows=export.rows_done,
        expires_at=export.expires_at,
        subscription_id=export.subscription_id,
    )
