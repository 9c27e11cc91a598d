"""A distributor gives money to one of its resellers (一级经销商向二级经销商拨款)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner
from billing.accounts.post_movement import (
    TRANSFER,
    Cause,
    lock_accounts,
    post_movement,
    refuse_beyond_transferable,
)
from billing.copies import Partner
from chassis import audit
from chassis.identity import Principal
from chassis.tenancy import own_reseller
from wire.types import Amount, Id, WireRequest


class TransferToReseller(WireRequest, operation="update_indirect_partner_account"):
    """The body of update_indirect_partner_account."""

    indirect_partner_id: Id
    amount: Amount


async def transfer_to_reseller(
    session: AsyncSession, principal: Principal, command: TransferToReseller, now: datetime
) -> str:
    """Move cash to the reseller; the transfer's id.

    It stands among the distributor's adjust records, with the reseller as the customer. The
    earmarked part of the distributor's balance stays, as in a transfer to a customer.

    Raises:
        NotOwnResellerError, AccountMissingError
        BalanceInsufficientError: the distributor's balance has less, or what it may transfer of it.

    """
    reseller_id, amount = command.indirect_partner_id, command.amount
    await own_reseller(session, principal, reseller_id, Partner)
    await known_partner(session, principal.partner_id)
    accounts = await lock_accounts(session, principal.partner_id, reseller_id)
    giver = accounts[principal.partner_id].balance
    refuse_beyond_transferable(giver, amount)
    cause = Cause(TRANSFER, now, customer_id=reseller_id)
    sides = (giver, -amount), (accounts[reseller_id].balance, amount)
    movement = post_movement(session, cause, *sides)
    audit.record(session, principal, "funds.transfer", reseller_id, now, amount=str(amount))
    return movement.movement_id
