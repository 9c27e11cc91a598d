"""Set money aside for one attempt to pay an order (reserve before commit, decision 0009)."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.close_attempt import release_failed_attempts
from billing.accounts.dated_credit import Part, note_held, take_credit
from billing.accounts.find_payer import lock_payer
from billing.accounts.models import (
    HELD,
    ZERO,
    BalanceInsufficientError,
    HoldClosedError,
    PaymentAttempt,
)
from billing.accounts.open_accounts import open_accounts
from billing.accounts.post_movement import (
    HOLD,
    Cause,
    OwnerAccounts,
    lock_accounts,
    refuse_beyond_transferable,
    state_funds,
)
from billing.copies import Customer, Partner
from chassis.identity import Principal, WrongPrincipalError
from contracts.order import FAILED_ATTEMPTS_MAX
from wire.types import Id

HOLD_MAX = Decimal(10) ** 15


class HoldFunds(BaseModel):
    """The body of POST /internal/holds; `amount` is what coupons leave to pay, 0 included."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    attempt_id: Id
    order_id: Id
    customer_id: Id
    payer_partner_id: Id | None = None  # the customer's partner, which pays in its place
    amount: Decimal = Field(ge=0, lt=HOLD_MAX, decimal_places=2)
    # Earlier attempts of this order that order has closed as failed.
    failed_attempt_ids: list[str] = Field(default_factory=list, max_length=FAILED_ATTEMPTS_MAX)

    @property
    def payer_id(self) -> str:
        """Whose accounts."""
        return self.payer_partner_id or self.customer_id


async def hold_funds(
    session: AsyncSession, principal: Principal, wanted: HoldFunds, now: datetime
) -> PaymentAttempt:
    """Hold cash first, then credit; the same answer when the attempt asks again.

    A partner pays with what it could also transfer, never with credit (docs/domain/orders.md H.12).
    A refusal leaves nothing behind. A hold ends by the attempt's stated outcome, never by time.

    Raises:
        WrongPrincipalError: neither the payer nor the administrator.
        NotOwnCustomerError, AccountMissingError: there is no such payer.
        BalanceInsufficientError: cash and credit together are less than the amount, or a
            partner's balance or transferable account is.
        HoldClosedError: the outcome came before, or the attempt is another's.

    """
    if not (principal.is_administrator or principal.id == wanted.payer_id):
        raise WrongPrincipalError
    payer = await lock_payer(session, wanted.customer_id, wanted.payer_partner_id)
    if isinstance(payer, Partner):  # one of a release before has no account for charges
        await open_accounts(session, payer)
    await release_failed_attempts(session, wanted.order_id, wanted.failed_attempt_ids, now)
    attempt, is_new = await _open_attempt(session, wanted, payer, now)
    if not is_new:
        return _same_hold(attempt, wanted)
    accounts = (await lock_accounts(session, wanted.payer_id))[wanted.payer_id]
    if isinstance(payer, Partner):
        refuse_beyond_transferable(accounts.balance, wanted.amount)
        attempt.cash_amount, attempt.credit_amount = wanted.amount, ZERO
        credits: list[Part] = []
    else:
        attempt.cash_amount, attempt.credit_amount = split_hold(accounts, wanted.amount)
        credits = take_credit(accounts, attempt.credit_amount, now)
        if sum((part for _, part in credits), ZERO) < attempt.credit_amount:
            raise BalanceInsufficientError(accounts.credit.has_less)
        note_held(session, attempt, credits)
    cause = Cause(HOLD, now, wanted.payer_id, wanted.order_id, movement_id=wanted.attempt_id)
    for account, amount in ((accounts.balance, attempt.cash_amount), *credits):
        if amount:
            account.hold(amount)
            state_funds(session, account, ZERO, wanted.attempt_id, cause)
    return attempt


def split_hold(accounts: OwnerAccounts, amount: Decimal) -> tuple[Decimal, Decimal]:
    """What cash would pay of the amount, and what is left for credit, be it there or not."""
    cash = min(amount, accounts.balance.available)
    return cash, amount - cash


async def _open_attempt(
    session: AsyncSession, wanted: HoldFunds, payer: Customer | Partner, now: datetime
) -> tuple[PaymentAttempt, bool]:
    """The attempt's locked row, and whether this call made it.

    Two calls with one id wait for each other here: the second sees what the first left.
    """
    made = await session.scalar(
        insert(PaymentAttempt)
        .values(
            attempt_id=wanted.attempt_id,
            order_id=wanted.order_id,
            customer_id=wanted.payer_id,
            partner_id=payer.partner_id,
            distributor_id=payer.distributor_id,
            currency=payer.currency,
            cash_amount=0,
            credit_amount=0,
            was_resale=isinstance(payer, Customer) and payer.is_resale,
            state=HELD,
            opened_at=now,
        )
        .on_conflict_do_nothing()
        .returning(PaymentAttempt)
    )
    if made is not None:
        return made, True
    attempt = await session.get(
        PaymentAttempt, wanted.attempt_id, with_for_update=True, populate_existing=True
    )
    if attempt is None:  # another partner's: row-level security hides it
        raise HoldClosedError(wanted.attempt_id)
    return attempt, False


def _same_hold(attempt: PaymentAttempt, wanted: HoldFunds) -> PaymentAttempt:
    asked = (wanted.payer_id, wanted.order_id, wanted.amount)
    known = (attempt.customer_id, attempt.order_id, attempt.cash_amount + attempt.credit_amount)
    if attempt.state != HELD or asked != known:
        raise HoldClosedError(wanted.attempt_id)
    return attempt
