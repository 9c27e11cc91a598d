"""Wait for a new customer's association, as long as its creator is willing to."""

import asyncio

from sqlalchemy import select

from chassis.database import Database
from chassis.errors import RefusedError
from chassis.identity import Principal
from customer_sync.customers.models import ASSOCIATED, Customer

LOOK_SECONDS = 0.1


class AssociationLateError(RefusedError):
    """The account is there, its association is not yet: the one refusal that has written."""

    code = "CBC.99000050"


async def await_association(
    database: Database, principal: Principal, customer: Customer, wait_seconds: float
) -> bool:
    """Whether it is in; False when `wait_seconds` have passed. Each look is a transaction."""
    if customer.association_status == ASSOCIATED:
        return True
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    status = select(Customer.association_status).where(Customer.id == customer.id)
    while loop.time() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        async with database.transaction_as(principal) as session:
            if await session.scalar(status) == ASSOCIATED:
                return True
    return False
