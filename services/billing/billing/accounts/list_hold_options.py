"""Whether amounts could be held for a payment; nothing is held."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.hold_funds import HOLD_MAX, split_hold
from billing.accounts.post_movement import lock_accounts
from wire.types import Id

AMOUNTS_MAX = 600

Held = Annotated[Decimal, Field(ge=0, lt=HOLD_MAX, decimal_places=2)]


class ListHoldOptions(BaseModel):
    """The body of POST /internal/hold-options."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    customer_id: Id
    amounts: list[Held] = Field(max_length=AMOUNTS_MAX)


async def list_hold_options(
    session: AsyncSession, asked: ListHoldOptions, now: datetime
) -> dict[str, Any]:
    """For each amount whether cash and credit together are enough, by the rule of a hold."""
    accounts = (await lock_accounts(session, asked.customer_id))[asked.customer_id]
    splits = [split_hold(accounts, amount) for amount in asked.amounts]
    available = sum(account.available for account in accounts.credits(now))
    return {"covered": [credit <= available for _, credit in splits]}
