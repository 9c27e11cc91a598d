"""Lists and details of orders and resources among few and many: each filter alone."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.orders_asking import ASKED
from benchmarks.orders_load import OWN_ORDERS
from benchmarks.orders_rig import Shop
from benchmarks.serving import WARMING
from benchmarks.wire import FILTER_BAR_MS, GROWTH_BAR, said
from chassis.database import Database
from chassis.identity import Principal
from order.orders.list_orders import ListOrders, list_orders
from order.orders.show_order import ShowOrder, show_order
from order.resources.find_resources import FindResources, find_resources
from order.resources.list_on_demand_resources import (
    ListOnDemandResources,
    list_on_demand_resources,
)
from order.resources.list_resources import ListResources, list_resources


def reads(place: Shop) -> Mapping[str, tuple[Principal, Callable[[Any], Awaitable[Any]]]]:
    """Lists and details as a partner and a customer ask them; each filter alone."""
    partner, customer = place.scene.partner, place.scene.customers[3]
    now = datetime.now(UTC)

    def orders(who: Principal, **more: Any) -> tuple[Principal, Any]:
        return who, lambda session: list_orders(session, who, ListOrders(**more))

    def periods(**more: Any) -> tuple[Principal, Any]:
        wanted = ListResources(customer_id=customer.id, **more)
        return partner, lambda session: list_resources(session, partner, wanted)

    def on_demand(**more: Any) -> tuple[Principal, Any]:
        wanted = ListOnDemandResources(customer_id=customer.id, **more)
        return partner, lambda session: list_on_demand_resources(session, partner, wanted)

    def native(**more: Any) -> tuple[Principal, Any]:
        return partner, lambda session: find_resources(session, partner, FindResources(**more))

    order_id = f"STORED{max(OWN_ORDERS, 1):09}"
    month_ago, month_on = now - timedelta(days=30), now + timedelta(days=30)
    soon = {"begin": _wire(month_ago), "end": _wire(now)}
    return {
        "orders of a partner": orders(partner),
        "orders of a customer": orders(customer),
        "orders, a deep page": orders(partner, offset=1900, limit=100),
        "orders, customer_id": orders(partner, customer_id=customer.id),
        "orders, status": orders(partner, status=5),
        "orders, order_type": orders(partner, order_type="2"),
        "orders, service_type_code": orders(partner, service_type_code="hws.service.type.ec2"),
        "orders, created within": orders(
            partner, create_time_begin=soon["begin"], create_time_end=soon["end"]
        ),
        "orders, paid within": orders(
            partner, payment_time_begin=soon["begin"], payment_time_end=soon["end"]
        ),
        "orders, order_id": orders(partner, order_id=order_id),
        "orders, paid for members": orders(partner, method="sub_customer"),
        "order details": (
            partner,
            lambda session: show_order(session, partner, place.scene.order_id, ShowOrder()),
        ),
        "period resources of a customer": periods(),
        "period resources, status_list": periods(status_list=[2]),
        "period resources, main ones": periods(only_main_resource=1),
        "period resources, expiring": periods(expire_time_end=_wire(month_on)),
        "on-demand resources": on_demand(),
        "on-demand resources, status": on_demand(status=1),
        "resources of a partner": native(),
        "resources, customer_id": native(customer_id=customer.id),
        "resources, charging_mode": native(charging_mode=3),
        "resources, status": native(status=5),
        "resources, a rare status": native(status=4),
        "resources, service_type_code": native(service_type_code="hws.service.type.ec2"),
        "resources, another service": native(service_type_code="hws.service.type.vpc"),
        "resources, expiring": native(expire_to=month_on),
    }


def _wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def reads_by_size(small: Shop, large: Shop, arguments: Any) -> bool:
    """Each at both sizes in turn; a filter has a bar of its own."""
    databases = [one.order_app().parts.database for one in (small, large)]
    print(f"\nlists and details of a partner with {OWN_ORDERS:,} orders, among"
          f" {arguments.orders:,} and among {arguments.large:,}")  # fmt: skip
    every = True
    for name in reads(small):
        took: list[list[float]] = [[], []]
        for _ in range(ASKED + WARMING):
            for which, (place, database) in enumerate(zip((small, large), databases, strict=True)):
                took[which].append(await _read(database, *reads(place)[name]))
        few, many = (statistics.median(each[WARMING:]) for each in took)
        met = many / few <= GROWTH_BAR and many <= FILTER_BAR_MS
        every = every and met
        print(f"  {name:<34} {few:7.2f} ms {many:7.2f} ms   × {many / few:4.2f}   bars"
              f" {GROWTH_BAR} and {FILTER_BAR_MS:g} ms: {said(met)}", flush=True)  # fmt: skip
    for database in databases:
        await database.close()
    return every


async def _read(database: Database, who: Principal, read: Callable[[Any], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    async with database.transaction_as(who) as session:
        await read(session)
    return (time.perf_counter() - started) * 1000
