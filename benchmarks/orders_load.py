"""What the benchmark of orders stands on: a scene by the services' doors, and many copies of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.flows.in_process import InProcess, in_process
from tests.flows.order_life.world import PAY, RESOURCES, World
from tests.order.builders import line, payment
from tests.voucher.builders import ISSUE

from chassis.at_commit import StatingSession
from chassis.identity import Principal
from chassis.write_kept import written_last
from gateway.forwarding.destinations import Service
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase

ORDER, VOUCHER, BILLING = Service.ORDER, Service.VOUCHER, Service.BILLING
CLIENTS = 16
FUNDS = "90000000.00"
PAYERS = (ORDER, VOUCHER, BILLING)  # who takes part in a payment
COUPONS = 50  # of the customer whose payment options are asked for
OTHERS = 500  # partners that have all the other orders
OWN_ORDERS = 2000  # of the partner that asks, whatever the size
Stores = dict[Service, ServiceDatabase]


@dataclass(frozen=True)
class Statement:
    """One that a service sent to its database, and in which of its transactions."""

    service: str
    transaction: int
    sql: str
    parameters: tuple[Any, ...]


@dataclass
class Scene:
    """Who is there, and what was made once to be copied."""

    partner: Principal
    customers: list[Principal]
    order_id: str  # waits for payment, and so does its coupon
    coupon_id: str
    recorded: list[Statement]  # of one payment, in their order
    paid: dict[str, str]  # which ids those name
    resource_id: str  # paid, opened, with its automatic renewal on
    many_options: str  # an order whose payer has 50 coupons and 4 discounts


@contextmanager
def recording(system: InProcess) -> Iterator[list[Statement]]:
    """What the three services say to their databases meanwhile."""
    found: list[Statement] = []
    taken: list[tuple[Any, str, Any]] = []
    number = [0]
    for service in PAYERS:
        engine = system.database(service).engine.sync_engine

        def begun(_connection: Any) -> None:
            number[0] += 1

        def said(
            connection: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool,
            service: str = service,
        ) -> None:  # fmt: skip
            opening = connection.connection.driver_connection.opening
            if opening is not None:  # said with BEGIN, before this one
                found.append(Statement(service, number[0], opening, ()))
            sets = parameters if many and isinstance(parameters[0], tuple | list) else [parameters]
            for one in sets:
                found.append(Statement(service, number[0], sql, tuple(one or ())))

        for name, hook in (("begin", begun), ("before_cursor_execute", said)):
            event.listen(engine, name, hook)
            taken.append((engine, name, hook))

    def stated(session: Session) -> None:
        """Facts and audit entries go past SQLAlchemy, which does not tell of them."""
        last = written_last(session)
        if last is not None:
            found.append(Statement(found[-1].service, number[0], *last))

    event.listen(StatingSession, "before_commit", stated)
    taken.append((StatingSession, "before_commit", stated))
    try:
        yield found
    finally:
        for engine, name, hook in taken:
            event.remove(engine, name, hook)


async def set_the_scene(stores: Stores) -> Scene:
    """By requests, so that what is copied afterwards is what the services make."""
    wall = StandingClock(datetime.now(UTC).replace(microsecond=0))
    async with in_process(stores, wall, sandbox=False) as system:
        world = World(system, wall)
        partner = await world.partner("bench", FUNDS)
        customers = [await world.customer(partner, FUNDS, "0") for _ in range(CLIENTS)]
        quota = await world.quota(partner, 0)
        first = customers[0]
        paid_coupon = await _coupon(world, partner, quota, first)
        paid_order = await _order(world, partner, first)
        with recording(system) as recorded:
            body = payment(paid_order, paid_coupon)
            answer = await system.doors[ORDER].post(PAY, body, first)
        assert answer.status_code == 204, answer.text
        await system.settle()  # what follows is not the payment's
        ids = {"order": paid_order, "coupon": paid_coupon, "customer": first.id}
        ids["attempt"] = await _attempt(system, paid_order)
        ids |= await _accounts(system, first)
        wall.forward(seconds=5)
        schedules = {one.name: one for one in system.apps[ORDER].running.schedules}
        complete = schedules["complete orders"]
        await complete.at_a_stop(system.database(ORDER), wall())  # type: ignore[union-attr, misc]
        resource = await _resource(system, paid_order)
        told = {"auto_renew_times": 0, "period_type": "MONTH"}
        await world.done(ORDER, "POST", f"{RESOURCES}/autorenew/{resource}", told, first)
        many = customers[1]
        for face in range(1, COUPONS + 1):
            await _coupon(world, partner, quota, many, face)
        for ratio in ("0.7", "0.6"):  # beside the two that everybody has
            told = {"customer_id": many.id, "discount_type": 2, "discount_mode": 0,
                    "discount_value": ratio, "name": "more"}  # fmt: skip
            await world.done(BILLING, "POST", "/api/discounts", told)
        many_options = await _order(world, partner, many)
        coupon = await _coupon(world, partner, quota, first)
        order = await _order(world, partner, first)
        return Scene(
            partner, customers, order, coupon, recorded, ids, resource, many_options
        )  # fmt: skip


async def _order(world: World, partner: Principal, customer: Principal) -> str:
    told = {"customer_id": customer.id, "lines": [line()]}
    return str((await world.done(ORDER, "POST", "/api/orders", told, partner))["order_id"])


async def _coupon(
    world: World, partner: Principal, quota: str, customer: Principal, face: int = 5
) -> str:
    told = {"quota_id": quota, "customer_ids": [customer.id], "face_value": face}
    issued = await world.done(VOUCHER, "POST", ISSUE, told, partner)
    return str(issued["coupon_infos"][0]["coupon_id"])


async def _attempt(system: InProcess, order_id: str) -> str:
    return await _value(
        system, ORDER, "SELECT attempt_id FROM payment_attempts WHERE order_id = $1", order_id
    )


async def _resource(system: InProcess, order_id: str) -> str:
    return await _value(
        system, ORDER, "SELECT resource_id FROM resources WHERE order_id = $1", order_id
    )


async def _accounts(system: InProcess, customer: Principal) -> dict[str, str]:
    sql = "SELECT account_id FROM accounts WHERE owner_id = $1 AND account_type = 1"
    return {"account": await _value(system, BILLING, sql, customer.id)}


async def _value(system: InProcess, service: Service, sql: str, key: str) -> str:
    connection = await system.database(service).connector.connect()
    try:
        return str(await connection.fetchval(sql, key))
    finally:
        await connection.close()


async def copy_rows(
    connection: asyncpg.Connection, table: str, where: str, count: int,
    changed: Mapping[str, str], joined: str = "",
) -> None:  # fmt: skip
    """So many copies of a row; `changed` are SQL expressions of the number n, from 1."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in changed.items())
    await connection.execute(
        f"INSERT INTO {table} SELECT r.* FROM {table} t CROSS JOIN generate_series(1, {count}) n"
        f" {joined} CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object({pairs})) r"
        f" WHERE t.{where}"
    )


