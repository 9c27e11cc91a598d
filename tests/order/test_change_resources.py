"""A resource becomes another specification or size (docs/domain/resources.md H.10).

Two days of 734 hours are over: 686 are left.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    offer,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import carry_out, end_at, renewed, resource_of
from tests.order.test_failed_pieces import CODE, Failing
from tests.order.test_unsubscribe_resources import DISK, EBS, REFUND, bought, unsubscribe

pytestmark = pytest.mark.postgres

QUOTES = "/api/orders/quotes"
REFUND_QUOTES = "/api/resources/refund-quotes"
SMALL, LARGE = "s6.small.1.linux", "s6.large.2.linux"


@pytest.fixture(autouse=True)
def catalogue(peers: PeerDouble) -> None:
    """What the real one asks for a month, and the disk for each GB."""
    peers.discount = Decimal("0.00")
    peers.prices = {SMALL: Decimal("32.20"), LARGE: Decimal("128.80"), "SSD": Decimal("1.00")}


def change(customer: str, *resource_ids: str, spec: str | None = LARGE, **more: Any) -> Any:
    """The body."""
    body = {"customer_id": customer, "order_type": 3, "resource_ids": list(resource_ids)}
    return body | ({} if spec is None else {"resource_spec_code": spec}) | more


async def ordered(door: Door, body: Any, status: int) -> Any:
    answer = await door.post("/api/orders", body, PARTNER)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == status
    return answer.json()


async def paid(
    door: Door, database: Database, clock: StandingClock, customer: str, order: Any
) -> None:
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert answer.status_code == 204, answer.text
    await carry_out(database, clock)


async def back(door: Door, *resource_ids: str, kind: int = 1) -> tuple[str, list[Any]]:
    """What an unsubscription would give back: in all, and by period."""
    body = {"resource_ids": list(resource_ids), "unsubscribe_type": kind}
    answer = await door.post(REFUND_QUOTES, body, PARTNER)
    assert answer.status_code == 200, answer.text
    quoted = answer.json()
    periods = [one for resource in quoted["resources"] for one in resource["periods"]]
    names = ("rule", "consumed_amount", "commission_amount", "refund_amount")
    return quoted["refund_amount"], [tuple(one[name] for name in names) for one in periods]


async def server(
    door: Door, database: Database, clock: StandingClock, spec: str = SMALL, **paid_by: Any
) -> tuple[str, str]:
    """A customer and its server, bought two days ago."""
    customer = await keep_customer(database)
    wanted = line(resource_spec_code=spec)
    _, [resource] = await bought(door, database, clock, customer, wanted, **paid_by)
    clock.forward(days=2)
    return customer, resource


async def test_what_costs_more_is_paid_for_the_hours_that_are_left(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """(128.80 - 32.20) x 686 / 734. Break: count the hours from the begin of the period."""
    customer, resource = await server(door, database, clock)
    before = await resource_of(database, resource)
    known = len(await outbox.types(database))
    order = await ordered(door, change(customer, resource), 6)
    assert (order["order_type"], order["amount_after_discount"]) == (3, "90.28")
    assert order["lines"][0]["resource_spec_code"] == LARGE
    asked = peers.asked("/internal/quotes")[-1]
    assert (asked["order_type"], asked["lines"][0]["amount"]) == (3, "90.28")
    assert (await resource_of(database, resource)).resource_spec_code == SMALL
    await paid(door, database, clock, customer, order)
    assert (await outbox.types(database))[known:] == [
        "order.created", "order.paid", "resource.changed", "order.provisioned", "order.completed",
    ]  # fmt: skip
    [changed] = await outbox.bodies(database, "resource.changed")
    assert (changed["resource_spec_code"], changed["product_id"]) == (LARGE, f"product of {LARGE}")
    base, more = changed["periods"]
    assert (base["base_period_id"], more["base_period_id"]) == (None, base["period_id"])
    assert (more["order_id"], more["amount_after_discount"]) == (order["order_id"], "90.28")
    after = await resource_of(database, resource)
    assert (after.expire_at, after.order_id) == (before.expire_at, before.order_id)
    itself = customer_principal(customer)
    listed = await door.get(ORDERS, itself, query={"order_type": "3"})
    [info] = listed.json()["order_infos"]
    assert (info["status"], info["official_amount"], info["amount_after_discount"]) == (
        5, 90.28, 90.28,
    )  # fmt: skip
    history = await door.get(f"/api/resources/{resource}/history", itself)
    last = history.json()["history"][-1]
    assert (last["event"], last["order_id"]) == ("resource.changed", order["order_id"])
    assert ("order.place", order["order_id"]) in await audit.deeds(database)


async def test_both_payments_go_back_with_the_resource(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: give back by the five days what paid the purchase alone; the fee by each begin."""
    customer, resource = await server(door, database, clock)
    order = await ordered(door, change(customer, resource), 6)
    await paid(door, database, clock, customer, order)
    assert await back(door, resource) == (
        "122.48",
        [("five_days", "0.00", "0.00", "32.20"), ("five_days", "0.00", "0.00", "90.28")],
    )
    clock.forward(days=4)  # 144 of 734 hours, 96 of 686
    assert await back(door, resource) == (
        "91.30",
        [("conditional", "6.31", "3.22", "22.67"), ("conditional", "12.63", "9.02", "68.63")],
    )
    answer = await unsubscribe(door, customer, resource)
    [refund_id] = answer.json()["order_ids"]
    query = {"order_id": refund_id}
    rows = (await door.get(REFUND, customer_principal(customer), query=query)).json()
    assert sum(Decimal(str(one["amount"])) for one in rows["refund_infos"]) == Decimal("-91.30")
    assert {one["base_order_id"] for one in rows["refund_infos"]} >= {order["order_id"]}


