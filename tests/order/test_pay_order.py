"""The attempt protocol (decision 0009) and the rules of payment.

See docs/domain/orders.md B.5, docs/domain/coupons.md B.7.
"""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis import sideways
from chassis.clock import wall_now
from chassis.database import Database
from chassis.parts import ServiceApp
from order.copies import Customer
from order.orders.models import PaymentAttempt
from order.parts import OrderParts
from order.payments.close_attempts import close_abandoned_attempts
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble

pytestmark = pytest.mark.postgres

RESERVE, HOLD = "/internal/reservations", "/internal/holds"
CLOSE = close_abandoned_attempts(after_seconds=30)


async def shown(door: Door, order_id: str) -> dict[str, Any]:
    answer = await door.get(f"/api/orders/{order_id}", PARTNER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_paying_reserves_holds_and_states_the_payment(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, [line(), line("hws.service.type.ebs")])
    peers.coupons = {"CP1": (1, "50.00"), "CP2": (4, "20.01")}
    peers.credit = Decimal("10.00")
    clock.now += timedelta(hours=1)

    answer = await door.post(
        PAY, payment(order["order_id"].lower(), "CP1", flexi="CP2"), customer_principal(customer)
    )

    assert (answer.status_code, answer.content) == (204, b"")
    [reserved], [held] = peers.asked(RESERVE), peers.asked(HOLD)
    assert reserved["attempt_id"] == held["attempt_id"]
    assert reserved["coupons"] == [
        {"coupon_id": "CP1", "type": 301},
        {"coupon_id": "CP2", "type": 302},
    ]
    # The catalogue's own reduction is no discount that a coupon is compared with.
    assert all("discount_ratio" not in item for item in reserved["lines"])
    assert held["amount"] == "99.99"
    paid = await shown(door, order["order_id"])
    assert (paid["status"], paid["paid_at"]) == (3, "2026-11-23T03:00:00Z")
    stated, body = (await outbox.stated(database))[-1]
    assert stated == "order.paid"
    assert body["attempt_id"] == held["attempt_id"]
    assert (body["cash_amount"], body["credit_amount"]) == ("89.99", "10.00")
    first, second = (item["line_id"] for item in body["lines"])
    assert body["coupons"] == [
        {"coupon_id": "CP1", "coupon_type": 1, "amount": "50.00",
         "lines": [{"line_id": first, "amount": "50.00"}]},
        {"coupon_id": "CP2", "coupon_type": 4, "amount": "20.01",
         "lines": [{"line_id": first, "amount": "20.01"}]},
    ]  # fmt: skip
    assert second != first
    assert body["version"] == 2
    assert [attempt.state for attempt in await attempts(database)] == ["paid"]
    assert (await audit.deeds(database))[-1] == ("order.pay", order["order_id"])


async def test_what_was_paid_adds_up_on_the_order_and_over_its_lines(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """docs/domain/orders.md B.5: after discount = coupons + flexi + card + cash + credit."""
    customer = await keep_customer(database)
    lines = [line(quantity=3), line("hws.service.type.ebs"), line("hws.service.type.vpc")]
    order = await place(door, customer, lines)
    peers.coupons = {"CP1": (1, "100.01"), "CP2": (4, "33.34"), "SC1": (5, "44.44")}
    wanted = payment(order["order_id"], "CP1", flexi="CP2", card="SC1")
    answer = await door.post(PAY, wanted, customer_principal(customer))
    assert answer.status_code == 204
    paid = await shown(door, order["order_id"])

    def exact(of: dict[str, Any], name: str) -> Decimal:
        return Decimal(str(of[name]))

    names = ("coupon_amount", "flexipurchase_coupon_amount", "stored_card_amount", "cash_amount",
             "credit_amount")  # fmt: skip
    assert exact(paid, "official_amount") - exact(paid, "discount_amount") == exact(
        paid, "amount_after_discount"
    )
    assert sum(exact(paid, name) for name in names) == exact(paid, "amount_after_discount")
    assert exact(paid, "stored_card_amount") == Decimal("44.44")
    for name in (*names[:3], "official_amount", "discount_amount", "amount_after_discount"):
        assert sum(exact(item, name) for item in paid["lines"]) == exact(paid, name)
    for item in paid["lines"]:
        used = sum(exact(item, name) for name in names[:3])
        assert used <= exact(item, "amount_after_discount")


async def test_a_coupon_of_one_service_pays_only_its_lines_and_money_the_rest(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """docs/domain/orders.md H.3. Break: share coupons over all lines in note_payment."""
    customer = await keep_customer(database)
    lines = [line(), line("hws.service.type.ebs")]
    peers.credit = Decimal("10.01")
    peers.coupons, peers.covers = {"CP1": (1, "30.00")}, {"CP1": {"hws.service.type.ec2"}}
    order = await place(door, customer, lines)
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))
    assert answer.status_code == 204
    _, body = (await outbox.stated(database))[-1]
    server, disk = body["lines"]
    assert (server["coupon_amount"], disk["coupon_amount"]) == ("30.00", "0.00")
    # 129.99 cash over 55.00 and 85.00 that are owed, then 10.01 credit over what is left.
    assert (server["cash_amount"], disk["cash_amount"]) == ("51.07", "78.92")
    assert (server["credit_amount"], disk["credit_amount"]) == ("3.93", "6.08")
    [coupon] = body["coupons"]
    assert coupon["lines"] == [{"line_id": server["line_id"], "amount": "30.00"}]


@pytest.mark.parametrize(
    "parts",
    [
        [("of another order", "5.00")],
        [("", "85.01")],
        [("", "3.00")],
    ],
)
async def test_a_reservation_that_cannot_be_right_pays_nothing(
    door: Door, database: Database, peers: PeerDouble, parts: list[tuple[str, str]]
) -> None:
    """A line of another order, more than a line costs, parts that are not the amount."""
    customer = await keep_customer(database)
    order = await place(door, customer, [line(), line()])
    own = order["lines"][0]["line_id"]
    amount = "5.00" if parts[0][1] == "3.00" else parts[0][1]
    lines = [{"line_id": line_id or own, "amount": part} for line_id, part in parts]
    coupon = {"coupon_id": "CP1", "coupon_type": 1, "amount": amount, "lines": lines}
    peers.coupons = {"CP1": (1, "100.00")}
    peers.answers[RESERVE] = {"coupons": [coupon]}
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))
    assert answer.status_code == 500
    assert (await outbox.types(database))[-1] == "order.payment_failed"


