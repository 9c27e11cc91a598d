"""Bring period resources to what their time has made of them, a step at a time.

See docs/domain/resources.md H.8. At the end of what is paid: grace, retention, closed, by policy.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from contracts.order import ResourceEvent
from order.resources.become_on_demand import become_on_demand
from order.resources.ends import (
    CLOSED,
    DELETE,
    EXPIRED,
    FROZEN,
    GRACE_TIME,
    IN_USE,
    RETENTION_TIME,
    TO_ON_DEMAND,
    WITHOUT_GRACE,
)
from order.resources.facts import resource_closed, resource_expired, resource_frozen
from order.resources.models import Resource
from order.resources.orders_under_way import is_under_way, statuses_under_way
from wire.times import SECOND
from wire.vocabulary import ChargingMode

PERIOD = ChargingMode.PERIOD
PORTION_MAX = 100  # resources in one transaction
PORTIONS_MAX = 50  # a turn
FACTS: dict[int, Callable[[Resource, datetime], ResourceEvent]] = {
    EXPIRED: resource_expired,
    FROZEN: resource_frozen,
    CLOSED: resource_closed,
}


async def end_resources(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions; what is long over takes its steps one after another."""
    for status in (IN_USE, EXPIRED, FROZEN):
        for _ in range(PORTIONS_MAX):
            async with database.transaction() as session:
                ended = await _end_portion(session, status, now)
            if ended < PORTION_MAX:
                break


async def next_end(session: AsyncSession) -> datetime | None:
    """When the next step is due."""
    ends = []
    without_grace = Resource.expire_policy.in_(WITHOUT_GRACE)
    for status in (IN_USE, EXPIRED, FROZEN):
        for grace, policy in ((True, ~without_grace), (False, without_grace)):
            earliest = select(func.min(Resource.expire_at)).where(*_may_end(status), policy)
            expire_at = await session.scalar(earliest)
            if expire_at is not None:
                ends.append(expire_at + SECOND + _lasts(status, grace=grace))
    frozen = select(func.min(Resource.expire_at)).where(
        *_may_end(FROZEN), Resource.expire_policy == TO_ON_DEMAND
    )
    if (expire_at := await session.scalar(frozen)) is not None:
        ends.append(expire_at + SECOND)
    return min(ends, default=None)


def _lasts(status: int, *, grace: bool) -> timedelta:
    """How long after the end of what is paid a resource stays in the status."""
    if status == IN_USE:
        return timedelta()
    if status == EXPIRED:
        return GRACE_TIME
    return RETENTION_TIME + (GRACE_TIME if grace else timedelta())


def _may_end(status: int) -> list[ColumnElement[bool]]:
    """What an order under way names is not closed: it may be renewed by that."""
    return [
        Resource.charging_mode == PERIOD,
        Resource.status == status,
        or_(~_waits_for_orders(status), ~is_under_way()),
    ]


async def _end_portion(session: AsyncSession, status: int, now: datetime) -> int:
    found = await session.scalars(
        select(Resource)
        .where(*_may_end(status), _is_over(status, now))
        .order_by(Resource.expire_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Resource, skip_locked=True)
    )
    resources = found.all()
    for resource in resources:
        if resource.expire_policy == TO_ON_DEMAND:
            await _convert(session, resource, now)
            continue
        following = _following(status, resource.expire_policy)
        ids = [resource.resource_id]
        if following == CLOSED and await statuses_under_way(session, ids):
            continue
        resource.move_on(following, now)
        outbox.publish(session, FACTS[following](resource, now))
    return len(resources)


async def _convert(session: AsyncSession, resource: Resource, now: datetime) -> None:
    """Used on demand from now on; an order that names it is waited for, as by what would close."""
    if not await statuses_under_way(session, [resource.resource_id]):
        await become_on_demand(session, resource, now)


def _following(status: int, policy: int) -> int:
    """What comes behind a status, of what does not turn on demand."""
    if status == IN_USE:
        if policy == DELETE:
            return CLOSED
        return FROZEN if policy in WITHOUT_GRACE else EXPIRED
    return FROZEN if status == EXPIRED else CLOSED


def _waits_for_orders(status: int) -> ColumnElement[bool]:
    """What would be closed or charged otherwise."""
    if status == IN_USE:
        return Resource.expire_policy.in_((DELETE, TO_ON_DEMAND))
    return true() if status == FROZEN else false()


def _is_over(status: int, now: datetime) -> ColumnElement[bool]:
    """Its last second is over, and so is what the status lasts behind it."""
    end = now - SECOND
    if status == IN_USE:
        return Resource.expire_at <= end
    if status == EXPIRED:
        return Resource.expire_at <= end - GRACE_TIME
    retained = end - RETENTION_TIME
    return or_(
        # Frozen with its customer: it turns on demand all the same, and is frozen so.
        and_(Resource.expire_at <= end, Resource.expire_policy == TO_ON_DEMAND),
        Resource.expire_at <= retained - GRACE_TIME,
        and_(Resource.expire_at <= retained, Resource.expire_policy.in_(WITHOUT_GRACE)),
    )
