"""The customer grants, refuses or terminates; nobody does it in its name."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.authorizations.facts import authorization_fact
from customer_sync.authorizations.models import ACTIVE, Authorization
from customer_sync.customers.models import StateConflictError

Decision = Literal["grant", "refuse", "terminate"]


async def decide_authorization(
    session: AsyncSession,
    principal: Principal,
    authorization_id: str,
    decision: Decision,
    now: datetime,
) -> Authorization:
    """Decide, and state `authorization.granted`, `.refused` or `.terminated`.

    Raises:
        WrongPrincipalError: not the customer itself; a partner with its credentials is not.
        NotFoundError: another customer's, or none.
        StateConflictError: decided already, or not active when terminated.

    """
    if not principal.is_customer or principal.acting_for_partner is not None:
        raise WrongPrincipalError("the customer itself only")
    authorization = await session.scalar(
        select(Authorization)
        .where(Authorization.id == authorization_id, Authorization.customer_id == principal.id)
        .with_for_update()
    )
    if authorization is None:
        raise NotFoundError
    if decision == "terminate" and authorization.status != ACTIVE:
        raise StateConflictError(f"the authorization is {authorization.status}")
    match decision:
        case "grant":
            authorization.grant(now)
        case "refuse":
            authorization.refuse(now)
        case "terminate":
            authorization.terminate(now)
    outbox.publish(session, authorization_fact(authorization, now))
    audit.record(session, principal, f"authorization.{decision}", authorization.id, now)
    return authorization
