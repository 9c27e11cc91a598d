"""The bills of partners by keyset pages, and the lines of one."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.partner_bills.explain_bill import BillFilters, narrowed
from billing.partner_bills.find_bill import SeenBill, find_bill
from billing.partner_bills.read_settled_lines import read_settled_lines
from billing.settlement.models import PUBLISHED, SETTLED, SettledLine, Settlement
from billing.settlement.show_settlement import BillTotals
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.native import Money, NativeAnswer
from wire.types import Cycle, DecimalText, NativeQuery

BILLS, LINES = "partner-bills", "partner-bill-lines"
BILLS_MAX, LINES_MAX = 100, 1000  # of a page
POSITION_MAX = 2**62


class PartnerBill(NativeAnswer):
    """One version of a partner's bill for a month."""

    settlement_id: str
    partner_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    number: int  # of the month's bill, from 1; a later one is a correction
    corrects: str | None
    reason: str | None
    is_current: bool  # the newest of its month
    state: str  # settled: its vouchers have not all paid yet; published
    lines: int
    totals: BillTotals
    settled_at: datetime | None
    published_at: datetime | None


class PartnerBills(NativeAnswer):
    """A page of bills; `next` goes into `after` for the next page, null on the last one."""

    bills: list[PartnerBill]
    next: str | None


class ListPartnerBills(NativeQuery):
    """The query of GET /api/partner-bills; `after` is the `next` of the page before."""

    partner_id: str | None = None
    cycle: Cycle | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=BILLS_MAX)


class VoucherPart(NativeAnswer):
    """What a voucher paid of a line; below zero: got back."""

    voucher_id: str
    currency: str
    amount: Money
    lapsed: bool  # the voucher's time was over when it got it back


class PartnerBillLine(NativeAnswer):
    """A line of a customer's bill, and what the partner owes of it.

    What is the distributor's alone is null for a reseller.
    """

    position: int  # in the order of trade times, from 1
    line_id: str
    partner_id: str
    customer_id: str
    account_id: str  # whose detail it is: a custody member's after its end is its master's
    account_manager_id: str | None
    association_type: str
    trade_time: datetime
    service_type_code: str
    service_type_name: str
    resource_type_name: str
    resource_id: str | None
    resource_name: str | None
    product_id: str
    region_code: str
    trade_id: str
    charging_mode: int
    bill_type: int
    currency: str
    customer_amount: Money
    # normal, promotion, no_discount, special, adjustment, referral
    settlement_type: str | None
    settlement_discount: DecimalText | None
    settlement_amount: Money | None
    voucher_amount: Money | None
    forfeited_amount: Money | None
    due_amount: Money | None
    performance_amount: Money
    refund_of: str | None
    refund_case: str | None
    vouchers: list[VoucherPart] | None


class PartnerBillLines(NativeAnswer):
    """A page of lines; `next` goes into `after` for the next page, null on the last one."""

    lines: list[PartnerBillLine]
    next: str | None


class ListBillLines(BillFilters):
    """The query of a bill's lines; `number`: another version than the current one."""

    number: int | None = Field(default=None, ge=1)
    after: str | None = None
    limit: int = Field(default=100, ge=1, le=LINES_MAX)


async def list_bills(
    session: AsyncSession, principal: Principal, query: ListPartnerBills
) -> PartnerBills:
    """The newest month first, of a month the newest version; a partner its own."""
    table = Settlement
    wanted = select(table).where(table.state.in_((SETTLED, PUBLISHED)))
    if principal.is_partner:
        wanted = wanted.where(table.partner_id == principal.partner_id)
    if query.partner_id is not None:
        wanted = wanted.where(table.partner_id == query.partner_id)
    if query.cycle is not None:
        wanted = wanted.where(table.cycle == query.cycle)
    if query.after is not None:
        wanted = wanted.where(table.settlement_id < keys_after(BILLS, query.after)[0])
    wanted = wanted.order_by(table.settlement_id.desc()).limit(query.limit + 1)
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    more = cursor_after(BILLS, page[-1].settlement_id) if len(found) > query.limit else None
    return PartnerBills(bills=[_bill(one) for one in page], next=more)


def _bill(one: Settlement) -> PartnerBill:
    return PartnerBill.of(
        one, bill_cycle=one.cycle, lines=one.lines_done, totals=BillTotals.of(one)
    )


async def list_bill_lines(
    session: AsyncSession,
    principal: Principal,
    partner_id: str,
    cycle: str,
    query: ListBillLines,
) -> PartnerBillLines:
    """By trade time.

    Raises:
        BillNotFoundError: see there.

    """
    seen = await find_bill(session, principal, partner_id, cycle, query.number)
    after = _position(query.after) if query.after is not None else 0
    found = await read_settled_lines(
        session, seen, after, query.limit + 1, *narrowed(SettledLine, query)
    )
    page = found[: query.limit]
    more = cursor_after(LINES, str(page[-1].position)) if len(found) > query.limit else None
    return PartnerBillLines(lines=[_line(seen, row) for row in page], next=more)


def _position(after: str) -> int:
    [text] = keys_after(LINES, after)
    if not text.isascii() or not text.isdigit() or int(text) > POSITION_MAX:
        raise BadFieldError("after", "not a cursor of this list")
    return int(text)


def _line(seen: SeenBill, row: Row[Any]) -> PartnerBillLine:
    if seen.is_resellers:
        hidden = (
            "settlement_type", "settlement_discount", "settlement_amount", "voucher_amount",
            "forfeited_amount", "due_amount", "vouchers",
        )  # fmt: skip
        return PartnerBillLine.of(row, **dict.fromkeys(hidden))
    parts = [
        VoucherPart(voucher_id=name, currency=row.currency, amount=amount, lapsed=lapsed)
        for name, amount, lapsed in row.vouchers or []
    ]
    return PartnerBillLine.of(row, vouchers=parts)
