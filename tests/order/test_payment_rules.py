"""Which payments are refused before anything is asked of anybody.

See docs/domain/orders.md B.5, docs/domain/wire-protocol.md D.4a.8.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis.database import Database
from order.copies import Authorization
from tests.order.builders import (
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    facts,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.caller import Caller
from tests.order.conftest import SetClock
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def refused(
    caller: Caller, database: Database, customer: str, body: Any, code: str, **more: Any
) -> None:
    """Refused before anything was asked of anybody."""
    before = await facts(database)
    answer = await caller.post(customer_principal(customer, **more), PAY, body)
    assert answer.json()["error_code"] == code, answer.text
    assert answer.status_code == (403 if code.startswith("CHB") else 400)
    assert await facts(database) == before
    assert [attempt for attempt in await attempts(database) if attempt.state == "open"] == []


async def test_an_order_is_paid_once_and_only_by_its_customer(
    caller: Caller, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(caller, customer)
    body = payment(order["order_id"])
    await refused(caller, database, stranger, body, "CBC.30000010")
    await refused(caller, database, customer, payment("CS1"), "CBC.30000010")
    assert (await caller.post(customer_principal(customer), PAY, body)).status_code == 204
    await refused(caller, database, customer, body, "CBC.99003106")
    by_partner = await caller.post(PARTNER, PAY, body)
    assert (by_partner.status_code, by_partner.json()["error_code"]) == (403, "CBC.0151")


async def test_an_order_under_review_is_not_payable(caller: Caller, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer, hold_for="review")
    await refused(caller, database, customer, payment(order["order_id"]), "CBC.99003106")


async def test_from_its_deadline_on_an_order_is_not_payable(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    clock.now += timedelta(days=7)
    await refused(caller, database, customer, payment(order["order_id"]), "CBC.99003110")
    clock.now -= timedelta(seconds=1)
    answer = await caller.post(customer_principal(customer), PAY, payment(order["order_id"]))
    assert answer.status_code == 204


async def test_a_member_of_a_combined_order_is_not_paid_alone(
    caller: Caller, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(caller, customer, [line(), line("hws.service.type.ebs")])
    member = order["lines"][0]["member_order_id"]
    await refused(caller, database, customer, payment(member), "CBC.99000089")
    await refused(caller, database, stranger, payment(member), "CBC.30000010")


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
    caller: Caller, database: Database, more: dict[str, Any], code: str
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    await refused(caller, database, customer, payment(order["order_id"]) | more, code)


async def test_a_cash_and_a_flexi_coupon_pay_together(
    caller: Caller, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    peers.coupons = {"CP1": (1, "10.00"), "CP2": (4, "10.00")}
    body = payment(order["order_id"], "CP1", flexi="CP2")
    answer = await caller.post(customer_principal(customer), PAY, body)
    assert answer.status_code == 204
    assert peers.asked("/internal/holds")[0]["amount"] == "65.00"


async def test_three_coupons_reach_voucher_which_takes_one_of_a_type(
    caller: Caller, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    peers.coupons = {f"CP{n}": (1, "10.00") for n in range(3)}
    body = payment(order["order_id"], *peers.coupons)
    answer = await caller.post(customer_principal(customer), PAY, body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003112")
    assert len(peers.asked("/internal/reservations")[0]["coupons"]) == 3
    assert peers.asked("/internal/holds") == []


async def test_a_partner_pays_for_its_customer_only_while_the_grant_stands(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    async with database.transaction() as session:
        grant = await session.scalar(
            select(Authorization).where(Authorization.customer_id == customer)
        )
        assert grant is not None
        grant.status = "terminated"
    body = payment(order["order_id"])
    await refused(caller, database, customer, body, "CHB.1001", acting_for_partner="p1")
    assert (await caller.post(customer_principal(customer), PAY, body)).status_code == 204
