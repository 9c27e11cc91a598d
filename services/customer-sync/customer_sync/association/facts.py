"""The events of applications to unlink or to switch."""

from datetime import datetime

from contracts.customer import (
    AssociationChangeDecided,
    AssociationChangeEvent,
    AssociationChangeRequested,
)
from customer_sync.association.models import OPEN, AssociationApplication


def application_fact(application: AssociationApplication, now: datetime) -> AssociationChangeEvent:
    """The event of the application's next version."""
    application.count_fact()
    return _fact(application, now)


def application_restated(application: AssociationApplication) -> AssociationChangeEvent:
    """The present version once more, as of when it came about."""
    return _fact(application, application.decided_at or application.applied_at)


def _fact(application: AssociationApplication, now: datetime) -> AssociationChangeEvent:
    """By the contract of its status."""
    is_open = application.status == OPEN
    contract = AssociationChangeRequested if is_open else AssociationChangeDecided
    return contract(
        occurred_at=now,
        partner_id=application.partner_id,
        distributor_id=application.distributor_id,
        version=application.version,
        application_id=application.id,
        customer_id=application.customer_id,
        kind=application.kind,
        association_type=application.association_type,
        applied_by=application.applied_by,
        status=application.status,
        applied_at=application.applied_at,
        decided_at=application.decided_at,
    )
