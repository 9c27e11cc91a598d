"""A distributor takes money back from one of its resellers (回收云经销商账户拨款)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner
from billing.accounts.post_movement import RECLAIM, Cause, lock_accounts, post_movement
from billing.copies import Partner
from chassis import audit
from chassis.identity import Principal
from chassis.tenancy import own_reseller
from wire.types import Amount, Id, WireRequest


class ReclaimFromReseller(WireRequest, operation="reclaim_indirect_partner_account"):
    """The body of reclaim_indirect_partner_account."""

    indirect_partner_id: Id
    amount: Amount


async def reclaim_from_reseller(
    session: AsyncSession, principal: Principal, command: ReclaimFromReseller, now: datetime
) -> str:
    """Move cash back, at most what the reseller has and no payment holds. The movement's id.

    Raises:
        NotOwnResellerError, AccountMissingError
        BalanceInsufficientError: the reseller's balance has less.

    """
    reseller_id, amount = command.indirect_partner_id, command.amount
    await own_reseller(session, principal, reseller_id, Partner)
    await known_partner(session, principal.partner_id)
    accounts = await lock_accounts(session, principal.partner_id, reseller_id)
    # The distributor's side comes first: the movement is its own, and stands in its records.
    sides = (
        (accounts[principal.partner_id].balance, amount),
        (accounts[reseller_id].balance, -amount),
    )
    movement = post_movement(session, Cause(RECLAIM, now, customer_id=reseller_id), *sides)
    audit.record(session, principal, "funds.reclaim", reseller_id, now, amount=str(amount))
    return movement.movement_id
