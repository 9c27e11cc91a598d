"""Keep what order must know of customers, their grants and debts, and the partners."""

from chassis import copies
from chassis.database import EventSession
from chassis.restatement import is_known
from contracts.billing import ArrearsEvent
from contracts.customer import AuthorizationEvent, CustomerEvent
from contracts.partner import PartnerEvent
from order.copies import Arrears, Authorization, Customer, Partner
from order.orders.end_with_association import end_orders_of
from order.resources.follow_customer import follow_customer
from order.resources.settle_standing import WITH_RESOURCES, settle_standing


async def keep_customer(session: EventSession, event: CustomerEvent) -> None:
    """The customer as it is now; an older fact changes nothing.

    What waits for payment ends with its association; stated again, the customer is only copied.
    """
    before = await session.get(
        Customer, event.customer_id, with_for_update=True, populate_existing=True
    )
    if before is not None and is_known(before.version, event):
        return
    was_resale = before is not None and before.is_resale_of(before.partner_id)
    former = before.partner_id if before is not None else None
    was_frozen = before.is_frozen if before is not None else 0
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
    moved = before is not None and (before.partner_id, before.distributor_id) != (
        event.partner_id, event.distributor_id,
    )  # fmt: skip
    await copies.keep(session, Customer, values)
    if moved:
        await follow_customer(session, Customer(**values), event.occurred_at)
    if before is not None and (was_frozen == WITH_RESOURCES) != (event.is_frozen == WITH_RESOURCES):
        await settle_standing(session, Customer(**values), event.occurred_at)
    ended = was_resale and not Customer(**values).is_resale_of(str(former))
    if ended and not event.restated:
        await end_orders_of(session, event.customer_id, event.occurred_at)


async def keep_authorization(session: EventSession, event: AuthorizationEvent) -> None:
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


async def keep_partner(session: EventSession, event: PartnerEvent) -> None:
    """The partner account and the distributor above it."""
    values = {
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "kind": event.kind,
        "version": event.version,
    }
    await copies.keep(session, Partner, values)


async def keep_arrears(session: EventSession, event: ArrearsEvent) -> None:
    """What the customer owes, and since when; its on-demand resources follow.

    The customer is held first, as wherever resources are locked.
    """
    customer = await session.get(
        Customer, event.customer_id, with_for_update=True, populate_existing=True
    )
    before = await session.get(
        Arrears, event.customer_id, with_for_update=True, populate_existing=True
    )
    if before is not None and is_known(before.version, event):
        return
    since = before.since if before is not None else None
    values = {
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "debt_amount": event.debt_amount,
        "since": (since or event.occurred_at) if event.debt_amount else None,
        "version": event.version,
    }
    await copies.keep(session, Arrears, values)
    if customer is not None:
        await settle_standing(session, customer, event.occurred_at)
