"""Which payments are refused before anything is asked of anybody.

See docs/domain/orders.md B.5, docs/domain/wire-protocol.md D.4a.8.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis.database import Database
from order.copies import Authorization
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    ORDERS,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def refused(
    door: Door, database: Database, customer: str, body: Any, code: str, **more: Any
) -> None:
    """Refused before anything was asked of anybody."""
    before = await outbox.stated(database)
    answer = await door.post(PAY, body, customer_principal(customer, **more))
    assert answer.json()["error_code"] == code, answer.text
    assert answer.status_code == (403 if code.startswith("CHB") else 400)
    assert await outbox.stated(database) == before
    assert [attempt for attempt in await attempts(database) if attempt.state == "open"] == []


async def test_an_order_is_paid_once_and_only_by_its_customer(
    door: Door, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer)
    body = payment(order["order_id"])
    await refused(door, database, stranger, body, "CBC.30000010")
    await refused(door, database, customer, payment("CS1"), "CBC.30000010")
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    await refused(door, database, customer, body, "CBC.99003106")
    by_partner = await door.post(PAY, body, PARTNER)
    assert (by_partner.status_code, by_partner.json()["error_code"]) == (403, "CBC.0151")


async def test_an_order_under_review_is_not_payable(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, hold_for="review")
    await refused(door, database, customer, payment(order["order_id"]), "CBC.99003106")


async def test_from_its_deadline_on_an_order_is_not_payable(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    clock.now += timedelta(days=7)
    await refused(door, database, customer, payment(order["order_id"]), "CBC.99003110")
    clock.now -= timedelta(seconds=1)
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert answer.status_code == 204


async def test_a_member_of_a_combined_order_is_not_paid_alone(
    door: Door, database: Database
) -> None:
    """docs/domain/worked-examples.md F.15: both members stay pending."""
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer, [line(), line("hws.service.type.ebs")])
    for member in (one["member_order_id"] for one in order["lines"]):
        await refused(door, database, customer, payment(member), "CBC.99000089")
        await refused(door, database, stranger, payment(member), "CBC.30000010")
    answer = await door.get(ORDERS, customer_principal(customer))
    [whole] = answer.json()["order_infos"]
    assert [whole["status"], *(one["status"] for one in whole["sub_order_infos"])] == [6, 6, 6]


COUPON = {"id": "CP1", "type": 301}
DISCOUNT = {"id": "D1", "type": 3}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"use_coupon": "YES"}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": []}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": None}, "CBC.0100"),
        ({"use_coupon": "NO", "coupon_infos": [COUPON]}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": [COUPON, COUPON]}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": [COUPON] * 4}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": [{"id": "CP1", "type": 299}]}, "CBC.0100"),
        ({"use_coupon": "YES", "coupon_infos": [{"id": "CP1"}]}, "CBC.0100"),
        ({"use_coupon": "MAYBE"}, "CBC.0100"),
        ({"use_coupon": "yes"}, "CBC.0101"),
        ({"use_coupon": None}, "CBC.0100"),
        ({"use_coupon": True}, "CBC.0100"),
        ({"use_discount": "NO", "discount_infos": [DISCOUNT]}, "CBC.0100"),
        ({"use_discount": "YES"}, "CBC.0100"),
        ({"use_discount": "YES", "discount_infos": [{"id": "D1", "type": 1}]}, "CBC.0101"),
        ({"use_discount": "YES", "discount_infos": [DISCOUNT]}, "CBC.99003108"),
        ({"order_id": ""}, "CBC.0100"),
        ({"order_id": "x" * 65}, "CBC.0100"),
    ],
)
async def test_a_malformed_or_contradictory_payment_is_refused(
    door: Door, database: Database, more: dict[str, Any], code: str
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    await refused(door, database, customer, payment(order["order_id"]) | more, code)


async def test_a_cash_and_a_flexi_coupon_pay_together(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {"CP1": (1, "10.00"), "CP2": (4, "10.00")}
    body = payment(order["order_id"], "CP1", flexi="CP2")
    answer = await door.post(PAY, body, customer_principal(customer))
    assert answer.status_code == 204
    assert peers.asked("/internal/holds")[0]["amount"] == "65.00"


async def test_three_coupons_reach_voucher_which_takes_one_of_a_type(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {f"CP{n}": (1, "10.00") for n in range(3)}
    body = payment(order["order_id"], *peers.coupons)
    answer = await door.post(PAY, body, customer_principal(customer))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003112")
    assert len(peers.asked("/internal/reservations")[0]["coupons"]) == 3
    assert peers.asked("/internal/holds") == []


async def test_a_partner_pays_for_its_customer_only_while_the_grant_stands(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    async with database.transaction() as session:
        grant = await session.scalar(
            select(Authorization).where(Authorization.customer_id == customer)
        )
        assert grant is not None
        grant.status = "terminated"
    body = payment(order["order_id"])
    await refused(door, database, customer, body, "CHB.1001", acting_for_partner="p1")
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
