"""Set money aside for one attempt to pay an order (reserve before commit, decision 0009)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.close_attempt import release_failed_attempts
from billing.accounts.models import HELD, Account, AttemptClosedError, PaymentAttempt
from billing.accounts.post_movement import HOLD, Cause, OwnerAccounts, lock_accounts, state_funds
from billing.copies import Customer


@dataclass(frozen=True, slots=True)
class WantedHold:
    """What an attempt wants held; `amount` is what coupons leave to pay, 0 included."""

    attempt_id: str
    order_id: str
    customer: Customer
    amount: Decimal
    failed_attempt_ids: Sequence[str] = ()  # earlier ones of this order, closed by order


async def hold_funds(session: AsyncSession, wanted: WantedHold, now: datetime) -> PaymentAttempt:
    """Hold cash first, then credit; the same answer when the attempt asks again.

    A refusal leaves nothing behind. A hold ends by the attempt's stated outcome, never by time.

    Raises:
        BalanceInsufficientError: cash and credit together are less than the amount.
        AttemptClosedError: the outcome came before, or the attempt is another's.

    """
    # Locked as the end of its association locks it: before any account.
    await session.refresh(wanted.customer, with_for_update={"read": True})
    await release_failed_attempts(session, wanted.order_id, wanted.failed_attempt_ids, now)
    attempt, is_new = await _open_attempt(session, wanted, now)
    if not is_new:
        return _same_hold(attempt, wanted)
    customer_id = wanted.customer.customer_id
    accounts = (await lock_accounts(session, customer_id))[customer_id]
    attempt.cash_amount = min(wanted.amount, accounts.balance.available)
    attempt.credit_amount = wanted.amount - attempt.cash_amount
    cause = Cause(HOLD, now, customer_id, wanted.order_id, movement_id=wanted.attempt_id)
    for account, amount in _parts(accounts, attempt):
        account.hold(amount)
        state_funds(session, account, Decimal("0.00"), wanted.attempt_id, cause)
    return attempt


def _parts(accounts: OwnerAccounts, attempt: PaymentAttempt) -> list[tuple[Account, Decimal]]:
    parts = [(accounts.balance, attempt.cash_amount), (accounts.credit, attempt.credit_amount)]
    return [(account, amount) for account, amount in parts if amount]


async def _open_attempt(
    session: AsyncSession, wanted: WantedHold, now: datetime
) -> tuple[PaymentAttempt, bool]:
    """The attempt's locked row, and whether this call made it.

    Two calls with one id wait for each other here: the second sees what the first left.
    """
    customer = wanted.customer
    made = await session.execute(
        insert(PaymentAttempt)
        .values(
            attempt_id=wanted.attempt_id,
            order_id=wanted.order_id,
            customer_id=customer.customer_id,
            partner_id=customer.partner_id,
            distributor_id=customer.distributor_id,
            currency=customer.currency,
            cash_amount=0,
            credit_amount=0,
            was_resale=customer.is_resale,
            state=HELD,
            opened_at=now,
        )
        .on_conflict_do_nothing()
        .returning(PaymentAttempt.attempt_id)
    )
    is_new = made.first() is not None
    attempt = await session.get(
        PaymentAttempt, wanted.attempt_id, with_for_update=True, populate_existing=True
    )
    if attempt is None:  # another partner's: row-level security hides it
        raise AttemptClosedError(wanted.attempt_id)
    return attempt, is_new


def _same_hold(attempt: PaymentAttempt, wanted: WantedHold) -> PaymentAttempt:
    asked = (wanted.customer.customer_id, wanted.order_id, wanted.amount)
    known = (attempt.customer_id, attempt.order_id, attempt.cash_amount + attempt.credit_amount)
    if attempt.state != HELD or asked != known:
        raise AttemptClosedError(wanted.attempt_id)
    return attempt
