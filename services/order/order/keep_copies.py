"""Keep what order must know of customers, their grants and the partners."""

from chassis import copies
from chassis.database import EventSession
from contracts.customer import AuthorizationEvent, CustomerEvent
from contracts.partner import PartnerEvent
from order.models import Authorization, Customer, Partner


async def keep_customer(event: CustomerEvent, session: EventSession) -> None:
    """The customer as it is now; an older fact changes nothing."""
    values = {
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "site": event.site,
        "currency": event.currency,
        "association_type": event.association_type,
        "association_status": event.association_status,
        "is_frozen": event.is_frozen,
        "paying_master_id": event.enterprise_master_id if event.financial_custody else None,
        "version": event.version,
    }
    await copies.keep(session, Customer, values)


async def keep_authorization(event: AuthorizationEvent, session: EventSession) -> None:
    """The grant as it is now."""
    values = {
        "authorization_id": event.authorization_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "status": event.status,
        "version": event.version,
    }
    await copies.keep(session, Authorization, values)


async def keep_partner(event: PartnerEvent, session: EventSession) -> None:
    """The partner account and the distributor above it."""
    values = {
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "kind": event.kind,
        "version": event.version,
    }
    await copies.keep(session, Partner, values)
