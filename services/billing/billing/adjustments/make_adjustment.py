"""An administrator mends a bill: a line of its own, for a reason, beside the line it is about."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import note_lines
from billing.accounts.models import ZERO
from billing.accounts.post_movement import (
    ADJUST,
    Cause,
    OwnerAccounts,
    lock_accounts,
    post_movement,
)
from billing.accounts.refuse_other_currency import refuse_other_currency
from billing.accounts.write_off_arrears import write_off_arrears
from billing.copies import Customer
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine
from billing.lines.roll_up import stand_like
from billing.usage.pay_usage import Paid, pay_usage, state_arrears
from chassis import audit, outbox
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.ids import new_id
from wire.times import beijing_day, cycle_of
from wire.types import Amount, Id, WireRequest

COMPENSATION, DEDUCTION = 9, 16  # bill types (docs/domain/bills.md B.8)
REASON_LENGTH_MAX = 256  # characters

# What the adjusted line says of itself, and its adjustment repeats.
_LIKE = (
    "customer_id", "partner_id", "distributor_id", "association_type", "account_manager_id",
    "site", "currency", "charging_mode", "order_id", "order_type", "resource_spec_code",
    "product_id", "product_name", "region_code", "consume_time",
    "provider_type", "enterprise_project_id", "enterprise_project_name", "customer_label",
)  # fmt: skip


class MakeAdjustment(WireRequest):
    """The body of POST /api/adjustments."""

    line_id: Id = Field(description="the line that is adjusted")
    bill_type: Literal[9, 16] = Field(
        description="9 compensation: the amount goes back; 16 deduction: it is charged"
    )
    currency: str | None = Field(default=None, description="the line's, when given")
    amount: Amount
    reason: str = Field(min_length=1, max_length=REASON_LENGTH_MAX)


async def make_adjustment(
    session: AsyncSession, principal: Principal, command: MakeAdjustment, now: datetime
) -> BillLine:
    """Write the line, in the cycle that is open now, and move the money.

    A compensation goes back as money to whoever paid the line, and pays what is owed first; all of
    them together are at most what the line came to. A deduction is charged as usage is: cash, then
    credit, and what is missing is owed.

    Raises:
        NotFoundError: no such line.
        BadFieldError: the line is a refund or an adjustment, or is compensated for as much already.

    """
    line = await session.scalar(select(BillLine).where(BillLine.line_id == command.line_id))
    if line is None:
        raise NotFoundError
    if line.payment_amount <= 0 or line.corrects is not None:
        raise BadFieldError("line_id", "not a line that was charged")
    payer_id = line.payer_id or line.customer_id
    if command.bill_type == DEDUCTION:
        customer = await session.get(Customer, line.customer_id, with_for_update={"read": True})
        payer_id = customer.payer_id if customer else line.customer_id
    accounts = (await lock_accounts(session, payer_id))[payer_id]
    refuse_other_currency(accounts.balance, command.currency)
    if command.bill_type == COMPENSATION:
        paid = await _compensate(session, accounts, line, command.amount, now)
        amount = -command.amount
    else:
        paid = pay_usage(session, accounts, command.amount, now, reason=ADJUST)
        amount = command.amount
    made = _line(line, command, paid, amount, now)
    stand_like(made, line)
    made.payer_id = payer_id if payer_id != line.customer_id else None
    session.add(made)
    note_lines(session, [made], paid.credits)
    await session.flush()
    outbox.publish(session, line_recorded(made, now))
    state_arrears(session, [made], {payer_id: accounts}, now)
    if command.bill_type == COMPENSATION:
        await write_off_arrears(session, accounts, now)
    told = {"amount": str(command.amount), "bill_type": str(command.bill_type)}
    audit.record(
        session, principal, "bill.adjust", made.line_id, now, reason=command.reason, **told
    )
    return made


async def _compensate(
    session: AsyncSession, accounts: OwnerAccounts, line: BillLine, amount: Decimal, now: datetime
) -> Paid:
    """Money back, as far as the line reaches; below the accounts' locks none overtakes another."""
    of_line = BillLine.corrects == line.line_id, BillLine.bill_type == COMPENSATION
    given = await session.scalar(select(func.sum(BillLine.payment_amount)).where(*of_line))
    if amount > line.payment_amount + (given or ZERO):
        raise BadFieldError("amount", "more than the line came to, less what was compensated")
    paid = Paid(new_id(), -amount, ZERO, ZERO)
    whose = accounts.owner_id if accounts.balance.is_customers else line.customer_id
    cause = Cause(ADJUST, now, whose, movement_id=paid.trade_id)
    post_movement(session, cause, (accounts.charges, -amount), (accounts.balance, amount))
    return paid


def _line(
    adjusted: BillLine, command: MakeAdjustment, paid: Paid, amount: Decimal, now: datetime
) -> BillLine:
    return BillLine(
        **{name: getattr(adjusted, name) for name in _LIKE},
        line_id=new_id(),
        bill_cycle=cycle_of(now),
        bill_date=beijing_day(now),
        bill_type=command.bill_type,
        trade_id=paid.trade_id,
        trade_time=now,
        known_at=now,
        corrects=adjusted.line_id,
        reason=command.reason,
        official_amount=amount,
        official_discount_amount=ZERO,
        erase_amount=ZERO,
        payment_amount=amount,
        **paid.by_money,
        version=1,
    )
