"""Charge some rows of a file in one transaction: one movement for each payer, lines by COPY."""

from collections.abc import AsyncIterator, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import note_lines, take_credit
from billing.accounts.models import ZERO
from billing.accounts.post_movement import USAGE, Cause, OwnerAccounts, post_movement
from billing.copies import Customer
from billing.cycles.find_cycle import cycles_taking
from billing.ingest.line_as_text import COLUMNS, line_as_text
from billing.ingest.models import UsageRefusal
from billing.ingest.read_rows import Row
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine, ChargedUsage
from billing.prices.catalogue import Catalogue
from billing.usage.charge_records import Charge, Charging, line_values, plan_values
from billing.usage.hold_customers import hold_customers, lock_payers
from billing.usage.pay_usage import Paid, state_arrears
from billing.usage.rate_records import RatedRecord, rate_record
from billing.usage_coupons.shares import Shares, by_coupons, note_coupons
from chassis import outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.ids import new_id
from wire.times import cycle_of

MALFORMED, NO_SUCH_VALUE, NOT_ANYBODYS = "CBC.0100", "CBC.0101", "CBC.99000035"
LINES_AT_ONCE = 200  # the server takes them while we state them
_OF_CUSTOMER = tuple(Customer.__table__.columns.keys())
_RECKONED = ("paying_master_id", "payer_id", "is_resale")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row with the code of its refusal, and why."""

    row: Row
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows that may be charged, and those that may not."""

    rated: list[RatedRecord]
    refused: list[Refused]
    customers: Mapping[str, Customer]


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of a batch."""

    charged: int
    known: int
    refused: list[Refused]
    customers: Mapping[str, Customer]


async def known_customers(session: AsyncSession, rows: Sequence[Row]) -> dict[str, Customer]:
    """Our copies of those that the rows name."""
    ids = {row.customer_id for row in rows if row.customer_id}
    found = await session.scalars(select(Customer).where(Customer.customer_id.in_(ids)))
    return {one.customer_id: one for one in found}


async def judge_rows(
    session: AsyncSession,
    catalogue: Catalogue,
    rows: Sequence[Row],
    customers: Mapping[str, Customer],
    now: datetime,
) -> Judged:
    """Which rows are good, as of that instant."""
    records = [row.record for row in rows if row.record is not None]
    charged = [record.charged_at or min(record.used_until, now) for record in records]
    taking = await cycles_taking(session, charged, now) if charged else frozenset()
    rated: list[RatedRecord] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            rated.append(_judge(catalogue, row, customers, now, taking))
        except _RowRefusedError as error:
            refused.append(Refused(row, error.code, error.reason))
        except RefusedError as error:
            detail = error.detail or error.refusal_code
            refused.append(Refused(row, error.refusal_code, detail.replace("records.", "")))
    return Judged(rated, refused, customers)


class _RowRefusedError(Exception):
    def __init__(self, code: str, reason: str):
        self.code, self.reason = code, reason
        super().__init__(reason)


def _judge(
    catalogue: Catalogue,
    row: Row,
    customers: Mapping[str, Customer],
    now: datetime,
    taking: Container[str],
) -> RatedRecord:
    if row.record is None:
        raise _RowRefusedError(MALFORMED, row.reason or "malformed")
    customer = customers.get(row.record.customer_id)
    if customer is None:
        raise _RowRefusedError(NOT_ANYBODYS, "customer_id: nobody has named it")
    if row.currency not in (None, customer.currency):
        raise _RowRefusedError(NO_SUCH_VALUE, f"currency: {customer.currency} is the customer's")
    if row.record.used_until > now:
        raise BadFieldError("records.used_until", "is in the future")
    return rate_record(catalogue, row.record, customer, now, taking)


async def charge_batch(
    session: AsyncSession,
    catalogue: Catalogue,
    rows: Sequence[Row],
    now: datetime,
    shares: Shares,
) -> Charged:
    """Rate, charge and put on the bill what is good and not charged yet; coupons pay `shares`.

    Raises:
        UsageAttemptClosedError: what was reserved is free again; the batch is to be begun anew.

    """
    named = {row.customer_id for row in rows if row.customer_id}
    held = await hold_customers(session, sorted(named))
    customers = {customer_id: _plain(one) for customer_id, one in held.items()}
    judged = await judge_rows(session, catalogue, rows, customers, now)
    payable = {item.customer.customer_id: item.customer for item in judged.rated}
    accounts = await lock_payers(session, payable) if payable else {}
    charged = set(
        await session.scalars(
            select(ChargedUsage.record_id).where(
                ChargedUsage.record_id.in_([item.record.record_id for item in judged.rated])
            )
        )
    )
    unknown: dict[str, RatedRecord] = {}
    for item in judged.rated:
        if item.record.record_id not in charged:
            unknown.setdefault(item.record.record_id, item)
    charging = await Charging.of(session, catalogue, list(unknown.values()))
    by_payer: dict[str, list[Charge]] = {}
    for item in unknown.values():
        by_payer.setdefault(item.customer.payer_id, []).append(charging.charge(item, now))
    lines: list[BillLine] = []
    for payer_id, charges in by_payer.items():
        lines += _pay(session, catalogue, accounts[payer_id], charges, now, shares)
    await session.flush()
    await _write_lines(session, lines, now)
    await shares.settle(session, now)
    state_arrears(session, lines, accounts, now)
    known = len(judged.rated) - len(unknown)
    return Charged(len(unknown), known, judged.refused, customers)


def _plain(customer: Customer) -> Customer:
    """What it says, for thousands of lines: a mapped attribute costs ten times a plain one."""
    told = {name: getattr(customer, name) for name in (*_OF_CUSTOMER, *_RECKONED)}
    return cast(Customer, SimpleNamespace(**told))


def _pay(
    session: AsyncSession,
    catalogue: Catalogue,
    accounts: OwnerAccounts,
    charges: Sequence[Charge],
    now: datetime,
    shares: Shares,
) -> list[BillLine]:
    """One movement for all of them; line after line takes cash, then credit, then is owed.

    What its coupons pay of a line is no money.
    """
    payer_id = accounts.owner_id
    by_record = {
        record_id: parts
        for record_id, payable in (
            (one.item.record.record_id, one.lowered.fee.payable) for one in charges
        )
        if (parts := shares.take(payer_id, record_id, payable))
    }
    whole = sum((one.lowered.fee.payable for one in charges), ZERO)
    whole -= sum((by_coupons(parts) for parts in by_record.values()), ZERO)
    cash = min(whole, accounts.balance.available)
    credits = take_credit(accounts, whole - cash, now)
    credit = sum((part for _, part in credits), ZERO)
    movement_id = new_id()
    if whole:
        cycles = {cycle_of(one.item.trade_time) for one in charges}
        post_movement(
            session,
            Cause(
                USAGE,
                now,
                accounts.owner_id,
                movement_id=movement_id,
                bill_cycle=cycles.pop() if len(cycles) == 1 else None,
                consume_time=max(one.item.record.used_until for one in charges),
            ),
            (accounts.balance, -cash),
            *((account, -part) for account, part in credits),
            (accounts.arrears, -(whole - cash - credit)),
            (accounts.charges, whole),
        )
    lines = []
    for one in charges:
        parts = by_record.get(one.item.record.record_id, [])
        payable = one.lowered.fee.payable - by_coupons(parts)
        by_cash = min(payable, cash)
        by_credit = min(payable - by_cash, credit)
        cash, credit = cash - by_cash, credit - by_credit
        paid = Paid(movement_id, by_cash, by_credit, payable - by_cash - by_credit)
        values = line_values(catalogue, one, paid, now)
        note_coupons(values, parts)
        lines.append(cast(BillLine, SimpleNamespace(**values)))
        for covered in plan_values(one, values):
            lines.append(cast(BillLine, SimpleNamespace(**covered)))
    note_lines(session, lines, credits)
    return lines


async def _write_lines(session: AsyncSession, lines: Sequence[BillLine], now: datetime) -> None:
    """By COPY, in the session's transaction; the server takes lines while we state others."""
    if not lines:
        return
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.copy_to_table(
        "bill_lines", source=_stated(session, lines, now), columns=COLUMNS, format="text"
    )


async def _stated(
    session: AsyncSession, lines: Sequence[BillLine], now: datetime
) -> AsyncIterator[bytes]:
    for at in range(0, len(lines), LINES_AT_ONCE):
        some = lines[at : at + LINES_AT_ONCE]
        yield b"".join(map(line_as_text, some))
        outbox.publish(session, *(line_recorded(line, now) for line in some))


def refusals_of(file_id: str, partner_id: str, refused: Sequence[Refused]) -> list[UsageRefusal]:
    """As they are kept."""
    return [
        UsageRefusal(
            file_id=file_id,
            number=one.row.number,
            partner_id=partner_id,
            member=one.row.member,
            line=one.row.line,
            record_id=_shown(one.row.record_id),
            customer_id=_shown(one.row.customer_id),
            code=one.code,
            reason=one.reason,
            bill_cycle=_cycle_of(one.row),
        )
        for one in refused
    ]


def _cycle_of(row: Row) -> str | None:
    """Which month lacks it; of a row that is no record nobody can tell."""
    return None if row.record is None else cycle_of(row.record.charged_at or row.record.used_until)


def _shown(value: str | None) -> str | None:
    return None if value is None else value[:64]
