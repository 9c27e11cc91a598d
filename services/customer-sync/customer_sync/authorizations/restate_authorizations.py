"""State authorizations again, each by the contract of its status (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.customer import (
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRefused,
    AuthorizationRequested,
    AuthorizationTerminated,
)
from contracts.event import Event
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


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Authorization)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Authorization)
        .where(Authorization.id > after)
        .order_by(Authorization.id)
        .limit(limit)
    )
    return [_restated(authorization) for authorization in found]


def _restated(known: Authorization) -> AuthorizationEvent:
    changed_at = known.ended_at or known.decided_at or known.requested_at
    return known.present(CONTRACTS[known.status], changed_at)


AUTHORIZATIONS = Restater("authorization", _count, _next)
