"""A customer on one page: profile, balances, orders, vouchers, consumption, next expiries."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from gateway.portfolio.models import CustomerRow, ResourceRow
from wire.times import cycle_of

EXPIRIES_SHOWN = 10

PROFILE = (
    "customer_id", "account_name", "customer_name", "partner_id", "distributor_id", "site",
    "currency", "association_type", "association_status", "associated_on", "unlinked_on", "label",
    "mobile", "email", "account_manager_id", "account_manager_name", "customer_type",
    "verified_status", "is_frozen", "customer_level", "registered_at",
)  # fmt: skip


async def show_customer(
    session: AsyncSession, principal: Principal, customer_id: str, now: datetime
) -> dict[str, Any]:
    """What is known of a customer as of `as_of`, the newest fact in the answer.

    Raises:
        NotFoundError: no such customer, or another partner's; the two look the same.

    """
    row = CustomerRow
    query = select(row).where(row.customer_id == customer_id, row.version > 0)
    if not principal.is_administrator:
        query = query.where(or_(row.partner_id == principal.id, row.distributor_id == principal.id))
    customer = (await session.scalars(query)).one_or_none()
    if customer is None:
        raise NotFoundError(f"customer {customer_id}")
    this_month = customer.consumption_cycle == cycle_of(now)
    return {
        "profile": {name: getattr(customer, name) for name in PROFILE},
        "balances": customer.balances,
        "debt_amount": customer.debt_amount,
        "orders": customer.orders_by_status,
        "vouchers": customer.coupons_by_type,
        "consumption_this_month": customer.consumption_amount if this_month else Decimal("0.00"),
        "bill_cycle": cycle_of(now),
        "next_expiries": await _next_expiries(session, customer_id, now),
        "as_of": customer.as_of,
    }


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
