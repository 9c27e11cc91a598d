"""An owner may spend on credit, up to a line."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_owner import find_owner
from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import ADJUST_CREDIT, Cause, lock_accounts, post_movement
from billing.copies import Customer


async def grant_credit_line(
    session: AsyncSession, owner_id: str, line: Decimal, now: datetime
) -> Account:
    """Set the whole credit line; what is left of it moves by the difference.

    Raises:
        AccountMissingError: no such owner.
        BalanceInsufficientError: more than the new line is spent or held.

    """
    owner = await find_owner(session, owner_id)
    accounts = (await lock_accounts(session, owner_id))[owner_id]
    credit = accounts.credit
    difference = line - (credit.credit_amount or ZERO)
    if difference:
        credit.credit_amount = line
        customer_id = owner_id if isinstance(owner, Customer) else None
        cause = Cause(ADJUST_CREDIT, now, customer_id=customer_id)
        post_movement(session, cause, (accounts.credit_line, -difference), (credit, difference))
    return credit
