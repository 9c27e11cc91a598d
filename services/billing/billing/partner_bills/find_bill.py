"""Which bill is meant, and who sees what of it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Partner
from billing.settlement.models import PUBLISHED, SETTLED, Settlement, SettlementSum
from chassis.errors import NotFoundError
from chassis.identity import Principal

RESELLER = "reseller"


class BillNotFoundError(NotFoundError):
    """The month has no such bill, or it is not the caller's."""


@dataclass(frozen=True, slots=True)
class SeenBill:
    """A bill, and as how much of it it is seen."""

    settlement_id: str
    partner_id: str  # whose the reader takes it for: a reseller's own part is the reseller's
    cycle: str
    number: int
    currency: str
    digest: str | None
    # A reseller sees its own customers' part of its distributor's bill, and no price of it.
    is_resellers: bool = False


async def find_bill(
    session: AsyncSession, principal: Principal, partner_id: str, cycle: str, number: int | None
) -> SeenBill:
    """The month's bill of that number, else its current one.

    The administrator any; a partner its own; a reseller's, asked for under the reseller's id, is
    its part of its distributor's.

    Raises:
        BillNotFoundError: see there.

    """
    partner = await session.get(Partner, partner_id)
    own = (partner.partner_id, partner.distributor_id) if partner else ()
    if partner is None or (principal.is_partner and principal.partner_id not in own):
        raise BillNotFoundError
    find = _of_reseller if partner.kind == RESELLER else _of_partner
    seen = await find(session, partner_id, cycle, number)
    if seen is None:
        raise BillNotFoundError
    return seen


async def _of_partner(
    session: AsyncSession, partner_id: str, cycle: str, number: int | None
) -> SeenBill | None:
    table = Settlement
    wanted = select(table).where(
        table.partner_id == partner_id,
        table.cycle == cycle,
        table.state.in_((SETTLED, PUBLISHED)),
        table.is_current if number is None else table.number == number,
    )
    bill = await session.scalar(wanted)
    if bill is None:
        return None
    return SeenBill(bill.settlement_id, partner_id, cycle, bill.number, bill.currency, bill.digest)


async def _of_reseller(
    session: AsyncSession, partner_id: str, cycle: str, number: int | None
) -> SeenBill | None:
    """By its own sums: its distributor's settlement is not for it to read."""
    table = SettlementSum
    wanted = select(table.settlement_id, table.bill_number, table.currency).where(
        table.partner_id == partner_id, table.cycle == cycle
    )
    if number is not None:
        wanted = wanted.where(table.bill_number == number)
    newest = wanted.order_by(table.bill_number.desc()).limit(1)
    row = (await session.execute(newest)).first()
    if row is None:
        return None
    return SeenBill(
        row.settlement_id, partner_id, cycle, row.bill_number, row.currency, None,
        is_resellers=True,
    )  # fmt: skip
