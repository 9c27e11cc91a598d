"""From a period to use on demand: set for the end, and at once (docs/domain/resources.md H.10)."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from order.copies import Customer
from order.orders.models import Order, OrderLine
from order.resources.become_on_demand import become_on_demand
from order.resources.end_resources import end_resources
from order.resources.models import Resource
from order.resources.settle_standing import settle_standings
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import PARTNER, customer_principal, hear, keep_customer, line
from tests.order.packages import buy, contents
from tests.order.peer_double import PeerDouble
from tests.order.resource_builders import DISK, EBS, HOURLY, opened, resource_of
from tests.order.test_standing import owes
from tests.order.test_unsubscribe_resources import renewed

pytestmark = pytest.mark.postgres

SET = "/v2/orders/subscriptions/resources/to-on-demand"
NOW = f"{SET}/instantly"
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
ON_DEMAND = "/v2/partners/sub-customers/on-demand-resources/query"
PERIOD = "/v2/orders/suscriptions/resources/query"


async def set_end(door: Door, customer: str, *resource_ids: str, operation: str = "SET_UP") -> Any:
    body = {"operation": operation, "resource_ids": list(resource_ids)}
    return await door.post(SET, body, customer_principal(customer))


async def convert(door: Door, customer: str, *resource_ids: str) -> list[Any]:
    body = {"resource_ids": list(resource_ids)}
    answer = await door.post(NOW, body, customer_principal(customer))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["to_ondemand_service_results"])


async def change(database: Database, resource_id: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(Resource).where(Resource.resource_id == resource_id).values(**values)
        )


async def in_order(database: Database, resource_id: str, status: int) -> None:
    """An order of that status names the resource."""
    async with database.transaction() as session:
        order_id = (await session.get_one(Resource, resource_id)).order_id
        named = update(OrderLine).where(OrderLine.order_id == order_id)
        await session.execute(named.values(resource_id=resource_id))
        await session.execute(
            update(Order).where(Order.order_id == order_id).values(status=status, provision_at=None)
        )


async def test_the_end_is_set_and_taken_back_with_what_is_attached(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    lines = [line(), line(EBS, attach_to=1, **DISK)]
    main, attached = await opened(door, database, clock, customer, *lines)
    known = len(await outbox.types(database))
    answer = await set_end(door, customer, main)
    assert (answer.status_code, answer.json()) == (200, {"error_details": []})
    assert [(await resource_of(database, one)).expire_policy for one in (main, attached)] == [1, 1]
    await set_end(door, customer, main)  # it is set already
    await set_end(door, customer, main, operation="CANCEL")
    await set_end(door, customer, main, operation="CANCEL")  # nothing to take back, and no error
    assert [(await resource_of(database, one)).expire_policy for one in (main, attached)] == [0, 0]
    assert (await outbox.types(database))[known:] == ["resource.settings_changed"] * 4
    assert (await audit.deeds(database))[-1] == ("resource.set_end", main)


async def test_taking_back_leaves_another_policy(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await change(database, resource, expire_policy=3)
    await set_end(door, customer, resource, operation="CANCEL")
    assert (await resource_of(database, resource)).expire_policy == 3


async def test_what_is_over_is_told_apart_and_the_others_are_set(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    first, second = await opened(door, database, clock, customer, line(quantity=2))
    await change(database, first, expire_at=clock.now - timedelta(seconds=1), status=5)
    answer = await set_end(door, customer, first, second)
    [detail] = answer.json()["error_details"]
    assert (answer.status_code, detail["id"], detail["error_code"]) == (
        200, first, "CBC.99003610",
    )  # fmt: skip
    assert [(await resource_of(database, one)).expire_policy for one in (first, second)] == [0, 1]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("unknown", "CBC.99003012"), ("foreign", "CBC.99003012"), ("attached", "CBC.99003012"),
        ("closed", "CBC.99003012"), ("not sold", "CBC.99003609"), ("marketplace", "CBC.99003608"),
        ("processing", "CBC.99003623"), ("pending", "CBC.99003623"), ("frozen", "CBC.99003624"),
        ("account", "CBC.99003626"), ("twice", "CBC.0100"), ("one-time", "CBC.99003609"),
    ],
)  # fmt: skip
async def test_any_other_refusal_is_one_of_all_and_nothing_is_set(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble, what: str, code: str
) -> None:
    """At once the same codes stand at the resource, and the other is converted."""
    customer, other = await keep_customer(database), await keep_customer(database)
    [good] = await opened(door, database, clock, customer)
    lines = [line("hws.service.type.rds"), line(EBS, attach_to=1, **DISK)]
    main, attached = await opened(door, database, clock, customer, *lines)
    [foreign] = await opened(door, database, clock, other)
    named = {"unknown": "nobody", "foreign": foreign, "attached": attached, "twice": good}
    bad = named.get(what, main)
    if what == "closed":
        await change(database, main, status=3)
    if what == "frozen":
        await change(database, attached, status=4)
    if what == "one-time":
        await change(database, main, expire_at=None)
    if what in ("processing", "pending"):
        await in_order(database, main, 3 if what == "processing" else 6)
    if what == "account":
        async with database.transaction() as session:
            await session.execute(update(Customer).values(is_frozen=1))
    if what == "marketplace":
        peers.marketplace = {"hws.service.type.rds"}
    if what == "not sold":
        peers.unsold = {"hws.service.type.rds"}
    known = len(await outbox.types(database))
    assert code_of(await set_end(door, customer, good, bad)) == (400, code)
    assert (await resource_of(database, good)).expire_policy == 0
    assert len(await outbox.types(database)) == known
    if what == "twice":
        body = {"resource_ids": [good, good]}
        assert code_of(await door.post(NOW, body, customer_principal(customer))) == (400, code)
        return
    results = await convert(door, customer, bad, good)
    assert [one["resource_id"] for one in results] == [bad, good]
    assert (results[0]["result"], results[0]["error_code"]) == ("FAIL", code)
    assert "order_id" not in results[0]
    assert results[1]["result"] == ("FAIL" if what == "account" else "SUCCESS")


async def test_at_once_what_is_left_goes_back_without_a_fee_and_the_resource_keeps_its_id(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """H.10: the third rule of H.9, within five days, too; break: let the five days hold."""
    peers.official, peers.discount = Decimal("120.00"), Decimal("0.00")
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await renewed(database, resource)
    clock.forward(days=2)
    known = len(await outbox.types(database))
    [result] = await convert(door, customer, resource)
    assert result.keys() == {"resource_id", "result", "order_id"}
    stated = (await outbox.stated(database))[known:]
    assert [one for one, _ in stated] == [
        "order.created", "resource.converted", "order.refunded", "order.completed",
    ]  # fmt: skip
    refunded = stated[2][1]
    # 10:00 of the 23rd to 23:59:59 of 23 December: 734 hours, 48 of them used; the renewal whole.
    assert refunded["order_type"] == 10
    assert refunded["amount_after_discount"] == "162.16"
    assert (refunded["consumed_amount"], refunded["commission_amount"]) == ("7.84", "0.00")
    assert [one["rule"] for one in refunded["refunds"]] == ["conditional", "not_effective"]
    converted = stated[1][1]
    assert (converted["charging_mode"], converted["status"], converted["expire_at"]) == (3, 1, None)
    page = (await door.post(ON_DEMAND, {"customer_id": customer}, PARTNER)).json()
    assert [one["resource_id"] for one in page["resources"]] == [resource]
    itself = customer_principal(customer)
    assert (await door.post(PERIOD, {}, itself)).json()["data"] == []
    history = await door.get(f"/api/resources/{resource}/history", itself)
    last = history.json()["history"][-1]
    assert (last["event"], last["order_id"]) == ("resource.converted", result["order_id"])
    orders = await door.get("/v2/orders/customer-orders", itself, query={"order_type": "10"})
    assert [one["order_id"] for one in orders.json()["order_infos"]] == [result["order_id"]]
    assert (await audit.deeds(database))[-1] == ("resource.convert", result["order_id"])


async def test_within_the_last_second_it_is_converted_as_in_the_last_hour(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave the last second out of what `_plan` looks at."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    found = await resource_of(database, resource)
    assert found.expire_at is not None
    clock.now = found.expire_at + timedelta(milliseconds=500)
    [result] = await convert(door, customer, resource)
    assert result["result"] == "SUCCESS", result
    [refunded] = await outbox.bodies(database, "order.refunded")
    assert refunded["amount_after_discount"] == "0.12"  # of 85.00: hours are cut
    assert (await resource_of(database, resource)).charging_mode == 3


async def test_several_main_resources_are_one_combined_order(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    lines = [line(quantity=2), line(EBS, attach_to=1, quantity=2, **DISK)]
    first, second, *attached = await opened(door, database, clock, customer, *lines)
    results = await convert(door, customer, second, first)
    assert [one["resource_id"] for one in results] == [second, first]
    [order_id] = {one["order_id"] for one in results}
    async with database.transaction() as session:
        order = await session.get_one(Order, order_id)
        assert (order.is_combined, len(order.lines)) == (True, 4)
    assert [(await resource_of(database, one)).charging_mode for one in attached] == [3, 3]


async def test_it_is_not_counted_among_the_ten_of_a_year(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    ten = await opened(door, database, clock, customer, line(quantity=10))
    await convert(door, customer, *ten)
    [resource] = await opened(door, database, clock, customer)
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    await door.post(UNSUBSCRIBE, body, customer_principal(customer))
    stated = await outbox.stated(database)
    refunded = [one for name, one in stated if name == "order.refunded"][-1]
    assert refunded["refunds"][0]["rule"] == "five_days"


async def test_of_a_conversion_and_an_unsubscription_at_once_one_gives_back(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: find the groups without a lock."""
    customer = await keep_customer(database)
    itself = customer_principal(customer)
    resources = await opened(door, database, clock, customer, line(quantity=6))
    body = {"unsubscribe_type": 1}
    tasks = []
    for one in resources:
        tasks.append(door.post(NOW, {"resource_ids": [one]}, itself))
        tasks.append(door.post(UNSUBSCRIBE, body | {"resource_ids": [one]}, itself))
    answers = await asyncio.gather(*tasks)
    for one, converted, given_back in zip(resources, answers[::2], answers[1::2], strict=True):
        [result] = converted.json()["to_ondemand_service_results"]
        done = [result["result"] == "SUCCESS", given_back.status_code == 200]
        assert sorted(done) == [False, True], (converted.text, given_back.text)
        resource = await resource_of(database, one)
        assert (resource.charging_mode, resource.status) == ((3, 1) if done[0] else (1, 3))
    stated = await outbox.stated(database)
    parts = [one for name, body in stated if name == "order.refunded" for one in body["refunds"]]
    assert len(parts) == len(resources)


