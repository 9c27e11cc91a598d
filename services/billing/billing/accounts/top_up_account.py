"""Money comes in from outside: a recharge of a partner's or a customer's balance."""

from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_owner import find_owner
from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import RECHARGE, Cause, lock_accounts, post_movement
from billing.accounts.refuse_other_currency import refuse_other_currency
from billing.accounts.write_off_arrears import write_off_arrears
from billing.copies import Customer
from chassis import audit
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.types import Amount, WireRequest


class TopUpAccount(WireRequest):
    """The body of POST /api/accounts/{owner_id}/top-ups; a part may be earmarked."""

    currency: str | None = Field(default=None, description="the account's, when given")
    amount: Amount
    designated_amount: Amount = ZERO


async def top_up_account(
    session: AsyncSession, principal: Principal, owner_id: str, command: TopUpAccount, now: datetime
) -> tuple[str, Account]:
    """Put money on the owner's balance, a part of it earmarked. Movement id and account.

    Raises:
        BadFieldError: more is earmarked than comes in, or the currency is not the owner's.
        AccountMissingError: no such owner, even after waiting for it.

    """
    amount = command.amount
    if command.designated_amount > amount:
        raise BadFieldError("designated_amount", "more than the amount")
    owner = await find_owner(session, owner_id)
    accounts = (await lock_accounts(session, owner_id))[owner_id]
    refuse_other_currency(accounts.balance, command.currency)
    accounts.balance.designated_amount += command.designated_amount
    customer_id = owner_id if isinstance(owner, Customer) else None
    cause = Cause(RECHARGE, now, customer_id=customer_id)
    movement = post_movement(
        session, cause, (accounts.funding, -amount), (accounts.balance, amount)
    )
    if customer_id:
        await write_off_arrears(session, accounts, now)
    audit.record(session, principal, "account.top_up", owner_id, now, amount=str(amount))
    return movement.movement_id, accounts.balance
