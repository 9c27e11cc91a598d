"""The stated outcome of a payment attempt ends its hold: captured or released."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import Part, held_parts
from billing.accounts.models import CAPTURED, HELD, RELEASED, ZERO, PaymentAttempt
from billing.accounts.post_movement import (
    DEDUCT,
    RELEASE,
    Cause,
    OwnerAccounts,
    lock_accounts,
    post_movement,
    state_funds,
)
from billing.accounts.return_balance import return_cash
from billing.accounts.write_off_arrears import write_off_arrears
from billing.copies import Customer
from contracts.order import OrderPaid, OrderPaymentFailed


class HoldMismatchError(Exception):
    """An outcome states other money than what the attempt holds: a person must look at it."""


async def capture_hold(session: AsyncSession, event: OrderPaid) -> list[Part] | None:
    """Move what the attempt holds out of the payer's accounts; None when that is done already.

    What each credit account gave is the answer. An order that coupons paid whole may have held
    nothing.

    Raises:
        HoldMismatchError: the hold is missing, released, another's, or of another amount.

    """
    attempt, is_new = await _outcome(session, event, CAPTURED)
    if attempt.state == CAPTURED and not is_new:
        return None
    stated = (_payer_id(event), event.cash_amount, event.credit_amount)
    known = (attempt.customer_id, attempt.cash_amount, attempt.credit_amount)
    if attempt.state == RELEASED or stated != known:
        raise HoldMismatchError(f"{event.attempt_id} states {stated}, known is {attempt.state}")
    credits: list[Part] = []
    if event.cash_amount + event.credit_amount:
        accounts = (await lock_accounts(session, attempt.customer_id))[attempt.customer_id]
        credits = await _free(session, accounts, attempt)
        by_partner = event.paying_partner_id is not None
        whose = event.customer_id if by_partner else attempt.customer_id
        cause = Cause(DEDUCT, event.occurred_at, whose, event.order_id)
        post_movement(
            session,
            cause,
            (accounts.balance, -attempt.cash_amount),
            *((account, -part) for account, part in credits),
            (accounts.charges, attempt.cash_amount + attempt.credit_amount),
        )
    attempt.state, attempt.closed_at = CAPTURED, event.occurred_at
    return credits


async def release_hold(session: AsyncSession, event: OrderPaymentFailed) -> None:
    """Give back what the attempt holds; cash pays arrears first, or returns to a former partner."""
    attempt, _ = await _outcome(session, event, RELEASED)
    if attempt.state == HELD:
        await _release(session, attempt, event.occurred_at)


async def release_failed_attempts(
    session: AsyncSession, order_id: str, attempt_ids: Collection[str], now: datetime
) -> None:
    """Free what attempts of the order hold that order has stated as failed to the caller.

    The event that states it to everybody follows, and finds them closed. An attempt that was never
    heard of is left to that event.
    """
    if not attempt_ids:
        return
    found = await session.scalars(
        select(PaymentAttempt)
        .where(
            PaymentAttempt.attempt_id.in_(attempt_ids),
            PaymentAttempt.order_id == order_id,
            PaymentAttempt.state == HELD,
        )
        .order_by(PaymentAttempt.attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for attempt in found.all():
        await _release(session, attempt, now)


async def _release(session: AsyncSession, attempt: PaymentAttempt, at: datetime) -> None:
    payer_id = attempt.customer_id
    returns = attempt.was_resale and not await _is_resale_of(session, payer_id, attempt.partner_id)
    owners = [payer_id, attempt.partner_id] if returns else [payer_id]
    locked = await lock_accounts(session, *owners)
    accounts = locked[payer_id]
    credits = await _free(session, accounts, attempt)
    cause = Cause(RELEASE, at, payer_id, attempt.order_id)
    for account, amount in ((accounts.balance, attempt.cash_amount), *credits):
        if amount:
            state_funds(session, account, ZERO, attempt.attempt_id, cause)
    attempt.state, attempt.closed_at = RELEASED, at
    await write_off_arrears(session, accounts, at)
    if returns:
        left = min(attempt.cash_amount, accounts.balance.available)
        return_cash(session, accounts, locked[attempt.partner_id], left, at)


async def _is_resale_of(session: AsyncSession, payer_id: str, partner_id: str) -> bool:
    """Locked against its own unlinking, which would leave what is freed with a stranger."""
    payer = await session.get(
        Customer, payer_id, with_for_update={"read": True}, populate_existing=True
    )
    return payer is not None and payer.is_resale and payer.partner_id == partner_id


async def _outcome(
    session: AsyncSession, event: OrderPaid | OrderPaymentFailed, state: str
) -> tuple[PaymentAttempt, bool]:
    """The attempt's locked row; made closed when the outcome came before the hold (then True)."""
    made = await session.execute(
        insert(PaymentAttempt)
        .values(
            attempt_id=event.attempt_id,
            order_id=event.order_id,
            customer_id=_payer_id(event),
            partner_id=event.partner_id,
            distributor_id=event.distributor_id,
            currency=event.currency,
            cash_amount=ZERO,
            credit_amount=ZERO,
            was_resale=False,
            state=state,
            opened_at=event.occurred_at,
            closed_at=event.occurred_at,
        )
        .on_conflict_do_nothing()
        .returning(PaymentAttempt.attempt_id)
    )
    is_new = made.first() is not None
    attempt = await session.get(
        PaymentAttempt, event.attempt_id, with_for_update=True, populate_existing=True
    )
    assert attempt is not None
    return attempt, is_new


def _payer_id(event: OrderPaid | OrderPaymentFailed) -> str:
    """Whose money the attempt is about: a master's, for its custody member, or a partner's."""
    return event.paying_partner_id or event.paying_agent_id or event.customer_id


async def _free(
    session: AsyncSession, accounts: OwnerAccounts, attempt: PaymentAttempt
) -> list[Part]:
    """End what is held; which accounts held the credit."""
    if attempt.cash_amount:
        accounts.balance.free(attempt.cash_amount)
    credits = await held_parts(session, accounts, attempt)
    for account, amount in credits:
        account.free(amount)
    return credits
