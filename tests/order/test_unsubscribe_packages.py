"""A package is given back whole while nothing of it was used (docs/domain/resources.md H.9, H.13).

See decision 0091.
"""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from order.packages.models import Package
from order.packages.turn_packages import turn_packages
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import PAY, customer_principal, hear, keep_customer, line, payment, place
from tests.order.packages import buy, contents, packages
from tests.order.peer_double import PeerDouble
from tests.order.test_list_packages import INFOS, deducted

pytestmark = pytest.mark.postgres

UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
RENEW = "/v2/orders/subscriptions/resources/renew"
REFUND = "/v2/orders/customer-orders/refund-orders"


async def give_back(door: Door, package: Package, *more: str, unsubscribe_type: int = 1) -> Any:
    told = {"resource_ids": [package.package_id, *more], "unsubscribe_type": unsubscribe_type}
    return await door.post(UNSUBSCRIBE, told, customer_principal(package.customer_id))


async def refused(door: Door, database: Database, package: Package, code: str) -> None:
    before = await outbox.stated(database)
    assert code_of(await give_back(door, package)) == (400, code)
    assert await outbox.stated(database) == before


async def test_an_unused_package_goes_back_whole_within_five_days(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    peers.coupons["CP1"] = (1, "20.00")
    [package] = await buy(door, database, peers, clock, coupon="CP1")
    clock.now += timedelta(days=4, hours=23)
    answer = await give_back(door, package)
    assert answer.status_code == 200, answer.text
    [order_id] = answer.json()["order_ids"]
    [package] = await packages(database)
    assert (package.status, package.refund_order_id, package.turn_at) == (4, order_id, None)
    [refund] = await outbox.bodies(database, "order.refunded")
    assert refund["amount_after_discount"] == "85.00"
    [part] = refund["refunds"]
    assert (part["rule"], part["resource_id"]) == ("five_days", package.package_id)
    assert (part["coupon_amount"], part["cash_amount"]) == ("20.00", "65.00")
    assert [coupon["coupon_id"] for coupon in part["coupons"]] == ["CP1"]
    [told] = await outbox.bodies(database, "package.unsubscribed")
    assert (told["status"], told["version"]) == (4, 2)
    assert (await outbox.types(database))[-4:] == [
        "order.created", "package.unsubscribed", "order.refunded", "order.completed",
    ]  # fmt: skip
    customer = customer_principal(package.customer_id)
    rows = (await door.get(f"{REFUND}?order_id={order_id}", customer)).json()
    assert [row["amount"] for row in rows["refund_infos"]] == [-85.0]
    listed = (await door.post(INFOS, {"status": 4}, customer)).json()
    assert listed["total_count"] == 1
    await refused(door, database, package, "CBC.30000067")


async def test_after_five_days_what_is_not_consumed_goes_back_less_the_fee(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """From 23 November 10:00 to 23 December 24:00 are 734 hours, 240 of them consumed."""
    [package] = await buy(door, database, peers, clock)
    clock.now += timedelta(days=10)
    assert (await give_back(door, package)).status_code == 200
    [refund] = await outbox.bodies(database, "order.refunded")
    [part] = refund["refunds"]
    assert (part["consumed_amount"], part["commission_amount"]) == ("27.79", "8.50")
    assert part["cash_amount"] == "48.71"


async def test_a_package_that_has_not_begun_goes_back_and_is_not_counted(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock, contents(begins="next_month"))
    assert code_of(await give_back(door, package, unsubscribe_type=2)) == (400, "CBC.99003128")
    assert (await give_back(door, package)).status_code == 200
    [refund] = await outbox.bodies(database, "order.refunded")
    assert refund["refunds"][0]["rule"] == "not_effective"
    await turn_packages(database, package.effective_at)
    assert (await packages(database))[0].status == 4


async def test_a_package_of_which_something_was_used_stays(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """In whatever cycle. Break: look at what is left of the present one."""
    [package] = await buy(door, database, peers, clock, period_num=2)
    await hear(database, deducted(package, "1", "749"))
    await refused(door, database, package, "CBC.99003647")
    clock.now += timedelta(days=8)
    await turn_packages(database, clock.now)
    await refused(door, database, package, "CBC.99003647")


async def test_a_package_that_is_over_stays(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    clock.now = package.expire_at + timedelta(seconds=1)
    await refused(door, database, package, "CBC.30000067")


async def test_packages_and_resources_go_back_together_or_not_at_all(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer_id = await keep_customer(database)
    used, unused = await buy(door, database, peers, clock, quantity=2, customer_id=customer_id)
    order = await place(door, customer_id, [line()])
    paid = await door.post(PAY, payment(order["order_id"]), customer_principal(customer_id))
    assert paid.status_code == 204
    clock.now += timedelta(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    [opened] = await outbox.bodies(database, "resource.opened")
    await hear(database, deducted(used, "1", "749"))
    before = await outbox.stated(database)
    answer = await give_back(door, unused, opened["resource_id"], used.package_id)
    assert code_of(answer) == (400, "CBC.99003647")
    assert await outbox.stated(database) == before
    assert (await give_back(door, unused, opened["resource_id"])).status_code == 200
    [refund] = await outbox.bodies(database, "order.refunded")
    assert [part["resource_id"] for part in refund["refunds"]] == [
        unused.package_id, opened["resource_id"],
    ]  # fmt: skip
    assert len({one["member_order_id"] for one in refund["lines"]}) == 2


async def test_somebody_elses_package_is_no_package(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    stranger = customer_principal(await keep_customer(database))
    for package_id in (package.package_id, "nobody's"):
        told = {"resource_ids": [package_id], "unsubscribe_type": 1}
        answer = await door.post(UNSUBSCRIBE, told, stranger)
        assert code_of(answer) == (400, "CBC.99003012")


async def test_a_package_is_not_renewed(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    before = await outbox.stated(database)
    customer = customer_principal(package.customer_id)
    stranger = customer_principal(await keep_customer(database))
    for named in (package.package_id, package.items[0].item_id):
        wanted = {"resource_ids": [named], "period_type": 2, "period_num": 1}
        wanted |= {"expire_policy": 0, "is_auto_pay": 0}
        assert code_of(await door.post(RENEW, wanted, customer)) == (400, "CBC.99003634")
        assert code_of(await door.post(RENEW, wanted, stranger)) == (400, "CBC.99003016")
    assert await outbox.stated(database) == before


async def test_of_many_at_once_one_gives_a_package_back(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Beside what billing says was used: either it is given back or it is in use, never both."""
    [package] = await buy(door, database, peers, clock)
    answers = await asyncio.gather(
        *(give_back(door, package) for _ in range(8)),
        hear(database, deducted(package, "1", "749")),
    )
    codes = [one.status_code for one in answers[:-1] if one is not None]
    [package] = await packages(database)
    assert codes.count(200) == (package.status == 4)
    assert package.is_used == (package.status != 4)
    back = await outbox.bodies(database, "order.refunded")
    assert sum((Decimal(one["amount_after_discount"]) for one in back), Decimal(0)) == (
        Decimal("85.00") if package.status == 4 else 0
    )
