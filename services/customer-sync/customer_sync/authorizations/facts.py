"""The events of customers' grants to their partners."""

from datetime import datetime

from contracts.customer import (
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRefused,
    AuthorizationRequested,
    AuthorizationTerminated,
)
from customer_sync.authorizations.models import (
    ACTIVE,
    REFUSED,
    REQUESTED,
    TERMINATED,
    Authorization,
)

CONTRACTS: dict[str, type[AuthorizationEvent]] = {
    REQUESTED: AuthorizationRequested,
    ACTIVE: AuthorizationGranted,
    REFUSED: AuthorizationRefused,
    TERMINATED: AuthorizationTerminated,
}


def authorization_fact(authorization: Authorization, now: datetime) -> AuthorizationEvent:
    """The event of the authorization's next version."""
    authorization.count_fact()
    return _fact(authorization, now)


def authorization_restated(known: Authorization) -> AuthorizationEvent:
    """The present version once more, as of when it came about."""
    return _fact(known, known.ended_at or known.decided_at or known.requested_at)


def _fact(authorization: Authorization, now: datetime) -> AuthorizationEvent:
    """By the contract of its status."""
    contract = CONTRACTS[authorization.status]
    return contract(
        occurred_at=now,
        partner_id=authorization.partner_id,
        distributor_id=authorization.distributor_id,
        version=authorization.version,
        authorization_id=authorization.id,
        customer_id=authorization.customer_id,
        status=authorization.status,
        requested_at=authorization.requested_at,
        decided_at=authorization.decided_at,
        ended_at=authorization.ended_at,
    )
