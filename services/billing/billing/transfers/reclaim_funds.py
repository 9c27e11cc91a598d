"""A partner takes money back from its resale customer (回收)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner, resale_customer
from billing.accounts.post_movement import RECLAIM, Cause, lock_accounts, post_movement


async def reclaim_funds(
    session: AsyncSession, partner_id: str, customer_id: str, amount: Decimal, now: datetime
) -> str:
    """Move cash back, at most what the customer has and no payment holds. The movement's id.

    Raises:
        NotOwnCustomerError, NotResaleError, AccountMissingError, BalanceInsufficientError

    """
    await known_partner(session, partner_id)
    await resale_customer(session, partner_id, customer_id)
    accounts = await lock_accounts(session, partner_id, customer_id)
    cause = Cause(RECLAIM, now, customer_id=customer_id)
    movement = post_movement(
        session,
        cause,
        (accounts[customer_id].balance, -amount),
        (accounts[partner_id].balance, amount),
    )
    return movement.movement_id
