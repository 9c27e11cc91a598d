"""End a customer's association with its partner (domain.md B.3)."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.count_customers import count_one
from customer_sync.find_customer import find_customer
from customer_sync.models import (
    ACTIVE,
    REQUESTED,
    Arrears,
    Authorization,
    Customer,
    StateConflictError,
)
from wire.operations import operations


async def unlink_customer(
    session: AsyncSession, principal: Principal, customer_id: str, now: datetime
) -> Customer:
    """Unlink at once; states `customer.unlinked` and the end of its authorization.

    Raises:
        WrongPrincipalError: an operator asks; the partner's administrator must.
        NotFoundError: not the caller's.
        StateConflictError: not associated, or in arrears.

    """
    if principal.operator_id is not None and not _is_administrator(principal):
        raise WrongPrincipalError("the partner's administrator only")
    customer = await find_customer(session, principal, customer_id)
    place, fact = customer.place, customer.unlink(now)
    assert place
    arrears = await session.get(Arrears, customer_id)
    if arrears is not None and arrears.debt_amount > 0:
        owed = f"{arrears.debt_amount:f} {arrears.currency}"
        raise StateConflictError(f"the customer is in arrears by {owed}")
    await end_authorization(session, customer, now)
    outbox.publish(session, customer.fact(fact, now))
    audit.record(session, principal, "customer.unlink", customer.id, now)
    await session.flush()
    await count_one(session, customer.id, place, -1)
    return customer


def _is_administrator(operator: Principal) -> bool:
    """An operator in that role holds every permission item there is."""
    asked = " ".join(row.permission or "" for row in operations().values())
    return operator.permissions >= set(re.findall(r"BPC_ITEM_\w+", asked))


async def end_authorization(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """No grant outlives the association; a request nobody answered ends with it too."""
    known = await session.scalars(
        select(Authorization)
        .where(
            Authorization.customer_id == customer.id,
            Authorization.status.in_((REQUESTED, ACTIVE)),
        )
        .with_for_update()
    )
    for authorization in known.all():
        outbox.publish(session, authorization.fact(authorization.terminate(now), now))
