"""A partner gives money to its resale customer (拨款)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import known_partner, resale_customer
from billing.accounts.post_movement import (
    TRANSFER,
    Cause,
    lock_accounts,
    post_movement,
    refuse_beyond_transferable,
)
from billing.accounts.write_off_arrears import write_off_arrears
from billing.copies import Partner
from chassis import audit
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.types import Amount, Id, WireRequest


class TransferFunds(WireRequest, operation="update_customer_account_amount"):
    """The body of update_customer_account_amount."""

    customer_id: Id
    amount: Amount
    indirect_partner_id: str | None = None


async def transfer_funds(
    session: AsyncSession, principal: Principal, command: TransferFunds, now: datetime
) -> str:
    """Move cash to the customer; what it owes is written off at once. The transfer's id.

    The earmarked part of the partner's balance stays (docs/domain/worked-examples.md F.12).

    Raises:
        NotOwnCustomerError, NotResaleError, AccountMissingError, BalanceInsufficientError

    """
    partner_id = await acted_for(session, principal, command.indirect_partner_id, Partner)
    customer_id, amount = command.customer_id, command.amount
    await known_partner(session, partner_id)
    await resale_customer(session, partner_id, customer_id)
    accounts = await lock_accounts(session, partner_id, customer_id)
    giver, taker = accounts[partner_id].balance, accounts[customer_id].balance
    refuse_beyond_transferable(giver, amount)
    cause = Cause(TRANSFER, now, customer_id=customer_id)
    movement = post_movement(session, cause, (giver, -amount), (taker, amount))
    await write_off_arrears(session, accounts[customer_id], now)
    audit.record(session, principal, "funds.transfer", customer_id, now, amount=str(amount))
    return movement.movement_id
