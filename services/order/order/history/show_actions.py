"""What may be done with an order now, and why not: the commands themselves are tried.

Each is carried out in a savepoint and rolled back, so that its answer here cannot differ from what
the command would say; nothing is written and nothing is stated.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from order.authorizations import acting_for, hold_authorization
from order.changes.plan_change import WantedChange
from order.copies import Customer
from order.history.show_history import find_seen_order
from order.ordering.place_trade import check_trade
from order.ordering.refusals import ResourceMissingError
from order.orders.cancel_order import cancel_order
from order.orders.find_order import OrderNotFoundError, visible
from order.payments.pay_order import try_payment
from order.refunds.models import ResourceUnknownError
from order.refunds.unsubscribe_resources import (
    RESOURCES_MAX,
    UnsubscribeResources,
    unsubscribe_resources,
)
from order.renewals.plan_renewal import WantedRenewal
from order.requests.request_payment import request_payment
from order.resources.models import Resource
from order.resources.periods import MONTH

RESOURCES_TRIED_MAX = 100  # main resources of an order
Try = Callable[[], Awaitable[object]]


class _CarriedOut(Exception):  # noqa: N818 - no error: the savepoint is left so that it is undone
    """The command was not refused."""


@dataclass(slots=True)
class Reason:
    """Why not, and of which things of the order; no ids: of the order as a whole."""

    refusal: RefusedError
    ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Action:
    """A command by its name. With several things it is allowed if it is for one of them."""

    action: str
    allowed: bool
    reasons: list[Reason]


async def show_actions(
    session: AsyncSession, principal: Principal, order_id: str, now: datetime
) -> list[Action]:
    """What the customer may do with its order, or its partner for it with the customer's grant.

    Raises:
        OrderNotFoundError: the caller sees no such order.

    """
    order = await find_seen_order(session, principal, order_id)
    order_id, customer_id = order.order_id, order.customer_id
    actor = principal
    if not principal.is_customer:
        customer = await session.get(Customer, customer_id)
        if customer is None:
            raise OrderNotFoundError
        actor = acting_for(principal, customer)
        if principal.is_partner and (refusal := await _tried(
            session, lambda: hold_authorization(session, customer)
        )):  # fmt: skip
            return [Action(name, allowed=False, reasons=[Reason(refusal)]) for name in _NAMES]
    ids = await _main_resources(session, order_id, customer_id)
    seen = visible(actor, Resource, None)

    async def renew(some: Sequence[str]) -> None:
        wanted = WantedRenewal(
            customer_id=customer_id, visible=seen, resource_ids=some, on_behalf=False,
            period_type=MONTH, period_num=1,
        )  # fmt: skip
        await check_trade(session, wanted, now)

    async def change(some: Sequence[str]) -> None:
        wanted = WantedChange(
            customer_id=customer_id, visible=seen, resource_ids=some, on_behalf=False
        )
        await check_trade(session, wanted, now)

    async def unsubscribe(some: Sequence[str]) -> None:
        wanted = UnsubscribeResources(resource_ids=list(some), unsubscribe_type=1)
        await unsubscribe_resources(session, actor, wanted, now)

    return [
        await _order_action(session, "pay", lambda: try_payment(session, actor, order_id, now)),
        await _order_action(session, "cancel", lambda: cancel_order(session, actor, order_id, now)),
        await _of_resources(session, "renew", ids, renew, ResourceMissingError()),
        await _of_resources(session, "unsubscribe", ids, unsubscribe, ResourceUnknownError()),
        await _of_resources(session, "change", ids, change, ResourceMissingError()),
        await _order_action(
            session, "request_payment", lambda: request_payment(session, actor, order_id, now)
        ),
    ]


_NAMES = ("pay", "cancel", "renew", "unsubscribe", "change", "request_payment")


async def _tried(session: AsyncSession, attempt: Try) -> RefusedError | None:
    """How the command refuses; what it did is undone."""
    try:
        async with session.begin_nested():
            await attempt()
            raise _CarriedOut
    except _CarriedOut:
        return None
    except RefusedError as refusal:
        return refusal


async def _order_action(session: AsyncSession, name: str, attempt: Try) -> Action:
    refusal = await _tried(session, attempt)
    return Action(name, refusal is None, [] if refusal is None else [Reason(refusal)])


async def _main_resources(session: AsyncSession, order_id: str, customer_id: str) -> list[str]:
    """Those that the order opened."""
    found = await session.scalars(
        select(Resource.resource_id)
        .where(
            Resource.order_id == order_id,
            Resource.customer_id == customer_id,
            Resource.main_resource_id.is_(None),
        )
        .order_by(Resource.resource_id)
        .limit(RESOURCES_TRIED_MAX)
    )
    return list(found.all())


async def _of_resources(
    session: AsyncSession,
    name: str,
    ids: Sequence[str],
    command: Callable[[Sequence[str]], Awaitable[None]],
    missing: RefusedError,
) -> Action:
    """Ten at once, as the command takes them; one by one where these are refused."""
    if not ids:
        return Action(name, allowed=False, reasons=[Reason(missing)])
    reasons: dict[str, Reason] = {}
    for group in _groups(ids):
        if await _tried(session, partial(command, group)) is None:
            continue
        for resource_id in group:
            refusal = await _tried(session, partial(command, [resource_id]))
            if refusal is not None:
                reasons.setdefault(refusal.refusal_code, Reason(refusal)).ids.append(resource_id)
    named = sum(len(reason.ids) for reason in reasons.values())
    return Action(name, allowed=named < len(ids), reasons=list(reasons.values()))


def _groups(ids: Sequence[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while group := list(islice(left, RESOURCES_MAX)):
        yield group
