"""A partner takes money back from its resale customer (回收)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner, resale_customer
from billing.accounts.post_movement import RECLAIM, Cause, lock_accounts, post_movement
from billing.copies import Partner
from chassis import audit
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.types import Amount, Id, WireRequest


class ReclaimFunds(WireRequest, operation="reclaim_to_partner_account"):
    """The body of reclaim_to_partner_account."""

    customer_id: Id
    amount: Amount
    indirect_partner_id: str | None = None


async def reclaim_funds(
    session: AsyncSession, principal: Principal, command: ReclaimFunds, now: datetime
) -> str:
    """Move cash back, at most what the customer has and no payment holds. The movement's id.

    Raises:
        NotOwnCustomerError, NotResaleError, AccountMissingError, BalanceInsufficientError

    """
    partner_id = await acted_for(session, principal, command.indirect_partner_id, Partner)
    customer_id, amount = command.customer_id, command.amount
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
    audit.record(session, principal, "funds.reclaim", customer_id, now, amount=str(amount))
    return movement.movement_id
