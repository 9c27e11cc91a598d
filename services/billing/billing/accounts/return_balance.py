"""What a resale customer has left goes back to the partner when the association ends."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.post_movement import (
    UNLINK,
    Cause,
    OwnerAccounts,
    lock_accounts,
    post_movement,
)


async def return_balance(
    session: AsyncSession, partner_id: str, customer_id: str, now: datetime
) -> None:
    """Move all cash that no payment holds to the partner (docs/domain/association.md B.3)."""
    accounts = await lock_accounts(session, partner_id, customer_id)
    giver = accounts[customer_id]
    return_cash(session, giver, accounts[partner_id], giver.balance.available, now)


def return_cash(
    session: AsyncSession,
    giver: OwnerAccounts,
    taker: OwnerAccounts,
    amount: Decimal,
    now: datetime,
) -> None:
    """The same for an amount, between accounts that are locked; nothing left is no movement."""
    if amount > 0:
        cause = Cause(UNLINK, now, customer_id=giver.owner_id)
        post_movement(session, cause, (giver.balance, -amount), (taker.balance, amount))