async def load_payable(
    stores: Stores, scene: Scene, count: int, mark: str
) -> list[tuple[str, str, str]]:
    """Orders that wait for payment, each with a coupon: of all customers in turn."""
    order, voucher = await _connected(stores, ORDER), await _connected(stores, VOUCHER)
    names = ", ".join(f"'{one.id}'" for one in scene.customers)
    whose = f"(ARRAY[{names}])[n % {CLIENTS} + 1]"
    new_id = f"'BENCH{mark}' || lpad(n::text, 9, '0')"
    until = "now() + interval '6 days'"
    source = f"'{scene.order_id}'"
    changed = {"order_id": new_id, "customer_id": whose, "pay_until": until}
    await copy_rows(order, "orders", f"order_id = {source}", count, changed)
    changed = {"line_id": f"{new_id} || '-000001'", "order_id": new_id}
    await copy_rows(order, "order_lines", f"order_id = {source}", count, changed)
    coupon_id = f"md5('coupon{mark}' || n)"
    changed = {"id": coupon_id, "customer_id": whose}
    changed |= {"lock_order_id": "null", "reserved_amount": "0"}  # a renewal may have taken it
    await copy_rows(voucher, "coupons", f"id = '{scene.coupon_id}'", count, changed)
    rows = await voucher.fetch(f"SELECT n, {coupon_id} AS id FROM generate_series(1, {count}) n")
    await order.close()
    await voucher.close()
    return [
        (scene.customers[row["n"] % CLIENTS].id, f"BENCH{mark}{row['n']:09}", row["id"])
        for row in rows
    ]