async def test_within_five_days_a_changed_resource_counts_once(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: count what a change cost more, too."""
    customer, resource = await server(door, database, clock)
    await paid(door, database, clock, customer, await ordered(door, change(customer, resource), 6))
    _, [other] = await bought(door, database, clock, customer, line(resource_spec_code=SMALL))
    await unsubscribe(door, customer, resource)
    body = {"resource_ids": [other], "unsubscribe_type": 1}
    assert (await door.post(REFUND_QUOTES, body, PARTNER)).json()["five_days_left"] == 9


async def test_what_costs_less_goes_back_at_once_to_the_means_that_paid(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """30.00 of 128.80 by a flexi coupon. Break: leave out what goes back of the period later."""
    peers.coupons = {"F": (4, "30.00")}
    customer, resource = await server(door, database, clock, LARGE, flexi="F")
    known = len(await outbox.types(database))
    order = await ordered(door, change(customer, resource, spec=SMALL), 5)
    amounts = [order[x] for x in ("amount_after_discount", "flexipurchase_coupon_amount",
                                  "cash_amount", "order_type")]  # fmt: skip
    assert amounts == ["90.28", "21.03", "69.25", 3]
    stated = (await outbox.stated(database))[known:]
    assert [one for one, _ in stated] == [
        "order.created", "resource.changed", "order.refunded", "order.completed",
    ]  # fmt: skip
    [part] = stated[2][1]["refunds"]
    assert (part["rule"], part["cash_amount"], part["commission_amount"]) == (
        "changed", "69.25", "0.00",
    )  # fmt: skip
    [coupon] = part["coupons"]
    assert (coupon["coupon_id"], coupon["amount"]) == ("F", "21.03")
    assert stated[1][1]["resource_spec_code"] == SMALL
    query = {"order_id": order["order_id"]}
    rows = (await door.get(REFUND, customer_principal(customer), query=query)).json()
    assert [one["amount"] for one in rows["refund_infos"]] == [-90.28]
    assert await back(door, resource) == ("38.52", [("five_days", "0.00", "0.00", "38.52")])
    clock.forward(days=4)  # 128.80 x 590/734 - 90.28 x 590/686 is left of 38.52
    assert await back(door, resource) == ("22.04", [("conditional", "12.63", "3.85", "22.04")])
    answer = await unsubscribe(door, customer, resource)
    assert answer.status_code == 200, answer.text
    refunded = (await outbox.bodies(database, "order.refunded"))[-1]
    assert refunded["refunds"][0]["coupons"][0]["amount"] == "5.13"  # 22.04 x 8.97 / 38.52


async def test_up_and_down_again_costs_nothing(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Of both payments: 30.09 and 90.28 are left of them. Break: give back of the period alone."""
    customer, resource = await server(door, database, clock)
    await paid(door, database, clock, customer, await ordered(door, change(customer, resource), 6))
    down = await ordered(door, change(customer, resource, spec=SMALL), 5)
    assert down["amount_after_discount"] == "90.28"
    [refunded] = await outbox.bodies(database, "order.refunded")
    assert len(refunded["refunds"]) == 2
    assert await back(door, resource) == (
        "32.20",
        [("five_days", "0.00", "0.00", "9.63"), ("five_days", "0.00", "0.00", "22.57")],
    )
    up = await ordered(door, change(customer, resource), 6)
    assert up["amount_after_discount"] == "90.28"


async def test_cash_coupons_stay_used_and_no_more_goes_back_than_is_left(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """100.00 of 128.80 by a coupon: 28.80 x 686 / 734. Break: do not look at what is left."""
    peers.coupons = {"C": (1, "100.00")}
    customer, resource = await server(door, database, clock, LARGE, coupons=("C",))
    order = await ordered(door, change(customer, resource, spec=SMALL), 5)
    assert (order["amount_after_discount"], order["coupon_amount"]) == ("26.91", "0.00")


async def test_the_ratio_that_was_paid_holds_for_the_new_product(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Bought with 10 % off, 28.98: (128.80 x 0.9 - 28.98) x 686 / 734."""
    customer = await keep_customer(database)
    peers.offers = [offer("D3", 3, "3.22")]
    body = {"customer_id": customer, "lines": [line(resource_spec_code=SMALL)]}
    placed = (await door.post("/api/orders", body | {"discount_id": "D3"}, PARTNER)).json()
    assert placed["amount_after_discount"] == "28.98"
    await paid(door, database, clock, customer, placed)
    clock.forward(seconds=2)
    await carry_out(database, clock)
    [opened] = await outbox.bodies(database, "resource.opened")
    clock.forward(days=2)
    peers.offers = []
    order = await ordered(door, change(customer, opened["resource_id"]), 6)
    assert order["amount_after_discount"] == "81.25"


async def test_discounts_are_offered_of_the_difference(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    customer, resource = await server(door, database, clock)
    peers.offers = [offer("D3", 3, "9.03")]
    order = await ordered(door, change(customer, resource, discount_id="D3"), 6)
    assert (order["official_amount"], order["amount_after_discount"]) == ("90.28", "81.25")


async def test_an_attached_disk_grows_and_a_batch_is_one_combined_order(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """A month of 40 GB more at 1.00, for two. Break: leave the attached ones out."""
    customer = await keep_customer(database)
    lines = [line(resource_spec_code=SMALL, quantity=2),
             line(EBS, attach_to=1, quantity=2, measure_size=40, **DISK)]  # fmt: skip
    await bought(door, database, clock, customer, *lines)
    async with database.transaction() as session:
        found = await session.scalars(
            Resource.__table__.select()
            .with_only_columns(Resource.resource_id)
            .where(Resource.main_resource_id.is_not(None))
        )
        disks = list(found)
    order = await ordered(door, change(customer, *disks, spec=None, measure_size=80), 6)
    assert (order["is_combined"], order["amount_after_discount"]) == (True, "80.00")
    assert len({one["member_order_id"] for one in order["lines"]}) == 2
    await paid(door, database, clock, customer, order)
    assert {(await resource_of(database, one)).measure_size for one in disks} == {Decimal(80)}
    down = await ordered(door, change(customer, *disks, spec=None, measure_size=20), 5)
    assert down["amount_after_discount"] == "120.00"


async def test_in_the_last_hour_it_costs_the_hour_and_when_it_is_over_nothing_is_changed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let the last second be over, or the order be payable behind the end."""
    customer, resource = await server(door, database, clock)
    end = (await resource_of(database, resource)).expire_at
    assert end is not None
    clock.now = end + timedelta(milliseconds=900)
    order = await ordered(door, change(customer, resource), 6)
    assert order["amount_after_discount"] == "0.13"  # 96.60 / 734
    clock.now = end + timedelta(seconds=1)
    late = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert code_of(late) == (400, "CBC.99003162")
    _, [other] = await bought(door, database, clock, customer, line(resource_spec_code=SMALL))
    await end_at(database, other, clock.now - timedelta(seconds=1))
    refused = await door.post("/api/orders", change(customer, other), PARTNER)
    assert code_of(refused) == (400, "CBC.99003016")


async def test_a_renewal_that_has_not_begun_keeps_its_price(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """And the day of the end is that of the first period still. Break: price all periods."""
    customer, resource = await server(door, database, clock)
    await renewed(door, database, clock, customer, resource)
    order = await ordered(door, change(customer, resource), 6)
    assert order["amount_after_discount"] == "90.28"
    await paid(door, database, clock, customer, order)
    await renewed(door, database, clock, customer, resource)
    end = (await resource_of(database, resource)).expire_at
    assert end is not None
    assert end.isoformat().startswith("2027-02-23T15:59:59")


async def test_a_piece_that_failed_is_given_back_and_nothing_is_changed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """H.11. Break: change the resource of a failed piece."""
    customer, resource = await server(door, database, clock)
    order = await ordered(door, change(customer, resource), 6)
    await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    await complete_orders(database, Failing(1), clock.now)
    [refunded] = await outbox.bodies(database, "order.refunded")
    [part] = refunded["refunds"]
    assert (part["rule"], part["cash_amount"]) == ("provisioning_failed", "90.28")
    assert (refunded["order_type"], part["base_order_id"]) == (4, order["order_id"])
    [provisioned] = [
        one for one in await outbox.bodies(database, "order.provisioned")
        if one["order_id"] == order["order_id"]
    ]  # fmt: skip
    assert provisioned["pieces"][0]["code"] == CODE
    assert (await resource_of(database, resource)).resource_spec_code == SMALL
    again = await ordered(door, change(customer, resource), 6)
    assert again["amount_after_discount"] == "90.28"
