"""The vendor's side of new-customer tags: in standalone mode an administrator plays it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from customer_sync.customers.models import VERIFIED, Customer, NewCustomerTag, StateConflictError

Month = Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]


class TagNewCustomer(BaseModel):
    """Months (YYYY-MM, Beijing), both of which belong to the time in which it holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tag: Literal["Y", "N", "UNDETERMINED"]
    effective_month: Month
    expire_month: Month


async def tag_new_customer(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    new: TagNewCustomer,
    now: datetime,
) -> NewCustomerTag:
    """Give the customer a tag in place of an older one.

    Raises:
        NotFoundError: no such customer.
        StateConflictError: the customer has no verified name.
        BadFieldError: it would lapse before it takes effect.

    """
    if new.expire_month < new.effective_month:
        raise BadFieldError("expire_month", "not before effective_month")
    wanted = select(Customer).where(Customer.id == customer_id).with_for_update()
    customer = await session.scalar(wanted)
    if customer is None:
        raise NotFoundError
    if customer.verified_status != VERIFIED:
        raise StateConflictError("the customer has no verified name")
    tag = await session.merge(
        NewCustomerTag(
            customer_id=customer.id,
            partner_id=customer.partner_id,
            distributor_id=customer.distributor_id,
            **new.model_dump(),
        )
    )
    audit.record(session, principal, "customer.tag", customer.id, now, tag=new.tag)
    return tag
