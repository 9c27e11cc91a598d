"""What became of an order, from its placing on (docs/domain/orders.md B.5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.orders.changes import OrderChange
from order.orders.find_order import (
    OrderNotFoundError,
    visible_as_agent,
    visible_with_resellers,
)
from order.orders.models import (
    BY_DEADLINE,
    CANCELLED,
    COMPLETED,
    FAILED,
    PAYMENT_DAYS,
    PENDING,
    PROCESSING,
    Order,
    PaymentAttempt,
)

CHANGES_MAX = 500  # shown of one order, the latest


@dataclass(frozen=True, slots=True)
class Change:
    """One fact; what is not known any more is None."""

    at: datetime
    event: str
    from_status: int | None
    to_status: int | None
    by: str | None
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The order's facts, oldest first; `is_complete` unless there are more than are shown."""

    order: Order
    changes: list[Change]
    is_complete: bool


async def show_history(session: AsyncSession, principal: Principal, order_id: str) -> OrderHistory:
    """The order's history; of one placed by a release before, what its columns still tell.

    Raises:
        OrderNotFoundError: the caller sees no such order.

    """
    order = await find_seen_order(session, principal, order_id)
    kept = await session.scalars(
        select(OrderChange)
        .where(OrderChange.order_id == order.order_id)
        .order_by(OrderChange.id.desc())
        .limit(CHANGES_MAX + 1)
    )
    rows = list(reversed(kept.all()))
    is_complete = len(rows) <= CHANGES_MAX
    changes = [_change(row, principal) for row in rows[-CHANGES_MAX:]]
    if is_complete and not (rows and rows[0].event == "order.created"):
        changes = [*await _from_columns(session, order, principal, changes), *changes]
    return OrderHistory(order, list(_with_former_status(changes)), is_complete)


async def find_seen_order(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    """An order of the caller, of its reseller's customers, or of a member that it pays for."""
    seen = visible_with_resellers(principal, Order)
    if principal.is_customer:
        seen = or_(seen, visible_as_agent(principal))
    order = await session.scalar(select(Order).where(Order.order_id == order_id.upper(), seen))
    if order is None:
        raise OrderNotFoundError
    return order


def _change(row: OrderChange, reader: Principal) -> Change:
    own = row.by_operator if row.by == (reader.acting_for_partner or reader.id) else None
    return Change(
        row.at, row.event, None, row.status, own or row.by, _code(row, reader), row.detail
    )


def _code(row: OrderChange, reader: Principal) -> str | None:
    """Why somebody else's money was refused is not the customer's to know."""
    is_others = row.payer_id is not None and row.payer_id != reader.id
    return None if reader.is_customer and is_others else row.code


async def _from_columns(
    session: AsyncSession, order: Order, reader: Principal, kept: Sequence[Change]
) -> list[Change]:
    """What happened before the first kept fact."""
    known = [
        Change(order.created_at, "order.created", None, _first_status(order), None, None, None)
    ]
    if not (reader.is_customer and order.payer_id not in (None, reader.id)):
        failed = await session.execute(
            select(PaymentAttempt.closed_at, PaymentAttempt.reason_code)
            .where(PaymentAttempt.order_id == order.order_id, PaymentAttempt.state == FAILED)
            .order_by(PaymentAttempt.opened_at.desc())
            .limit(CHANGES_MAX)
        )
        known += [
            Change(at, "order.payment_failed", None, PENDING, None, code, None)
            for at, code in failed
            if at is not None
        ]
    ended = "order.expired" if order.end_reason == BY_DEADLINE else "order.cancelled"
    known += [
        Change(at, event, None, status, None, None, detail)
        for at, event, status, detail in (
            (order.paid_at, "order.paid", PROCESSING, None),
            (order.completed_at, "order.completed", COMPLETED, None),
            (order.ended_at, ended, CANCELLED, order.end_reason),
        )
        if at is not None
    ]
    if kept:
        known = [change for change in known if change.at < kept[0].at]
    return sorted(known, key=lambda change: change.at)


def _first_status(order: Order) -> int | None:
    """Pending, if its deadline counts from its placing; a review that came before is not known."""
    until = order.pay_until
    from_placing = until == order.created_at + timedelta(days=PAYMENT_DAYS)
    return PENDING if from_placing else None


def _with_former_status(changes: Sequence[Change]) -> Iterator[Change]:
    first = changes[:1]
    yield from first
    for before, change in pairwise(changes):
        yield Change(
            change.at, change.event, before.to_status, change.to_status, change.by, change.code,
            change.detail,
        )  # fmt: skip
