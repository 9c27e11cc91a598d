"""Money comes in from outside: a recharge of a partner's or a customer's balance."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_owner import find_owner
from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import RECHARGE, Cause, lock_accounts, post_movement
from billing.accounts.write_off_arrears import write_off_arrears
from billing.copies import Customer
from chassis.errors import BadFieldError


async def top_up_account(
    session: AsyncSession,
    owner_id: str,
    amount: Decimal,
    now: datetime,
    *,
    designated: Decimal = ZERO,
) -> tuple[str, Account]:
    """Put money on the owner's balance; `designated` of it is earmarked. Movement id and account.

    Raises:
        AccountMissingError: no such owner, even after waiting for it.

    """
    if designated > amount:
        raise BadFieldError("designated_amount", "more than the amount")
    owner = await find_owner(session, owner_id)
    accounts = (await lock_accounts(session, owner_id))[owner_id]
    accounts.balance.designated_amount += designated
    customer_id = owner_id if isinstance(owner, Customer) else None
    cause = Cause(RECHARGE, now, customer_id=customer_id)
    movement = post_movement(
        session, cause, (accounts.funding, -amount), (accounts.balance, amount)
    )
    if customer_id:
        await write_off_arrears(session, accounts, now)
    return movement.movement_id, accounts.balance
