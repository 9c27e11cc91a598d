"""What the benchmark of orders asks: payments as a customer, and what order asks its peers."""

from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from benchmarks.orders_floor import PATH as FLOOR_PATH
from benchmarks.orders_rig import Shop
from benchmarks.serving import ask_service
from chassis.identity import Principal
from chassis.ids import new_id
from gateway.forwarding.destinations import Service
from wire.json import dumps
from wire.signature import sign_request

PAY = "/v3/orders/customer-orders/pay"
ASKED = 15  # one at a time

Payable = tuple[str, str, str]  # customer, order, coupon


def payment(order_id: str, coupon_id: str) -> bytes:
    """With one cash coupon."""
    return dumps(
        {
            "order_id": order_id, "use_coupon": "YES", "use_discount": "NO",
            "coupon_infos": [{"id": coupon_id, "type": 301}],
        }
    )  # fmt: skip


async def pay(client: aiohttp.ClientSession, place: Shop, one: Payable) -> None:
    """Signed, through the gateway."""
    customer, order_id, coupon_id = one
    access, secret = place.keys[customer]
    body = payment(order_id, coupon_id)
    made = sign_request(
        "POST", place.url("gateway") + PAY, access=access, secret=secret, now=datetime.now(UTC),
        body=body,
    )  # fmt: skip
    async with client.post(made.url, data=body, headers=made.headers) as answer:
        assert answer.status == 204, await answer.text()


async def pay_by_floor(client: aiohttp.ClientSession, place: Shop, one: Payable) -> None:
    """The recorded statements with these ids."""
    customer, order_id, coupon_id = one
    told, recorded = {}, place.scene.paid
    new = {"order": order_id, "coupon": coupon_id, "customer": customer, "attempt": new_id()}
    told = {recorded[name]: value for name, value in new.items()}
    told[recorded["account"]] = recorded["account"]
    async with client.post(place.url("order-floor") + FLOOR_PATH, json=told) as answer:
        assert answer.status == 204, await answer.text()


async def pay_inside(client: aiohttp.ClientSession, place: Shop, one: Payable) -> None:
    customer, order_id, coupon_id = one
    await ask(client, place, "order", PAY, payment(order_id, coupon_id), named(place, customer))


async def reserve(client: aiohttp.ClientSession, place: Shop, one: Payable) -> None:
    """As order asks voucher."""
    customer, order_id, coupon_id = one
    asked = {
        "attempt_id": new_id(), "order_id": order_id, "customer_id": customer,
        "coupons": [{"coupon_id": coupon_id, "type": 301}], "failed_attempt_ids": [],
        "lines": [
            {"line_id": f"{order_id}-000001", "product_id": "OFFI-ECS-S6LARGE-L",
             "service_type_code": "hws.service.type.ec2", "region_code": "cn-north-4",
             "charging_mode": 1, "amount_after_discount": "128.80"}
        ],
    }  # fmt: skip
    who = replace(named(place, customer), caller="order")
    await ask(client, place, "voucher", "/internal/reservations", dumps(asked), who)


async def hold(client: aiohttp.ClientSession, place: Shop, one: Payable) -> None:
    """As order asks billing."""
    customer, order_id, _ = one
    asked = {"attempt_id": new_id(), "order_id": order_id, "customer_id": customer,
             "amount": "1.00", "failed_attempt_ids": []}  # fmt: skip
    who = replace(named(place, customer), caller="order")
    await ask(client, place, "billing", "/internal/holds", dumps(asked), who)


def named(place: Shop, customer_id: str) -> Principal:
    return next(one for one in place.scene.customers if one.id == customer_id)


async def ask(
    client: aiohttp.ClientSession, place: Shop, service: str, path: str, body: bytes,
    who: Principal, method: str = "POST",
) -> None:  # fmt: skip
    store = place.stores[Service.ORDER]
    await ask_service(client, place.url(service), store, path, body, who, method)