async def load_stored(stores: Stores, scene: Scene, count: int) -> None:
    """Completed orders of the last two years with two resources each, most of other partners."""
    order = await _connected(stores, ORDER)
    names = ", ".join(f"'{one.id}'" for one in scene.customers)
    step = f"greatest({count} / {OWN_ORDERS}, 1)"
    own = f"n % {step} = 0"
    nth = f"(n / {step})"  # so that the partner's own are alike whatever the size
    partner = f"CASE WHEN {own} THEN '{scene.partner.id}' ELSE 'other' || n % {OTHERS} END"
    whose = f"CASE WHEN {own} THEN (ARRAY[{names}])[(n / 7) % {CLIENTS} + 1]" \
            f" ELSE 'customer' || n % 50000 END"  # fmt: skip
    at = f"now() - n * interval '{timedelta(days=700) / count}'"
    new_id = "'STORED' || lpad(n::text, 9, '0')"
    source = f"order_id = '{scene.paid['order']}'"
    changed = {
        "order_id": new_id, "customer_id": whose, "partner_id": partner, "created_at": at,
        "payable_at": at, "paid_at": at, "completed_at": at, "updated_at": at, "status": "5",
        "order_type": f"1 + {nth} % 2",
    }  # fmt: skip
    await copy_rows(order, "orders", source, count, changed)
    changed = {"line_id": f"{new_id} || '-000001'", "order_id": new_id, "partner_id": partner}
    await copy_rows(order, "order_lines", source, count, changed)
    resource = "md5('stored' || n || '-' || m)"
    pieces = "CROSS JOIN generate_series(1, 2) m"
    changed = {
        "resource_id": resource, "order_id": new_id, "line_id": f"{new_id} || '-000001'",
        "customer_id": whose, "partner_id": partner, "effective_at": at,
        "expire_at": f"{at} + m * interval '400 days'", "next_renewal_at": "null",
        "notice_at": "null", "expire_policy": "0",
        "status": f"(ARRAY[2, 2, 2, 3, 5])[{nth} % 5 + 1]",
        "charging_mode": f"CASE WHEN m = 2 AND {nth} % 4 = 0 THEN 3 ELSE 1 END",
        "main_resource_id": "CASE WHEN m = 2 THEN md5('stored' || n || '-1') END",
    }  # fmt: skip
    where = f"resource_id = '{scene.resource_id}'"
    await copy_rows(order, "resources", where, count, changed, pieces)
    changed = {
        "period_id": f"{resource} || 'p'", "resource_id": resource, "order_id": new_id,
        "line_id": f"{new_id} || '-000001'", "customer_id": whose, "partner_id": partner,
        "begin_at": at, "end_at": f"{at} + m * interval '400 days'",
    }  # fmt: skip
    await copy_rows(order, "resource_periods", where, count, changed, pieces)
    await order.execute("VACUUM ANALYZE")
    await order.close()


async def load_due(stores: Stores, scene: Scene, count: int, mark: str, *, automatic: bool) -> list[
    tuple[str, str]
]:  # fmt: skip
    """Resources whose renewal is due now, or that a job will renew; with whose they are."""
    order = await _connected(stores, ORDER)
    names = ", ".join(f"'{one.id}'" for one in scene.customers)
    whose = f"(ARRAY[{names}])[n % {CLIENTS} + 1]"
    resource = f"md5('due{mark}' || n)"
    end = "date_trunc('day', now()) + interval '3 days 15 hours 59 minutes 59 seconds'"
    due = "now() - interval '1 minute'" if automatic else "null"
    changed = {
        "resource_id": resource, "customer_id": whose, "expire_at": end, "next_renewal_at": due,
        "notice_at": "null", "expire_policy": "3" if automatic else "0",
    }  # fmt: skip
    where = f"resource_id = '{scene.resource_id}'"
    await copy_rows(order, "resources", where, count, changed)
    changed = {"period_id": f"{resource} || 'p'", "resource_id": resource, "customer_id": whose,
               "end_at": end}  # fmt: skip
    await copy_rows(order, "resource_periods", where, count, changed)
    rows = await order.fetch(f"SELECT n, {resource} AS id FROM generate_series(1, {count}) n")
    await order.execute("VACUUM ANALYZE resources")
    await order.close()
    return [(scene.customers[row["n"] % CLIENTS].id, row["id"]) for row in rows]


async def _connected(stores: Stores, service: Service) -> asyncpg.Connection:
    return await asyncpg.connect(stores[service].url)
