"""Apply to unlink a customer or to switch its association type (docs/domain/association.md B.3)."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import UnknownValueError
from chassis.identity import Principal, WrongPrincipalError
from chassis.ids import new_id
from customer_sync.association.facts import application_fact
from customer_sync.association.find_blockers import require_unblocked
from customer_sync.association.find_side import find_party, side_of
from customer_sync.association.models import (
    BY_PARTNER,
    OPEN,
    SWITCH,
    UNLINK,
    AssociationApplication,
)
from customer_sync.customers.models import (
    ASSOCIATED,
    REFERRAL,
    RESALE,
    RESALE_ABROAD,
    Customer,
    StateConflictError,
)
from wire.operations import CHINA
from wire.times import BEIJING, add_months

MONTHS_BETWEEN = 3


class ApplyForChange(BaseModel):
    """Which type the customer is to have: 1 referral, 2 resale (international site: 3)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    association_type: Literal["1", "2", "3"]


class TooSoonError(StateConflictError):
    """One application in three months, whichever side made it and whatever came of it."""


async def apply_for_change(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    association_type: str | None,
    now: datetime,
) -> AssociationApplication:
    """Put it to the other side; states `association.change_requested`. None as type: unlink.

    Raises:
        WrongPrincipalError: who may not speak for its side, or a customer that wants a switch.
        NotFoundError: not the caller's.
        StateConflictError: not associated, of that type already, or one is open.
        TooSoonError: within three months of the last one.
        BlockedError: something must be settled first.
        UnknownValueError: the site has no such type.

    """
    side = side_of(principal)
    if association_type is not None and side != BY_PARTNER:
        raise WrongPrincipalError("the partner only")
    customer = await find_party(session, principal, side, customer_id)
    if customer.association_status != ASSOCIATED:
        raise StateConflictError(f"the customer is {customer.association_status}")
    if association_type is not None:
        _check_type(customer, association_type)
    await _check_last(session, customer, now)
    await require_unblocked(session, customer)
    application = AssociationApplication(
        id=new_id(),
        customer_id=customer.id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        kind=UNLINK if association_type is None else SWITCH,
        association_type=association_type,
        applied_by=side,
        status=OPEN,
        applied_at=now,
    )
    session.add(application)
    outbox.publish(session, application_fact(application, now))
    told = {"customer_id": customer.id, "association_type": association_type}
    audit.record(session, principal, f"association.apply_{application.kind}", application.id, now,
                 **told)  # fmt: skip
    return application


def _check_type(customer: Customer, wanted: str) -> None:
    resale = RESALE if customer.site == CHINA else RESALE_ABROAD
    if wanted not in (REFERRAL, resale):
        raise UnknownValueError("association_type", f"{REFERRAL} or {resale}")
    if customer.association_type == wanted:
        raise StateConflictError("the customer has this type")


async def _check_last(session: AsyncSession, customer: Customer, now: datetime) -> None:
    """The customer's lock keeps a second application waiting until here."""
    last = await session.scalar(
        select(AssociationApplication)
        .where(AssociationApplication.customer_id == customer.id)
        .order_by(AssociationApplication.applied_at.desc(), AssociationApplication.id.desc())
        .limit(1)
    )
    if last is None:
        return
    if last.status == OPEN:
        raise StateConflictError(f"an application to {last.kind} is open")
    again = next_possible(last.applied_at)
    if now < again:
        raise TooSoonError(f"the next application is possible from {again:%Y-%m-%dT%H:%M:%SZ} on")


def next_possible(applied_at: datetime) -> datetime:
    """Three calendar months later by Beijing's calendar; a day that month lacks is its last."""
    here = applied_at.astimezone(BEIJING)
    return add_months(here, MONTHS_BETWEEN).astimezone(applied_at.tzinfo)
