"""What is charged for usage is taken from cash, then from credit, and else it is owed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import Part, take_credit
from billing.accounts.facts import arrears_opened
from billing.accounts.models import ZERO
from billing.accounts.post_movement import USAGE, Cause, OwnerAccounts, post_movement
from billing.lines.models import BillLine
from chassis import outbox
from chassis.ids import new_id


@dataclass(frozen=True, slots=True)
class Paid:
    """How a charge was paid; `trade_id` is the movement's."""

    trade_id: str
    cash: Decimal
    credit: Decimal
    debt: Decimal
    credits: tuple[Part, ...] = ()  # which accounts gave the credit

    @property
    def by_money(self) -> dict[str, Decimal]:
        """What a line says of its payment, when money alone paid or is owed."""
        return {
            "coupon_amount": ZERO,
            "flexipurchase_coupon_amount": ZERO,
            "stored_value_card_amount": ZERO,
            "bonus_amount": ZERO,
            "cash_amount": self.cash,
            "credit_amount": self.credit,
            "debt_amount": self.debt,
            "writeoff_amount": ZERO,
        }


def pay_usage(
    session: AsyncSession,
    accounts: OwnerAccounts,
    payable: Decimal,
    now: datetime,
    *,
    reason: str = USAGE,
    bill_cycle: str | None = None,
    consume_time: datetime | None = None,
    service_type_name: str | None = None,
) -> Paid:
    """Move the money of a charge; the accounts are locked (docs/domain/accounts.md B.10).

    The movement says what its line says, for who reads change records.
    """
    cash = min(payable, accounts.balance.available)
    credits = take_credit(accounts, payable - cash, now)
    credit = sum((part for _, part in credits), ZERO)
    paid = Paid(new_id(), cash, credit, payable - cash - credit, tuple(credits))
    if payable:
        cause = Cause(
            reason,
            now,
            accounts.owner_id,
            movement_id=paid.trade_id,
            bill_cycle=bill_cycle,
            consume_time=consume_time,
            service_type_name=service_type_name,
        )
        post_movement(
            session,
            cause,
            (accounts.balance, -paid.cash),
            *((account, -part) for account, part in credits),
            (accounts.arrears, -paid.debt),
            (accounts.charges, payable),
        )
    return paid


def state_arrears(
    session: AsyncSession,
    new: Sequence[BillLine],
    accounts: Mapping[str, OwnerAccounts],
    now: datetime,
) -> None:
    """Say once per payer what it owes after all of its charges, if they made it owe more."""
    owing = (line.payer_id or line.customer_id for line in new if line.debt_amount)
    for payer_id in dict.fromkeys(owing):
        outbox.publish(session, arrears_opened(accounts[payer_id].arrears, now))
