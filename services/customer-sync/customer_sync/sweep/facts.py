"""What a sweep of an upstream says of itself."""

from datetime import datetime

from contracts.customer import SyncDriftFound, SyncSweepFinished
from customer_sync.sweep.models import Sweep


def sweep_finished(sweep: Sweep, now: datetime) -> SyncSweepFinished:
    """The pass ended."""
    sweep.version += 1
    return SyncSweepFinished(
        occurred_at=now,
        partner_id=sweep.partner_id,
        distributor_id=None,
        version=sweep.version,
        sweep_id=sweep.id,
        started_at=sweep.started_at,
        customers_seen=sweep.customers_seen,
        customers_changed=sweep.customers_changed,
        requests_made=sweep.requests_made,
    )


def drift_found(
    sweep: Sweep,
    now: datetime,
    customer_id: str,
    field: str,
    ours: str | None,
    theirs: str | None,
) -> SyncDriftFound:
    """The mirror and the upstream disagree about a field of a customer."""
    sweep.version += 1
    return SyncDriftFound(
        occurred_at=now,
        partner_id=sweep.partner_id,
        distributor_id=None,
        version=sweep.version,
        sweep_id=sweep.id,
        started_at=sweep.started_at,
        customer_id=customer_id,
        field=field,
        ours=ours,
        theirs=theirs,
    )
