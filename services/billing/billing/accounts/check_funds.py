"""Whether a customer could pay an amount now, for who would rather not begin in vain."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.hold_funds import HOLD_MAX
from billing.accounts.models import BALANCE, CREDIT, Account, BalanceInsufficientError
from wire.types import Id


class CheckFunds(BaseModel):
    """The body of POST /internal/funds-checks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    customer_id: Id
    amount: Decimal = Field(ge=0, lt=HOLD_MAX, decimal_places=2)


async def check_funds(session: AsyncSession, wanted: CheckFunds, now: datetime) -> None:
    """Cash and credit together, less what is held; nothing is held by it.

    Raises:
        BalanceInsufficientError: they are less than the amount.

    """
    available = await session.scalar(
        select(func.sum(Account.balance - Account.held)).where(
            Account.owner_id == wanted.customer_id,
            Account.account_type.in_((BALANCE, CREDIT)),
            Account.lasts(now),
        )
    )
    if (available or 0) < wanted.amount:
        raise BalanceInsufficientError("too little on the customer's balance and credit together")
