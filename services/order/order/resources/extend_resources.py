"""Carry out a paid renewal: each of its resources gets the period that was paid."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from order.orders.models import BY_SYSTEM, Order
from order.resources.ends import next_try
from order.resources.facts import resource_renewal_failed, resource_renewed
from order.resources.lock_pieces import lock_pieces
from order.resources.models import Piece, Resource
from order.resources.paid_periods import coupons_by_line, paid_period, part_of_coupons
from order.resources.renewal_settings import settings_of


async def extend_resources(
    session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
) -> None:
    """The pieces' resources get their periods; each is stated."""
    resources = await lock_pieces(session, pieces)
    lines = {line.line_id: line for line in order.lines}
    coupons = await coupons_by_line(session, order)
    days, _ = await settings_of(session, order.customer_id, order.partner_id)
    is_automatic = order.source_type == BY_SYSTEM
    for piece in pieces:
        line, resource = lines[piece.line_id], resources[piece.resource_id]
        if line.effective_at is None:
            raise ValueError(f"{line.line_id} renews nothing")
        period = paid_period(order, line, 1, line.effective_at, line.expire_at)
        period.coupons = part_of_coupons(coupons.get(line.line_id, []), line, 1)
        resource.renew(period, days, now, is_automatic=is_automatic)
        fact = resource_renewed(resource, order.order_id, now, is_automatic=is_automatic)
        outbox.publish(session, fact)


async def note_failed_renewals(
    session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime
) -> None:
    """Of an automatic renewal: stated like a try that was refused, and tried again the next day.

    Otherwise it would be due still, and be paid and given back every few minutes.
    """
    if order.source_type != BY_SYSTEM:
        return
    codes = {piece.resource_id: piece.code for piece in pieces if piece.code is not None}
    due = await session.scalars(
        select(Resource)
        .where(Resource.resource_id.in_(codes), Resource.next_renewal_at <= now)
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    for resource in due:
        resource.try_renewal_at(next_try(now), now, "resource.renewal_failed")
        code = codes[resource.resource_id]
        outbox.publish(session, resource_renewal_failed(resource, code, now))
