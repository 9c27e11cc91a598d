"""Statements of a bill: its sums by what somebody asks for, each made of whole lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer, Partner
from billing.partner_bills.find_bill import BillNotFoundError, SeenBill
from billing.settlement.models import SettlementSum
from chassis.identity import Principal
from wire.native import Money, NativeAnswer
from wire.vocabulary import RESALE_TYPES

ROWS_MAX = 10_000  # of a statement; a bill has more lines, which are listed and exported
Kind = Literal["partner", "customer", "resellers", "customers", "services", "managers"]
SUMMED = (
    "lines", "customer_amount", "settlement_amount", "voucher_amount", "forfeited_amount",
    "due_amount", "performance_amount",
)  # fmt: skip


class StatementRow(NativeAnswer):
    """A group of lines; what is the distributor's alone is null for a reseller.

    Margin is what customers are charged less what the partner owes at its prices.
    """

    id: str | None  # of the service, customer, manager or reseller; null: it has none
    name: str | None  # null where the reader may not know it
    currency: str
    lines: int
    customer_amount: Money
    settlement_amount: Money | None
    voucher_amount: Money | None
    forfeited_amount: Money | None
    due_amount: Money | None
    margin_amount: Money | None
    performance_amount: Money


class Statement(NativeAnswer):
    """The rows, and their sum; the sum of a whole bill is the bill."""

    kind: str  # partner, customer, resellers, customers, services, managers
    partner_id: str
    partner_name: str
    customer_id: str | None
    bill_cycle: str  # YYYY-MM, Beijing
    number: int
    digest: str | None  # of the whole bill's lines; a reseller sees a part
    currency: str
    rows: list[StatementRow]
    whole: StatementRow


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; `customer_id` goes with the kind `customer` and with none else."""

    kind: Kind
    customer_id: str | None = None


_BY: dict[str, Any] = {
    "partner": SettlementSum.settlement_type,
    "customer": SettlementSum.service_type_code,
    "resellers": SettlementSum.partner_id,
    "customers": SettlementSum.customer_id,
    "services": SettlementSum.service_type_code,
    "managers": SettlementSum.account_manager_id,
}


async def make_statement(
    session: AsyncSession, principal: Principal, seen: SeenBill, asked: Asked, partner_name: str
) -> Statement:
    """Sum up.

    Raises:
        BillNotFoundError: no line of that customer.

    """
    by = _BY[asked.kind]
    conditions = _conditions(seen, asked)
    sums = [func.sum(getattr(SettlementSum, name)).label(name) for name in SUMMED]
    # What referral customers are charged is not sold by the partner: no margin lies in it.
    sold = case(
        (SettlementSum.association_type.in_(RESALE_TYPES), SettlementSum.customer_amount),
        else_=literal(Decimal(0)),
    )
    margin = func.sum(sold - SettlementSum.settlement_amount).label("margin_amount")
    grouped = (
        select(by.label("id"), *sums, margin)
        .where(*conditions)
        .group_by(by)
        .order_by(by.asc().nulls_first())
        .limit(ROWS_MAX)
    )
    found = (await session.execute(grouped)).all()
    whole = (await session.execute(select(*sums, margin).where(*conditions))).one()
    if asked.customer_id is not None and not found:
        raise BillNotFoundError
    names = await _names(session, principal, asked.kind, [row.id for row in found])
    return Statement(
        kind=asked.kind,
        partner_id=seen.partner_id,
        partner_name=partner_name,
        customer_id=asked.customer_id,
        bill_cycle=seen.cycle,
        number=seen.number,
        digest=seen.digest,
        currency=seen.currency,
        rows=[statement_row(seen, row, row.id, names.get(row.id)) for row in found],
        whole=statement_row(seen, whole, None, None),
    )


def _conditions(seen: SeenBill, asked: Asked) -> list[ColumnElement[bool]]:
    found = [SettlementSum.settlement_id == seen.settlement_id]
    if seen.is_resellers:
        found.append(SettlementSum.partner_id == seen.partner_id)
    if asked.customer_id is not None:
        found.append(SettlementSum.customer_id == asked.customer_id)
    return found


async def _names(
    session: AsyncSession,
    principal: Principal,
    kind: Kind,
    ids: Sequence[str | None],
) -> dict[str | None, str]:
    named = [one for one in ids if one is not None]
    if kind == "customers":
        return await customer_names(session, principal, named)
    if kind == "resellers":
        partners = select(Partner.partner_id, Partner.name).where(Partner.partner_id.in_(named))
        return {name: called for name, called in await session.execute(partners) if called}
    return {}


async def customer_names(
    session: AsyncSession, principal: Principal, ids: Sequence[str | None]
) -> dict[str | None, str]:
    """A distributor does not read what its resellers' customers are called."""
    wanted = select(Customer.customer_id, Customer.customer_name, Customer.account_name)
    wanted = wanted.where(Customer.customer_id.in_([one for one in ids if one is not None]))
    if principal.is_partner:
        wanted = wanted.where(Customer.partner_id == principal.partner_id)
    rows = await session.execute(wanted)
    return {name: called or login for name, called, login in rows}


def statement_row(seen: SeenBill, row: Any, name: str | None, called: str | None) -> StatementRow:
    """The sums of a group, as the reader may see them."""
    told = {field: getattr(row, field) or 0 for field in (*SUMMED, "margin_amount")}
    if seen.is_resellers:
        for field in (
            "settlement_amount", "voucher_amount", "forfeited_amount", "due_amount",
            "margin_amount",
        ):  # fmt: skip
            told[field] = None
    return StatementRow(id=name, name=called, currency=seen.currency, **told)
