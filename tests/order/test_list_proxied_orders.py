"""Listing what members asked their master to pay costs as much as there are members."""

import pytest
from sqlalchemy import select, text

from chassis.database import Database
from order.orders.find_order import proxied, visible
from order.orders.models import Order
from tests.order.builders import (
    PARTNER,
)

pytestmark = pytest.mark.postgres

# 20,000 customers; the first hundred are m1's members, each asked it to pay 30 orders.
_MANY_CUSTOMERS = text(
    "INSERT INTO customers (customer_id, partner_id, site, currency, association_type,"
    " association_status, is_frozen, paying_master_id, version)"
    " SELECT 'c' || n, 'p1', 'china', 'CNY', '2', 'associated', 0,"
    " CASE WHEN n < 100 THEN 'm1' END, 1 FROM generate_series(0, 19999) AS n"
)
_MANY_ASKED = text(
    "INSERT INTO orders (order_id, customer_id, partner_id, status, order_type, source_type,"
    " currency, service_type_code, service_type_name, official_amount, discount_amount,"
    " amount_after_discount, coupon_amount, flexipurchase_coupon_amount, stored_card_amount,"
    " cash_amount, credit_amount, is_combined, placed_by, paying_agent_id, created_at,"
    " provisioning_seconds, updated_at, version)"
    " SELECT 'CS' || n, 'c' || n % 100, 'p1', 6, 1, 2, 'CNY', 'ecs', 'ECS', 10, 0, 10,"
    " 0, 0, 0, 0, 0, false, 'sp', 'm1', now(), 0, now(), 2 FROM generate_series(1, 3000) AS n"
)


async def test_listing_what_many_members_asked_for_reads_the_members_and_not_all_customers(
    database: Database,
) -> None:
    """Break: drop the index `customers_with_master`, or the condition that names its members."""
    async with database.transaction() as session:
        await session.execute(_MANY_CUSTOMERS)
        await session.execute(_MANY_ASKED)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE customers, orders"))
    wanted = select(Order.order_id).where(visible(PARTNER, Order, None), proxied())
    async with database.transaction_as(PARTNER) as session:
        dialect = (await session.connection()).dialect
        query = wanted.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        plan = (await session.scalars(text(f"EXPLAIN {query}"))).all()
    assert any("customers_with_master" in line for line in plan), plan
