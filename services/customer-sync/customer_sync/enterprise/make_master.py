"""A customer becomes an enterprise master: the vendor's to say; an administrator plays it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from contracts.customer import CustomerUpdated
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import (
    ASSOCIATED,
    ENTERPRISE,
    VERIFIED,
    Customer,
    StateConflictError,
)
from customer_sync.enterprise.add_organization import NAME_LENGTH_MAX, new_number
from customer_sync.enterprise.models import Organization


class MakeMaster(BaseModel):
    """The body of POST /api/customers/{id}/enterprise; the root needs no name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(default=None, min_length=1, max_length=NAME_LENGTH_MAX)


async def make_master(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    wanted: MakeMaster,
    now: datetime,
) -> Organization:
    """Give it the root of its organisation; states `customer.updated`.

    Raises:
        NotFoundError: no such customer.
        StateConflictError: not an associated, verified enterprise, or a master or member already.

    """
    customer = await session.scalar(
        select(Customer).where(Customer.id == customer_id).with_for_update()
    )
    if customer is None:
        raise NotFoundError
    _check_state(customer)
    root = Organization(
        id=new_number(),
        relation_id=new_number(),
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        master_id=customer.id,
        parent_id=None,
        name=wanted.name,
        depth=0,
        created_at=now,
    )
    session.add(root)
    customer.is_enterprise_master = True
    outbox.publish(session, customer_fact(CustomerUpdated, customer, now))
    audit.record(session, principal, "customer.make_master", customer.id, now)
    return root


def _check_state(customer: Customer) -> None:
    if customer.association_status != ASSOCIATED:
        raise StateConflictError(f"the customer is {customer.association_status}")
    if customer.verified_status != VERIFIED or customer.customer_type != ENTERPRISE:
        raise StateConflictError("only a verified enterprise can be a master")
    if customer.is_enterprise_master:
        raise StateConflictError("it is a master already")
    if customer.enterprise_master_id is not None:
        raise StateConflictError("a member of another enterprise cannot be a master")
