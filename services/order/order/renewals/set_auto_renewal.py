"""Switch the automatic renewal of a resource on and off.

See docs/domain/resources.md H.8: auto_renewal_resources, cancel_auto_renewal_resources.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies, outbox
from chassis.identity import Principal
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.orders.find_order import hold_association, visible
from order.orders.models import OrderLine
from order.renewals.refusals import NoSuchResourceError, NotRenewableNowError
from order.resources.ends import AUTO_RENEW, CLOSED, IN_USE, first_try, status_at
from order.resources.facts import resource_settings_changed
from order.resources.models import Resource
from order.resources.periods import MONTH, YEAR
from order.resources.renewal_settings import settings_of
from wire.times import SECOND
from wire.types import WireRequest
from wire.vocabulary import ChargingMode

TIMES_MAX = 99
PERIOD_TYPES = {"MONTH": MONTH, "YEAR": YEAR}
PERIOD = ChargingMode.PERIOD


class SetAutoRenewal(WireRequest, operation="auto_renewal_resources"):
    """The body of auto_renewal_resources; 0 times are without limit."""

    auto_renew_times: Annotated[int, Field(ge=0, le=TIMES_MAX)] | None = None
    period_type: Literal["MONTH", "YEAR"] | None = None


async def set_auto_renewal(
    session: AsyncSession,
    principal: Principal,
    resource_id: str,
    wanted: SetAutoRenewal,
    now: datetime,
) -> None:
    """The main resource and what is attached to it; an attached one stands for its main one.

    Where it is on already, only a new number of times changes something.

    Raises:
        NoSuchResourceError, NotRenewableNowError

    """
    group = await _find_group(session, principal, resource_id)
    main = group[0]
    is_over = main.expire_at is not None and main.expire_at + SECOND <= now
    if main.status != IN_USE or is_over:
        raise NotRenewableNowError
    group = [one for one in group if one.status == IN_USE]
    is_on = main.expire_policy == AUTO_RENEW
    if main.expire_at is None or (is_on and wanted.auto_renew_times is None):
        return
    period_type = await _period_type(session, main, wanted)
    days, _ = await settings_of(session, main.customer_id, main.partner_id)
    first_at = first_try(main.expire_at, days, now)
    for resource in group:
        first_try_at = first_at if resource is main else None
        resource.renew_automatically(
            period_type, wanted.auto_renew_times or None, first_try_at, now
        )
        outbox.publish(session, resource_settings_changed(resource, now))
    audit.record(
        session, principal, "resource.set_auto_renewal", main.resource_id, now,
        times=wanted.auto_renew_times, period_type=period_type,
    )  # fmt: skip


async def cancel_auto_renewal(
    session: AsyncSession, principal: Principal, resource_id: str, now: datetime
) -> None:
    """The same group ends at its end; where it is not on, nothing changes.

    It is tried in grace and retention, too, and may be switched off there (decision 0104).

    Raises:
        NoSuchResourceError, NotRenewableNowError: it is closed.

    """
    found = await _find_group(session, principal, resource_id)
    main = found[0]
    if CLOSED in (main.status, status_at(main.expire_at, main.expire_policy, now)):
        raise NotRenewableNowError
    group = [resource for resource in found if resource.expire_policy == AUTO_RENEW]
    for resource in group:
        resource.end_without_renewal(now)
        outbox.publish(session, resource_settings_changed(resource, now))
    if group:
        audit.record(session, principal, "resource.cancel_auto_renewal", group[0].resource_id, now)


async def hold_grant(session: AsyncSession, principal: Principal) -> Customer:
    """The customer as it stays; who acts in its place needs its authorization.

    Raises:
        NoSuchResourceError: the account is no customer that is known here.
        NotAuthorizedError

    """
    known = await copies.find(session, Customer, principal.id)
    if known is None:
        raise NoSuchResourceError
    if principal.acting_for_partner is not None:
        await require_authorization(session, known)
    customer = await hold_association(session, principal.id)
    if customer is None:
        raise NoSuchResourceError
    if principal.acting_for_partner is not None:
        await hold_authorization(session, customer)
    return customer


async def _find_group(
    session: AsyncSession, principal: Principal, resource_id: str
) -> Sequence[Resource]:
    """The main resource, then what is attached to it; locked."""
    await hold_grant(session, principal)
    mine = (Resource.charging_mode == PERIOD, visible(principal, Resource, None))
    named = select(Resource).where(Resource.resource_id == resource_id, *mine)
    found = await session.scalar(named)
    if found is None:
        raise NoSuchResourceError
    main_id = found.main_resource_id or found.resource_id
    locked = await session.scalars(
        select(Resource)
        .where(or_(Resource.resource_id == main_id, Resource.main_resource_id == main_id), *mine)
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    return sorted(locked, key=lambda one: one.main_resource_id is not None)


async def _period_type(session: AsyncSession, main: Resource, wanted: SetAutoRenewal) -> int:
    """As it is asked for, as it was set, or as the last order of the resource has it."""
    if wanted.period_type is not None:
        return PERIOD_TYPES[wanted.period_type]
    if main.auto_renew_period_type is not None:
        return main.auto_renew_period_type
    last = main.paid_periods[-1].line_id
    ordered = await session.scalar(select(OrderLine.period_type).where(OrderLine.line_id == last))
    return YEAR if ordered == YEAR else MONTH
