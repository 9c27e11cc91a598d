"""How lines of earlier settlements are paid that are refunded now."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from matching import Allocation, Paid
from voucher.partner_vouchers.models import SettledLine, SettledPart


async def paid_before(
    session: AsyncSession, partner_id: str, line_ids: Collection[str]
) -> dict[str, Paid]:
    """Of each settled line that vouchers paid a part of: what is left of it after its refunds."""
    if not line_ids:
        return {}
    money = {line_id: due for line_id, due in await _sums(session, partner_id, line_ids)}
    paid: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    parts = select(SettledPart.line_id, SettledPart.voucher_id, SettledPart.amount)
    own = SettledPart.partner_id == partner_id
    allocated = parts.where(own, SettledPart.line_id.in_(line_ids), SettledPart.amount > 0)
    for line_id, voucher_id, amount in await session.execute(allocated.order_by(SettledPart.place)):
        paid[line_id][voucher_id] = amount
    for line_id, voucher_id, amount in await _given_back(session, partner_id, line_ids):
        paid[line_id][voucher_id] += amount
    return {
        line_id: Paid(
            money[line_id],
            tuple(Allocation(name, left) for name, left in by_voucher.items() if left),
        )
        for line_id, by_voucher in paid.items()
    }


async def _sums(
    session: AsyncSession, partner_id: str, line_ids: Collection[str]
) -> list[tuple[str, Decimal]]:
    """What is due of each line together with its refunds: the money in it."""
    line = func.coalesce(SettledLine.refund_of, SettledLine.line_id)
    rows = await session.execute(
        select(line, func.sum(SettledLine.due))
        .where(SettledLine.partner_id == partner_id, line.in_(line_ids))
        .group_by(line)
    )
    return [(line_id, due) for line_id, due in rows]


async def _given_back(
    session: AsyncSession, partner_id: str, line_ids: Collection[str]
) -> list[tuple[str, str, Decimal]]:
    """By refunds of the lines; below zero."""
    rows = await session.execute(
        select(SettledLine.refund_of, SettledPart.voucher_id, func.sum(SettledPart.amount))
        .join(
            SettledPart,
            (SettledPart.partner_id == SettledLine.partner_id)
            & (SettledPart.line_id == SettledLine.line_id),
        )
        .where(SettledLine.partner_id == partner_id, SettledLine.refund_of.in_(line_ids))
        .group_by(SettledLine.refund_of, SettledPart.voucher_id)
    )
    return [(str(line_id), voucher_id, amount) for line_id, voucher_id, amount in rows]
