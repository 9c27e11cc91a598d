"""The other side agrees or refuses, or the applicant withdraws (docs/domain/association.md B.3)."""

from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.association.facts import application_fact
from customer_sync.association.find_blockers import require_unblocked
from customer_sync.association.find_side import find_party, side_of
from customer_sync.association.models import (
    AGREED,
    REFUSED,
    WITHDRAWN,
    AssociationApplication,
)
from customer_sync.association.switch_association import switch_association
from customer_sync.association.unlink_customer import unlink_customer

Answer = Literal["agree", "refuse", "withdraw"]
_STATUSES: dict[Answer, str] = {"agree": AGREED, "refuse": REFUSED, "withdraw": WITHDRAWN}


async def decide_change(
    session: AsyncSession,
    principal: Principal,
    application_id: str,
    answer: Answer,
    now: datetime,
) -> AssociationApplication:
    """End the application; when agreed, the customer is unlinked or switched in the same breath.

    States `association.change_decided`, and what `unlink_customer` or `switch_association` states.

    Raises:
        WrongPrincipalError: who may not speak for its side, the applicant that answers itself, or
            the other side that withdraws.
        NotFoundError: no such application, or another's.
        StateConflictError: it has ended, or the customer is not associated any more.
        BlockedError: agreed, but something must be settled first; the application stays open.

    """
    side = side_of(principal)
    application = await session.get(AssociationApplication, application_id)
    if application is None:
        raise NotFoundError
    # The customer first, as when applying: two who lock both never wait for each other.
    customer = await find_party(session, principal, side, application.customer_id)
    await session.refresh(application, with_for_update=True)
    if application.partner_id != customer.partner_id:
        raise NotFoundError
    if (answer == "withdraw") != (side == application.applied_by):
        raise WrongPrincipalError("the other side only")
    application.decide(_STATUSES[answer], now)
    outbox.publish(session, application_fact(application, now))
    audit.record(session, principal, f"association.{answer}", application.id, now)
    if answer != "agree":
        return application
    await require_unblocked(session, customer)
    if application.association_type is None:
        await unlink_customer(session, customer, now)
    else:
        await switch_association(session, customer, application.association_type, now)
    return application
