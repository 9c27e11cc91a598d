"""What voucher knows of customers, partners and orders, kept by their events."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import keep
from chassis.restatement import is_known
from contracts.customer import CustomerEvent
from contracts.order import OrderEvent
from contracts.partner import PartnerEvent, PartnerSolutionChanged
from voucher.copies import Customer, Order, Partner, Solution


class Before(NamedTuple):
    """What was known of a customer before an event, or the event's own for a new one."""

    association_type: str
    partner_id: str
    distributor_id: str | None


async def keep_customer(session: AsyncSession, event: CustomerEvent) -> Before | None:
    """Write the copy; None when the event was no news: known already, or stated again."""
    known = await session.get(
        Customer, event.customer_id, with_for_update=True, populate_existing=True
    )
    if known is not None and is_known(known.version, event):
        return None
    first = known.first_associated_on if known else None
    was = known or event
    before = Before(was.association_type, was.partner_id, was.distributor_id)
    await keep(
        session,
        Customer,
        {
            "customer_id": event.customer_id,
            "account_name": event.account_name,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "association_type": event.association_type,
            "association_status": event.association_status,
            "associated_on": event.associated_on,
            "first_associated_on": first or event.associated_on,
            "financial_custody": event.financial_custody,
            "enterprise_master_id": event.enterprise_master_id,
            "label": event.label,
            "account_manager_id": event.account_manager_id,
            "is_enterprise_master": event.is_enterprise_master,
            "version": event.version,
        },
    )
    return None if event.restated else before


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """Write the copy."""
    await keep(
        session,
        Partner,
        {
            "partner_id": event.partner_id,
            "name": event.name,
            "account_name": event.account_name,
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


async def keep_solution(session: AsyncSession, event: PartnerSolutionChanged) -> None:
    """Write the copy."""
    await keep(
        session,
        Solution,
        {
            "solution_id": event.solution_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "certification": event.certification,
            "version": event.version,
        },
    )


async def keep_order(session: AsyncSession, event: OrderEvent) -> None:
    """Write the copy."""
    await keep(
        session,
        Order,
        {
            "order_id": event.order_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "customer_id": event.customer_id,
            "paying_agent_id": event.paying_agent_id,
            "status": event.status,
            "order_type": event.order_type,
            "currency": event.currency,
            "discount_id": event.discount_id,
            "lines": [line.model_dump(mode="json") for line in event.lines],
            "member_ids": sorted(
                {line.member_order_id for line in event.lines if line.member_order_id}
            ),
            "version": event.version,
        },
    )