async def test_coupons_that_pay_all_leave_nothing_to_hold(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {"CP1": (1, "85.00")}
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))
    assert answer.status_code == 204
    assert peers.asked(HOLD) == []
    assert (await shown(door, order["order_id"]))["cash_amount"] == "0.00"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (RESERVE, "CBC.99003112"), (RESERVE, "CBC.99003116"), (RESERVE, "CBC.99003117"),
        (RESERVE, "CBC.99003147"), (HOLD, "CBC.99005003"),
    ],
)  # fmt: skip
async def test_a_refusal_is_stated_and_heard_and_the_order_stays_payable(
    door: Door, database: Database, peers: PeerDouble, path: str, code: str
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {"CP1": (1, "5.00")}
    peers.refusals[path] = (400, code)
    body = payment(order["order_id"], "CP1")

    answer = await door.post(PAY, body, customer_principal(customer))

    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    [attempt] = await attempts(database)
    assert (attempt.state, attempt.reason_code) == ("failed", code)
    stated, fact = (await outbox.stated(database))[-1]
    assert (stated, fact["attempt_id"], fact["reason_code"], fact["status"]) == (
        "order.payment_failed", attempt.attempt_id, code, 6,
    )  # fmt: skip
    assert [action for action, _ in await audit.deeds(database)] == ["order.place"]

    peers.refusals.clear()
    again = await door.post(PAY, body, customer_principal(customer))
    assert again.status_code == 204
    assert [known.state for known in await attempts(database)] == ["failed", "paid"]


async def test_a_peer_that_does_not_answer_fails_the_attempt(
    app: ServiceApp[OrderParts],
    door: Door,
    database: Database,
    peers: PeerDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.silent.add(HOLD)
    monkeypatch.setattr(sideways, "TIMEOUT_SECONDS", 0.2)
    await app.parts.sideways.close()
    await app.parts.sideways.start()

    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))

    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")
    assert (await outbox.types(database))[-1] == "order.payment_failed"
    assert (await shown(door, order["order_id"]))["status"] == 6


