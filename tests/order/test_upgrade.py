"""What an upgrade makes of the orders of a release before."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from chassis.migrations import migrate
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer
from wire.money import share

pytestmark = pytest.mark.postgres

# Cash, credit, and of each line what is payable and what coupons paid of it.
PAID = {
    "CS1": ("89.99", "10.00", [("85.00", "50.00"), ("85.00", "20.01")]),
    "CS2": ("0.01", "0.02", [("0.01", "0.00"), ("0.01", "0.00"), ("0.01", "0.00")]),
    "CS3": ("0.00", "0.00", [("30.00", "30.00")]),
    "CS4": ("100.00", "0.00", [("33.33", "0.00"), ("33.33", "0.00"), ("33.34", "0.00")]),
}


RESOURCE = (
    "INSERT INTO resources (resource_id, resource_name, customer_id, partner_id, order_id,"
    " line_id, product_id, service_type_code, service_type_name, resource_type_code,"
    " resource_type_name, resource_spec_code, region_code, charging_mode, status,"
    " effective_at, expire_at, expire_policy, updated_at, version)"
    " VALUES ($1, 'n', 'c', 'p', 'CS1', 'CS1-1', 'x', 's', 's', 'r', 'r', 'k', 'cn', 1, 2,"
    " '2026-01-01', '2026-02-01', 0, now(), 1)"
)


@pytest.fixture
async def before(postgres_server: PostgresServer) -> AsyncIterator[ServiceDatabase]:
    """The database as the version before left it."""
    old = ServiceDatabase("order", postgres_server.url, unique_prefix())
    postgres_server.create_database(old.name)
    try:
        await asyncio.to_thread(migrate, "order", old.url, "0006")
        yield old
    finally:
        postgres_server.drop_database(old.name)


async def test_money_is_shared_over_the_lines_of_older_orders_as_billing_shared_it(
    before: ServiceDatabase,
) -> None:
    connection = await asyncpg.connect(before.url)
    for order_id, (cash, credit, lines) in PAID.items():
        await connection.execute(
            "INSERT INTO orders (order_id, customer_id, partner_id, status, order_type,"
            " source_type, currency, service_type_code, service_type_name, official_amount,"
            " discount_amount, amount_after_discount, coupon_amount, flexipurchase_coupon_amount,"
            " stored_card_amount, cash_amount, credit_amount, is_combined, placed_by, created_at,"
            " paid_at, provisioning_seconds, updated_at, version)"
            " VALUES ($1, 'c', 'p', 3, 1, 2, 'CNY', 's', 's', 0, 0, 0, 0, 0, 0, $2, $3, false,"
            " 'p', now(), now(), 1, now(), 1)",
            order_id, Decimal(cash), Decimal(credit),
        )  # fmt: skip
        for position, (payable, coupon) in enumerate(lines, start=1):
            await connection.execute(
                "INSERT INTO order_lines (line_id, order_id, partner_id, position, product_id,"
                " service_type_code, service_type_name, resource_type_code, resource_type_name,"
                " resource_spec_code, region_code, charging_mode, quantity, official_amount,"
                " discount_amount, amount_after_discount, coupon_amount,"
                " flexipurchase_coupon_amount) VALUES ($1, $2, 'p', $3, 'x', 's', 's', 'r', 'r',"
                " 'k', 'cn', 1, 1, $4, 0, $4, $5, 0)",
                f"{order_id}-{position}", order_id, position, Decimal(payable), Decimal(coupon),
            )  # fmt: skip
    await connection.close()

    await asyncio.to_thread(migrate, "order", before.url)

    connection = await asyncpg.connect(before.url)
    try:
        for order_id, (cash, credit, lines) in PAID.items():
            owed = [Decimal(payable) - Decimal(coupon) for payable, coupon in lines]
            by_cash = share(Decimal(cash), owed)
            by_credit = share(Decimal(credit), [a - b for a, b in zip(owed, by_cash, strict=True)])
            found = await connection.fetch(
                "SELECT cash_amount, credit_amount FROM order_lines WHERE order_id = $1"
                " ORDER BY position", order_id,
            )  # fmt: skip
            assert [tuple(row) for row in found] == list(zip(by_cash, by_credit, strict=True))
    finally:
        await connection.close()


async def test_a_resource_of_a_release_before_has_the_period_that_its_line_paid(
    before: ServiceDatabase,
) -> None:
    """Of three pieces for 100.00, of which a coupon paid 50.01."""
    connection = await asyncpg.connect(before.url)
    await connection.execute(
        "INSERT INTO orders (order_id, customer_id, partner_id, status, order_type, source_type,"
        " currency, service_type_code, service_type_name, official_amount, discount_amount,"
        " amount_after_discount, coupon_amount, flexipurchase_coupon_amount, stored_card_amount,"
        " cash_amount, credit_amount, is_combined, placed_by, created_at, paid_at,"
        " provisioning_seconds, updated_at, version) VALUES ('CS1', 'c', 'p', 5, 1, 2, 'CNY', 's',"
        " 's', 120, 20, 100, 50.01, 0, 0, 49.99, 0, false, 'p', now(), now(), 1, now(), 1)"
    )
    await connection.execute(
        "INSERT INTO order_lines (line_id, order_id, partner_id, position, product_id,"
        " service_type_code, service_type_name, resource_type_code, resource_type_name,"
        " resource_spec_code, region_code, charging_mode, quantity, official_amount,"
        " discount_amount, amount_after_discount, coupon_amount, flexipurchase_coupon_amount)"
        " VALUES ('CS1-1', 'CS1', 'p', 1, 'x', 's', 's', 'r', 'r', 'k', 'cn', 1, 3, 120, 20, 100,"
        " 50.01, 0)"
    )
    await connection.execute("UPDATE orders SET paying_agent_id = 'm1'")
    await connection.execute(
        "INSERT INTO payment_attempts (attempt_id, order_id, customer_id, partner_id, state,"
        " coupons, opened_at) VALUES ('a1', 'CS1', 'c', 'p', 'paid',"
        """ '[{"coupon_id": "CP1", "coupon_type": 1, "amount": "50.01"}]', now())"""
    )
    for name in ("r1", "r2", "r3"):
        await connection.execute(RESOURCE, name)
    await connection.close()

    await asyncio.to_thread(migrate, "order", before.url)

    connection = await asyncpg.connect(before.url)
    try:
        found = await connection.fetch(
            "SELECT official_amount, coupon_amount, cash_amount, credit_amount, order_id"
            " FROM resource_periods ORDER BY resource_id"
        )
        coupons = await connection.fetch(
            "SELECT coupons->0->>'coupon_id', coupons->0->>'amount', payer_id"
            " FROM resource_periods ORDER BY resource_id"
        )
        await connection.execute(RESOURCE, "r4")  # as a replica of the release before writes it
        currencies = await connection.fetch("SELECT currency FROM resources")
    finally:
        await connection.close()
    assert [tuple(map(str, row)) for row in found] == [
        ("40.00", "16.67", "16.67", "0.00", "CS1"),
        ("40.00", "16.67", "16.66", "0.00", "CS1"),
        ("40.00", "16.67", "16.66", "0.00", "CS1"),
    ]
    assert [tuple(row) for row in coupons] == [("CP1", "16.67", "m1")] * 3
    assert [row[0] for row in currencies] == ["CNY"] * 4
