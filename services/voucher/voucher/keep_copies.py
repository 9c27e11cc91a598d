"""What voucher knows of customers, partners and orders, kept by their events."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import keep
from chassis.restatement import is_known
from contracts.customer import CustomerEvent
from contracts.order import OrderEvent
from contracts.partner import PartnerEvent
from voucher.copies import CustomerCopy, OrderCopy, PartnerCopy


async def keep_customer(session: AsyncSession, event: CustomerEvent) -> str | None:
    """Write the copy; None when the event was no news: known already, or stated again.

    Otherwise the association type that was known before, or the event's own for a new customer.
    """
    known = await session.get(
        CustomerCopy, event.customer_id, with_for_update=True, populate_existing=True
    )
    if known is not None and is_known(known.version, event):
        return None
    first = known.first_associated_on if known else None
    before = known.association_type if known else event.association_type
    await keep(
        session,
        CustomerCopy,
        {
            "customer_id": event.customer_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "association_type": event.association_type,
            "association_status": event.association_status,
            "associated_on": event.associated_on,
            "first_associated_on": first or event.associated_on,
            "financial_custody": event.financial_custody,
            "enterprise_master_id": event.enterprise_master_id,
            "version": event.version,
        },
    )
    return None if event.restated else before


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """Write the copy."""
    await keep(
        session,
        PartnerCopy,
        {
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "kind": event.kind,
            "site": event.site,
            "currency": event.currency,
            "status": event.status,
            "coupon_mode": event.coupon_mode,
            "is_test_account": event.is_test_account,
            "version": event.version,
        },
    )


async def keep_order(session: AsyncSession, event: OrderEvent) -> None:
    """Write the copy."""
    await keep(
        session,
        OrderCopy,
        {
            "order_id": event.order_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "customer_id": event.customer_id,
            "paying_agent_id": event.paying_agent_id,
            "status": event.status,
            "currency": event.currency,
            "lines": [line.model_dump(mode="json") for line in event.lines],
            "version": event.version,
        },
    )
