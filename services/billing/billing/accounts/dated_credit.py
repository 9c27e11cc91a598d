"""Credit that ends on a date is an account of its own per end (docs/domain/enterprise.md I.5).

What is kept here is of such accounts alone: what an attempt holds on them, and which lines they
paid. All else of an attempt or a line is the credit's without end.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from billing.accounts.models import CREDIT, ZERO, Account, PaymentAttempt
from billing.accounts.post_movement import OwnerAccounts
from billing.lines.models import BillLine
from billing.models import Tables
from chassis.ids import new_id

Part = tuple[Account, Decimal]


class HeldCredit(Tables):
    """What an attempt holds on one dated account; kept after the attempt's outcome."""

    __tablename__ = "held_credits"

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    amount: Mapped[Decimal]


class LineCredit(Tables):
    """What a dated account has paid of a line, less what was given back or is owed by now."""

    __tablename__ = "line_credits"
    __table_args__ = (
        Index("line_credits_of_account", "account_id", "trade_time", "line_id"),
        Index("line_credits_of_order_line", "order_line_id"),
    )

    line_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    bill_cycle: Mapped[str]
    trade_time: Mapped[datetime]
    order_line_id: Mapped[str | None]  # order's, by which a refund names it
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    amount: Mapped[Decimal]


def take_credit(accounts: OwnerAccounts, wanted: Decimal, now: datetime) -> list[Part]:
    """Up to so much of what may be spent: what ends first gives first."""
    parts = []
    for account in accounts.credits(now):
        part = min(wanted, account.available)
        if part > 0:
            parts.append((account, part))
            wanted -= part
    return parts


def note_held(session: AsyncSession, attempt: PaymentAttempt, parts: Sequence[Part]) -> None:
    """Remember what the attempt holds on dated accounts."""
    for account, amount in parts:
        if account.expires_at is not None:
            session.add(
                HeldCredit(
                    attempt_id=attempt.attempt_id,
                    account_id=account.account_id,
                    partner_id=account.partner_id,
                    distributor_id=account.distributor_id,
                    amount=amount,
                )
            )


async def held_parts(
    session: AsyncSession, accounts: OwnerAccounts, attempt: PaymentAttempt
) -> list[Part]:
    """On which accounts the attempt holds its credit."""
    if not attempt.credit_amount:
        return []
    parts: list[Part] = []
    if accounts.dated:
        by_id = {account.account_id: account for account in accounts.dated}
        rows = await session.scalars(
            select(HeldCredit).where(HeldCredit.attempt_id == attempt.attempt_id)
        )
        held = {row.account_id: row.amount for row in rows}
        parts = [(account, held[key]) for key, account in by_id.items() if key in held]
    rest = attempt.credit_amount - sum((amount for _, amount in parts), ZERO)
    return [*parts, (accounts.credit, rest)] if rest else parts


def note_lines(session: AsyncSession, lines: Sequence[BillLine], parts: Sequence[Part]) -> None:
    """Remember which lines dated accounts paid: one after the other, as far as each reaches."""
    left = [(line, line.credit_amount) for line in lines if line.credit_amount > 0]
    for account, amount in parts:
        if account.expires_at is None:
            continue
        for index, (line, unpaid) in enumerate(left):
            part = min(amount, unpaid)
            if part:
                session.add(_line_credit(line, account, part))
                left[index], amount = (line, unpaid - part), amount - part


def _line_credit(line: BillLine, account: Account, amount: Decimal) -> LineCredit:
    return LineCredit(
        line_id=line.line_id,
        account_id=account.account_id,
        bill_cycle=line.bill_cycle,
        trade_time=line.trade_time,
        order_line_id=line.order_line_id,
        partner_id=account.partner_id,
        distributor_id=account.distributor_id,
        amount=amount,
    )


async def give_credit_back(
    session: AsyncSession,
    accounts: OwnerAccounts,
    order_line_id: str,
    amount: Decimal,
    taken: dict[Account, Decimal],
) -> Decimal:
    """Note in `taken` which credit a refund of that line goes back to; how much found its account.

    To the dated accounts first, as far as they paid; then to the one without end. None takes more
    than was spent of it: what a master reclaimed, its member owes or has paid in money since.
    """
    left = amount
    if accounts.dated:
        rows = await session.scalars(
            select(LineCredit)
            .where(LineCredit.order_line_id == order_line_id, LineCredit.amount > 0)
            .execution_options(populate_existing=True)
        )
        paid = {row.account_id: row for row in rows}
        for account in accounts.dated:
            if row := paid.get(account.account_id):
                part = _take_back(account, min(left, row.amount), taken)
                row.amount -= part
                left -= part
        await session.flush()
    left -= _take_back(accounts.credit, left, taken)
    return amount - left


def _take_back(account: Account, wanted: Decimal, taken: dict[Account, Decimal]) -> Decimal:
    before = taken.get(account, ZERO)
    part = min(wanted, account.spent - before)
    if part <= 0:
        return ZERO
    taken[account] = before + part
    return part


def open_dated_credit(accounts: OwnerAccounts, expires_at: datetime | None) -> Account:
    """The owner's credit of that end, new where it has none; to be added to the session."""
    found = accounts.credit_of(expires_at)
    if found is not None:
        return found
    like = accounts.credit
    made = Account(
        account_id=new_id(),
        owner_id=like.owner_id,
        owner_kind=like.owner_kind,
        account_type=CREDIT,
        expires_at=expires_at,
        partner_id=like.partner_id,
        distributor_id=like.distributor_id,
        site=like.site,
        currency=like.currency,
        balance=ZERO,
        held=ZERO,
        designated_amount=ZERO,
        credit_amount=ZERO,
        version=1,
    )
    accounts.dated.append(made)
    return made
