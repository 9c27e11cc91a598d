"""Referral becomes resale or the other way round: what follows from it here."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from customer_sync.association.unlink_customer import end_authorization
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import ASSOCIATED, Customer, StateConflictError
from wire.vocabulary import RESALE_TYPES


async def switch_association(
    session: AsyncSession, customer: Customer, association_type: str, now: datetime
) -> None:
    """Switch; states `customer.association_changed`.

    Only a resale customer can authorize its partner (docs/domain/acting-on-behalf.md F6): a grant
    ends with a switch away from it. The customer is locked.

    Raises:
        StateConflictError: not associated, or of that type already.

    """
    if customer.association_status != ASSOCIATED:
        raise StateConflictError(f"the customer is {customer.association_status}")
    if customer.association_type == association_type:
        raise StateConflictError("the customer has this type")
    fact = customer.change_association(association_type)
    if association_type not in RESALE_TYPES:
        await end_authorization(session, customer, now)
    outbox.publish(session, customer_fact(fact, customer, now))
