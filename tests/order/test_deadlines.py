"""Until when an order can be paid (docs/domain/orders.md H.2)."""

from datetime import datetime, timedelta

import pytest

from chassis.database import Database
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    MORNING,
    ORDERS,
    PAY,
    customer_principal,
    keep_customer,
    offer,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble
from wire.times import BEIJING

pytestmark = pytest.mark.postgres

DEADLINE = "2026-11-30T10:00:00"


@pytest.mark.parametrize(
    ("kind", "until"),
    [(0, "2026-11-25T23:59:59"), (2, DEADLINE), (3, DEADLINE), (None, DEADLINE)],
)
async def test_only_a_promotion_shortens_the_deadline(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock,
    kind: int | None, until: str,
) -> None:  # fmt: skip
    """docs/domain/worked-examples.md F.11, in Beijing: ordered on 2026-11-23 at 10:00.

    Any other discount that ends on 11-25 keeps its price until 11-30, for there are seven days. A
    second before its deadline an order can be paid, at it not.
    """
    customer = await keep_customer(database)
    assert f"{clock.now.astimezone(BEIJING):%F %H:%M}" == "2026-11-23 10:00"
    ends = datetime.fromisoformat("2026-11-25T23:59:59").replace(tzinfo=BEIJING)
    peers.offers = [] if kind is None else [offer("D", kind, ends_at=ends)]
    placed = await place(door, customer, discount_id=None if kind is None else "D")
    deadline = datetime.fromisoformat(until).replace(tzinfo=BEIJING)
    assert datetime.fromisoformat(placed["pay_until"]) == deadline
    clock.now = deadline
    body, itself = payment(placed["order_id"]), customer_principal(customer)
    assert code_of(await door.post(PAY, body, itself)) == (400, "CBC.99003110")
    clock.now = deadline - timedelta(seconds=1)
    assert (await door.post(PAY, body, itself)).status_code == 204
    [held] = peers.asked("/internal/holds")
    assert held["amount"] == ("85.00" if kind is None else "76.50"), "at the locked price"


async def test_past_its_effective_time_an_order_stays_pending_and_is_not_paid(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    before = MORNING + timedelta(days=2)
    placed = await place(door, customer, pay_before=before.isoformat())
    body = payment(placed["order_id"])
    clock.now = before
    answer = await door.post(PAY, body, customer_principal(customer))
    assert code_of(answer) == (400, "CBC.99003162")
    details = f"{ORDERS}/details/{placed['order_id']}"
    shown = (await door.get(details, customer_principal(customer))).json()
    assert shown["order_info"]["status"] == 6
    clock.now = before - timedelta(seconds=1)
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
