"""What the double of voucher and billing answers by itself, the real services answer.

Order asks the double; the same body then goes to the real service with the same signed caller.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from billing.settings import BillingSettings
from chassis.database import Database
from contracts.event import Event
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from testkit.door import Door
from tests.billing import builders as of_billing
from tests.order.builders import (
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    offer,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble
from tests.order.resource_builders import opened
from tests.voucher import builders as of_voucher
from voucher.app import build as build_voucher
from voucher.settings import VoucherSettings

pytestmark = pytest.mark.postgres

QUOTE, RESERVE, HOLD = "/internal/quotes", "/internal/reservations", "/internal/holds"
COUPON_OPTIONS, HOLD_OPTIONS = "/internal/coupon-options", "/internal/hold-options"
LARGE = "s6.large.2.linux"
# Of coupons: order tells what they ask about.
BOUGHT = {"subscribe_types": ["new"], "charge_scenes": [2], "first_order_in_service": True}
SERVER = line(resource_spec_code="s6.small.1.linux")  # the catalogue sells it

voucher_database = service_database("voucher")
billing_database = service_database("billing")


@pytest.fixture
async def customer(database: Database) -> str:
    """A resale customer of `p1`, with the partner's authorization."""
    return await keep_customer(database)


def _heard_of(customer_id: str) -> tuple[Event, Event]:
    return of_voucher.joined("p1"), of_voucher.associated(customer_id, partner_id="p1")


@pytest.fixture
async def voucher(
    voucher_database: ServiceDatabase, customer: str
) -> AsyncIterator[of_voucher.VoucherDoor]:
    """The real one, which knows the customer, at the instant of its own tests."""
    app = build_voucher(voucher_database.settings(VoucherSettings), StandingClock(of_voucher.NOW))
    async with of_voucher.VoucherDoor.of(app, of_voucher.PARTNER) as door:
        await of_voucher.hear(door.database, *_heard_of(customer))
        yield door
    await door.database.close()


@pytest.fixture
async def billing(
    billing_database: ServiceDatabase, customer: str
) -> AsyncIterator[of_billing.BillingDoor]:
    """The real one, which knows the customer."""
    settings = billing_database.settings(BillingSettings)
    database = Database(settings, "billing")
    await of_billing.hear(database, *_heard_of(customer))
    await database.close()
    async with of_billing.running(settings) as door:
        yield door


async def _asked(double: PeerDouble, path: str) -> tuple[Content, tuple[int, Content]]:
    """What order asked there last, and the double's answer to the same body."""
    body = double.asked(path)[-1]
    async with httpx.AsyncClient() as client:
        answer = await client.post(double.url + path, json=body)
    return body, (answer.status_code, answer.json())


