"""An owner may spend on credit, up to a line."""

from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import open_dated_credit
from billing.accounts.find_owner import find_owner
from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import ADJUST_CREDIT, Cause, lock_accounts, post_movement
from billing.accounts.refuse_other_currency import refuse_other_currency
from billing.copies import Customer
from chassis import audit
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.types import Amount, NativeInstant, WireRequest


class GrantCreditLine(WireRequest):
    """The body of PUT /api/accounts/{owner_id}/credit-line."""

    currency: str | None = Field(default=None, description="the account's, when given")
    amount: Amount
    expires_at: NativeInstant | None = Field(
        default=None, description="to the second; absent: the line without end"
    )


async def grant_credit_line(
    session: AsyncSession,
    principal: Principal,
    owner_id: str,
    command: GrantCreditLine,
    now: datetime,
) -> Account:
    """Set the whole credit line of that end; what is left of it moves by the difference.

    Raises:
        AccountMissingError: no such owner.
        BadFieldError: the currency is not the owner's, or the end has come.
        BalanceInsufficientError: more than the new line is spent or held.

    """
    end = command.expires_at
    if end is not None and (end <= now or end.microsecond):
        raise BadFieldError("expires_at", "in the past" if end <= now else "whole seconds only")
    owner = await find_owner(session, owner_id)
    accounts = (await lock_accounts(session, owner_id))[owner_id]
    credit = open_dated_credit(accounts, end)
    session.add(credit)
    refuse_other_currency(credit, command.currency)
    line = command.amount
    difference = line - (credit.credit_amount or ZERO)
    if difference:
        credit.credit_amount = line
        customer_id = owner_id if isinstance(owner, Customer) else None
        cause = Cause(ADJUST_CREDIT, now, customer_id=customer_id)
        post_movement(session, cause, (accounts.credit_line, -difference), (credit, difference))
    audit.record(session, principal, "credit_line.grant", owner_id, now, amount=str(line))
    return credit