async def test_converted_in_debt_it_is_in_grace_soon(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await hear(database, owes(customer, "5.00", 2, clock.now))
    async with database.transaction() as session:
        row = await session.get_one(Resource, resource)
        await become_on_demand(session, row, clock.now)
    await settle_standings(database, clock.now)
    assert (await resource_of(database, resource)).status == 2


async def test_on_demand_resources_are_no_period_ones(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    assert code_of(await set_end(door, customer, hourly)) == (400, "CBC.99003012")
    [result] = await convert(door, customer, hourly)
    assert result["error_code"] == "CBC.99003012"


async def test_at_its_end_it_is_used_on_demand_unless_an_order_names_it(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let the schedule of ends forget policy 1, or the order."""
    customer = await keep_customer(database)
    first, second = await opened(door, database, clock, customer, line(quantity=2))
    [third] = await opened(door, database, clock, customer)
    await set_end(door, customer, first, second, third)
    await in_order(database, third, 6)
    end = (await resource_of(database, first)).expire_at
    assert end is not None
    await end_resources(database, end)
    assert (await resource_of(database, first)).charging_mode == 1
    await asyncio.gather(*(end_resources(database, end + timedelta(seconds=1)) for _ in range(2)))
    modes = [(await resource_of(database, one)).charging_mode for one in (first, second, third)]
    assert modes == [3, 3, 1]
    converted = await resource_of(database, first)
    assert (converted.status, converted.expire_at, converted.expire_policy) == (1, None, 0)
    assert (await outbox.types(database)).count("resource.converted") == 2


async def test_a_package_is_never_charged_by_use(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    [package] = await buy(door, database, peers, clock, contents())
    answer = await set_end(door, package.customer_id, package.package_id)
    assert code_of(answer) == (400, "CBC.99003611")
    [result] = await convert(door, package.customer_id, package.package_id)
    assert (result["result"], result["error_code"]) == ("FAIL", "CBC.99003611")