def _form(answer: Any) -> Any:
    """An answer without its values: keys and types, money as money."""
    if isinstance(answer, dict):
        return {key: _form(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_form(value) for value in answer]
    is_money = isinstance(answer, str) and answer.replace(".", "", 1).isdecimal()
    return "money" if is_money else type(answer)


async def test_a_quote_has_the_form_of_billings(
    door: Door, peers: PeerDouble, billing: of_billing.BillingDoor, customer: str
) -> None:
    await place(door, customer, [SERVER, SERVER | {"quantity": 2}])
    body, (status, doubled) = await _asked(peers, QUOTE)
    real = await billing.post(QUOTE, body, PARTNER)
    assert (real.status_code, _form(real.json())) == (status, _form(doubled))


async def test_what_a_change_costs_has_the_form_of_billings(
    door: Door,
    database: Database,
    peers: PeerDouble,
    clock: StandingClock,
    billing: of_billing.BillingDoor,
    customer: str,
) -> None:
    peers.prices = {LARGE: 4 * peers.official}
    [resource] = await opened(door, database, clock, customer, SERVER)
    body = {"customer_id": customer, "order_type": 3, "resource_ids": [resource]}
    more = await door.post("/api/orders", body | {"resource_spec_code": LARGE}, PARTNER)
    asked, (status, doubled) = await _asked(peers, QUOTE)
    assert asked["lines"][0]["amount"] == more.json()["official_amount"]
    real = await billing.post(QUOTE, asked, PARTNER)
    assert (real.status_code, _form(real.json())) == (status, _form(doubled))
    assert real.json()["lines"][0]["official_amount"] == asked["lines"][0]["amount"]


async def test_what_is_not_sold_is_refused_as_the_tests_say(
    door: Door, peers: PeerDouble, billing: of_billing.BillingDoor, customer: str
) -> None:
    await place(door, customer, [SERVER | {"resource_spec_code": "never.sold"}])
    body, _ = await _asked(peers, QUOTE)
    real = await billing.post(QUOTE, body, PARTNER)
    assert (real.status_code, real.json()["code"]) == (400, "CBC.99006006")


@pytest.mark.parametrize("quota_types", [[0], [1], [0, 1], [0, 0], [0, 0, 0]], ids=str)
async def test_coupons_are_reserved_or_refused_as_by_voucher(
    door: Door,
    peers: PeerDouble,
    voucher: of_voucher.VoucherDoor,
    customer: str,
    quota_types: list[int],
) -> None:
    """A quota of type 0 makes cash coupons, one of type 1 flexi coupons."""
    cash, flexi = [], None
    for quota_type in quota_types:
        quota = await voucher.grant(partner_id="p1", quota_type=quota_type, limits=BOUGHT)
        coupon = await voucher.coupon(quota, customer, 10, by=PARTNER)
        peers.coupons[coupon] = (1 if quota_type == 0 else 4, "10.00")
        if quota_type == 0:
            cash.append(coupon)
        else:
            flexi = coupon
    order = await place(door, customer)
    paying = customer_principal(customer)
    await door.post(PAY, payment(order["order_id"], *cash, flexi=flexi), paying)
    body, doubled = await _asked(peers, RESERVE)
    real = await voucher.post(RESERVE, body, paying)
    assert _told(real.status_code, real.json()) == _told(*doubled)


async def test_a_coupon_that_is_not_there_is_refused_as_by_voucher(
    door: Door, peers: PeerDouble, voucher: of_voucher.VoucherDoor, customer: str
) -> None:
    order = await place(door, customer)
    paying = customer_principal(customer)
    await door.post(PAY, payment(order["order_id"], "CP1"), paying)
    body, doubled = await _asked(peers, RESERVE)
    real = await voucher.post(RESERVE, body, paying)
    assert _told(real.status_code, real.json()) == _told(*doubled)


async def test_money_is_held_as_by_billing(
    door: Door, peers: PeerDouble, billing: of_billing.BillingDoor, customer: str
) -> None:
    order = await place(door, customer)
    paying = customer_principal(customer)
    await door.post(PAY, payment(order["order_id"]), paying)
    body, doubled = await _asked(peers, HOLD)

    short = await billing.post(HOLD, body, paying)
    assert (short.status_code, short.json()["code"]) == (400, "CBC.99005003")

    await billing.top_up("p1", "1000.00")
    moved = await billing.transfer(500, customer, who=PARTNER)
    assert moved.status_code == 200, moved.text
    real = await billing.post(HOLD, body, paying)
    assert (real.status_code, real.json()) == doubled


async def test_what_may_pay_has_the_form_of_vouchers_and_billings(
    door: Door,
    peers: PeerDouble,
    voucher: of_voucher.VoucherDoor,
    billing: of_billing.BillingDoor,
    customer: str,
) -> None:
    quota = await voucher.grant(partner_id="p1", limits=BOUGHT)
    coupon = await voucher.coupon(quota, customer, 10, by=PARTNER)
    peers.coupons[coupon] = (1, "10.00")
    order = await place(door, customer)
    paying = customer_principal(customer)
    await door.get(f"/api/orders/{order['order_id']}/payment-options", paying)
    for path, service in ((COUPON_OPTIONS, voucher), (HOLD_OPTIONS, billing)):
        body, (status, doubled) = await _asked(peers, path)
        real = await service.post(path, body, paying)
        assert (real.status_code, _form(real.json())) == (status, _form(doubled))


async def test_an_offered_discount_has_the_form_of_billings(
    door: Door, peers: PeerDouble, billing: of_billing.BillingDoor, customer: str
) -> None:
    told = {"customer_id": customer, "discount_type": 3, "discount_mode": 0, "name": "D"}
    granted = await billing.post("/api/discounts", told | {"discount_value": "0.9"}, PARTNER)
    assert granted.status_code == 201, granted.text
    peers.offers = [offer("D")]
    await place(door, customer, [SERVER])
    body, (status, doubled) = await _asked(peers, QUOTE)
    real = await billing.post(QUOTE, body, PARTNER)
    assert (real.status_code, _form(real.json())) == (status, _form(doubled))


def _told(status: int, answer: Content) -> tuple[int, Any]:
    """A refusal by its code, anything else as it is."""
    return status, answer["code"] if status >= 400 else answer
