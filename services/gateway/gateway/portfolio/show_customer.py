"""A customer on one page: profile, balances, orders, vouchers, consumption, next expiries."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from contracts.customer import Customer
from gateway.portfolio.freshness import WithheldError, portfolio_freshness
from gateway.portfolio.models import CustomerRow, ResourceRow
from wire.times import cycle_of

EXPIRIES_SHOWN = 10


async def show_customer(
    session: AsyncSession, principal: Principal, customer_id: str, now: datetime
) -> dict[str, Any]:
    """What is known of a customer; `as_of` and `stale_since` as in `portfolio.freshness`.

    Raises:
        WithheldError: nothing is known of it, since its events are parked.
        NotFoundError: no such customer, or another partner's; the two look the same.

    """
    freshness = await portfolio_freshness(session, principal, customer_id)
    row = CustomerRow
    query = select(row).where(row.customer_id == customer_id, row.version > 0)
    if not principal.is_administrator:
        query = query.where(or_(row.partner_id == principal.id, row.distributor_id == principal.id))
    customer = (await session.scalars(query)).one_or_none()
    if customer is None and freshness.stale_since is not None:
        raise WithheldError(f"customer {customer_id}", freshness.stale_since)
    if customer is None:
        raise NotFoundError(f"customer {customer_id}")
    this_month = customer.consumption_cycle == cycle_of(now)
    return {
        "version": customer.version,
        "profile": {name: getattr(customer, name) for name in Customer.model_fields},
        "balances": customer.balances,
        "currency": customer.currency,
        "debt_amount": customer.debt_amount,
        "orders": _in_its_currency(customer, customer.orders_by_status),
        "vouchers": _in_its_currency(customer, customer.coupons_by_type),
        "consumption_this_month": customer.consumption_amount if this_month else Decimal("0.00"),
        "bill_cycle": cycle_of(now),
        "next_expiries": await _next_expiries(session, customer_id, now),
        "changed_at": customer.as_of,
        **freshness.told(),
    }


def _in_its_currency(customer: CustomerRow, sums: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sums of what has the customer's currency, each beside it."""
    return [{**one, "currency": customer.currency} for one in sums]


async def _next_expiries(
    session: AsyncSession, customer_id: str, now: datetime
) -> list[dict[str, Any]]:
    row = ResourceRow
    columns = (row.resource_id, row.resource_name, row.service_type_code, row.expire_at)
    soonest = (
        select(*columns)
        .where(row.customer_id == customer_id, row.expire_at >= now)
        .order_by(row.expire_at)
        .limit(EXPIRIES_SHOWN)
    )
    return [dict(found) for found in (await session.execute(soonest)).mappings()]