@pytest.mark.parametrize(
    ("path", "answered"),
    [
        (HOLD, {"cash_amount": "84.99", "credit_amount": "0.00"}),
        (HOLD, {"cash_amount": "85.001", "credit_amount": "-0.001"}),
        (HOLD, {"cash": "85.00"}),
        (RESERVE, {"coupons": [{"coupon_id": "CP1", "coupon_type": 1, "amount": "85.01"}]}),
        (RESERVE, {}),
    ],
)
async def test_an_answer_that_cannot_be_right_pays_nothing(
    door: Door, database: Database, peers: PeerDouble, path: str, answered: Content
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {"CP1": (1, "0.00")}
    peers.answers[path] = answered
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")
    assert (await outbox.types(database))[-1] == "order.payment_failed"


async def test_a_product_coupon_does_not_pay(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.answers[RESERVE] = {
        "coupons": [
            {
                "coupon_id": "CP1",
                "coupon_type": 3,
                "amount": "5.00",
                "lines": [{"line_id": order["lines"][0]["line_id"], "amount": "5.00"}],
            }
        ]
    }
    peers.coupons = {"CP1": (1, "5.00")}
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003112")
    assert (await outbox.types(database))[-1] == "order.payment_failed"


async def test_of_concurrent_payments_exactly_one_wins(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)

    async def a_moment(_: Content) -> None:
        await asyncio.sleep(0.2)

    peers.before[HOLD] = a_moment
    looks = [door.get(f"/api/orders/{order['order_id']}", PARTNER) for _ in range(8)]
    await asyncio.gather(*looks)  # opens the connections, so that the payments really meet
    pays = [
        door.post(PAY, payment(order["order_id"]), customer_principal(customer)) for _ in range(8)
    ]
    answers = await asyncio.gather(*pays)

    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 7
    codes = {answer.json()["error_code"] for answer in answers if answer.status_code == 400}
    assert codes <= {"CBC.99008040", "CBC.99003106"}
    assert len(peers.asked(HOLD)) == 1
    assert await outbox.types(database) == ["order.created", "order.paid"]


async def test_a_late_payment_finds_its_attempt_closed_and_pays_nothing(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Its reservations were freed by the stated failure: taking them now would be twice."""
    customer = await keep_customer(database)
    order = await place(door, customer)

    async def so_long_that_it_is_given_up(_: Content) -> None:
        await CLOSE(database, wall_now() + timedelta(seconds=31))

    peers.before[HOLD] = so_long_that_it_is_given_up
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))

    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003106")
    assert await outbox.types(database) == ["order.created", "order.payment_failed"]
    assert (await shown(door, order["order_id"]))["status"] == 6
    [attempt] = await attempts(database)
    assert attempt.state == "failed"


async def open_attempt(database: Database, order: dict[str, Any], clock: StandingClock) -> str:
    """What a process leaves that died right after T1."""
    async with database.transaction() as session:
        session.add(
            PaymentAttempt(
                attempt_id=f"a-{order['order_id']}", order_id=order["order_id"],
                customer_id=order["customer_id"], partner_id=order["partner_id"],
                state="open", coupons=[], opened_at=clock.now,
            )
        )  # fmt: skip
    return f"a-{order['order_id']}"


async def test_an_abandoned_attempt_is_closed_once_and_only_after_its_time(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    attempt_id = await open_attempt(database, order, clock)

    await CLOSE(database, wall_now() + timedelta(seconds=29))
    assert await outbox.types(database) == ["order.created"]

    late = wall_now() + timedelta(seconds=31)
    await asyncio.gather(*(CLOSE(database, late) for _ in range(4)))
    await CLOSE(database, late)
    assert await outbox.types(database) == ["order.created", "order.payment_failed"]
    [attempt] = await attempts(database)
    assert (attempt.attempt_id, attempt.state, attempt.reason_code) == (
        attempt_id, "failed", "CHB.0503",
    )  # fmt: skip


async def test_more_abandoned_attempts_than_a_portion_are_all_closed(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order.payments.close_attempts.PORTION_MAX", 2)
    customer = await keep_customer(database)
    for _ in range(5):
        await open_attempt(database, await place(door, customer), clock)
    await CLOSE(database, wall_now() + timedelta(minutes=1))
    assert {attempt.state for attempt in await attempts(database)} == {"failed"}
    assert (await outbox.types(database)).count("order.payment_failed") == 5


async def test_while_an_attempt_is_open_nobody_else_pays_or_cancels(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    await open_attempt(database, order, clock)
    principal = customer_principal(customer)
    paid = await door.post(PAY, payment(order["order_id"]), principal)
    assert (paid.status_code, paid.json()["error_code"]) == (400, "CBC.99008040")
    cancelled = await door.put(CANCEL, {"order_id": order["order_id"]}, principal)
    assert (cancelled.status_code, cancelled.json()["error_code"]) == (400, "CBC.99005010")
    assert await outbox.types(database) == ["order.created"]


async def test_a_frozen_customer_pays_nothing_but_may_cancel(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, [line()])
    async with database.transaction() as session:
        (await session.get_one(Customer, customer)).is_frozen = 1
    before = await outbox.types(database)
    who = customer_principal(customer)
    answer = await door.post(PAY, payment(order["order_id"]), who)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0155")
    assert await attempts(database) == []
    assert not peers.asked(HOLD)
    assert await outbox.types(database) == before
    cancelled = await door.put(CANCEL, {"order_id": order["order_id"]}, who)
    assert cancelled.status_code == 204, cancelled.text
