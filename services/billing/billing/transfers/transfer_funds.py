"""A partner gives money to its resale customer (拨款)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner, resale_customer
from billing.accounts.models import BalanceInsufficientError
from billing.accounts.post_movement import TRANSFER, Cause, lock_accounts, post_movement
from billing.accounts.write_off_arrears import write_off_arrears


async def transfer_funds(
    session: AsyncSession, partner_id: str, customer_id: str, amount: Decimal, now: datetime
) -> str:
    """Move cash to the customer; what it owes is written off at once. The transfer's id.

    The earmarked part of the partner's balance stays (docs/domain/worked-examples.md F.12).

    Raises:
        NotOwnCustomerError, NotResaleError, AccountMissingError, BalanceInsufficientError

    """
    await known_partner(session, partner_id)
    await resale_customer(session, partner_id, customer_id)
    accounts = await lock_accounts(session, partner_id, customer_id)
    giver, taker = accounts[partner_id].balance, accounts[customer_id].balance
    if amount > giver.transferable:
        raise BalanceInsufficientError
    cause = Cause(TRANSFER, now, customer_id=customer_id)
    movement = post_movement(session, cause, (giver, -amount), (taker, amount))
    await write_off_arrears(session, accounts[customer_id], now)
    return movement.movement_id
