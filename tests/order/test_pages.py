"""A page of orders or resources is read along an index, however many its partner has."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen, remove
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from order.orders.list_orders import ListOrders, list_orders
from order.resources.find_resources import FindResources, find_resources
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PARTNER, keep_customer, place
from tests.order.resource_builders import opened

pytestmark = pytest.mark.postgres

MANY = 4000
_ORDERS = text(
    "INSERT INTO orders SELECT r.* FROM orders t CROSS JOIN generate_series(1, :many) n"
    " CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object('order_id', 'C' || n,"
    " 'created_at', t.created_at - n * interval '1 hour')) r"
)
_LINES = text(
    "INSERT INTO order_lines SELECT r.* FROM order_lines t CROSS JOIN generate_series(1, :many) n"
    " CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object('order_id', 'C' || n,"
    " 'line_id', 'C' || n || '-000001')) r"
)
_COPIES = text(
    "INSERT INTO resources SELECT r.* FROM resources t CROSS JOIN generate_series(1, :many) n"
    " CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object('resource_id',"
    " md5(n::text), 'effective_at', t.effective_at - n * interval '1 hour')) r"
)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "resources_of_partner"),
        ({"service_type_code": "hws.service.type.ec2"}, "resources_of_partner"),
        ({"service_type_code": "hws.service.type.vpc"}, "resources_by_service"),
        ({"status": 4}, "resources_by_status"),
    ],
)
async def test_a_page_does_not_read_all_that_the_partner_has(
    door: Door, database: Database, clock: StandingClock, query: dict[str, Any], index: str
) -> None:
    """As a request asks, with the tenant's condition told twice.

    Broken by `row_by_row=False` in `find_resources`: it sorts all of them for each page.
    """
    await opened(door, database, clock, await keep_customer(database))
    async with database.transaction() as session:
        await session.execute(_COPIES, {"many": MANY})
        await session.execute(text("ANALYZE resources, customers"))
    async with database.transaction_as(PARTNER) as session:
        wanted = FindResources(**query)
        plan, (page, _) = await last_plan(
            database, session, lambda: find_resources(session, PARTNER, wanted)
        )
    assert f" {index} " in plan, plan
    assert "rows=4001" not in plan, plan
    assert len(page) == (0 if "vpc" in str(query) or "status" in query else 20)


async def test_nor_does_a_page_of_orders(door: Door, database: Database) -> None:
    """Its total is counted, and only that reads them all. Broken by `row_by_row=False`."""
    await place(door, await keep_customer(database))
    async with database.transaction() as session:
        for copies in (_ORDERS, _LINES):
            await session.execute(copies, {"many": MANY})
        await session.execute(text("ANALYZE orders, order_lines, customers"))
    async with database.transaction_as(PARTNER) as session:
        wanted = ListOrders()
        plan, page = await last_plan(
            database, session, lambda: list_orders(session, PARTNER, wanted)
        )
    assert " orders_of_partner " in plan, plan
    assert "rows=4001" not in plan, plan
    assert (page.total_count, len(page.orders)) == (MANY + 1, wanted.limit)


async def last_plan(
    database: Database, session: AsyncSession, read: Callable[[], Awaitable[Any]]
) -> tuple[str, Any]:
    """How the last statement of it is carried out, and what it answers."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, told: Any, *_: Any) -> None:
        asked.append((sql, told))

    engine = database.engine.sync_engine
    listen(engine, "before_cursor_execute", note)
    try:
        answer = await read()
    finally:
        remove(engine, "before_cursor_execute", note)
    sql, told = asked[-1]
    connection = await session.connection()
    found = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", told)
    return "\n".join(row[0] for row in found), answer
