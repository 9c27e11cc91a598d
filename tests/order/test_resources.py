"""Resources by the native API: who sees which, what became of them, and how one is closed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from chassis.identity import Principal
from contracts.customer import CustomerUpdated
from order.copies import Authorization, Customer
from order.orders.models import Order, OrderLine
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from order.resources.settle_standing import settle_standings
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door, code_of
from tests.order.builders import (
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    RESELLER,
    customer_principal,
    hear,
    keep_customer,
    keep_reseller,
    line,
    payment,
    place,
)
from tests.order.resource_builders import DISK, EBS, HOURLY, opened, resource_of
from tests.order.test_copies import customer as told

pytestmark = pytest.mark.postgres

RESOURCES = "/api/resources"


async def found(door: Door, principal: Principal, **query: Any) -> list[str]:
    answer = await door.get(RESOURCES, principal, query=query)
    assert answer.status_code == 200, answer.text
    return [one["resource_id"] for one in answer.json()["resources"]]


async def close(door: Door, resource_id: str, principal: Principal = PARTNER) -> Any:
    return await door.post(f"{RESOURCES}/{resource_id}/closing", None, principal)


async def test_a_partner_finds_the_resources_of_all_its_customers_and_a_customer_its_own(
    door: Door, database: Database, clock: StandingClock
) -> None:
    ours, other = await keep_customer(database), await keep_customer(database)
    [first] = await opened(door, database, clock, ours)
    [second] = await opened(door, database, clock, other, line(**HOURLY))
    assert await found(door, PARTNER) == [second, first]
    assert await found(door, PARTNER, customer_id=ours) == [first]
    assert await found(door, customer_principal(ours)) == [first]
    assert await found(door, customer_principal(ours), customer_id=other) == []
    assert await found(door, OTHER_PARTNER) == []
    assert code_of(await door.get(RESOURCES, ADMINISTRATOR)) == (403, "CBC.0151")
    for principal, seen in [
        (PARTNER, True), (customer_principal(ours), True),
        (OTHER_PARTNER, False), (customer_principal(other), False),
    ]:  # fmt: skip
        for path in (f"{RESOURCES}/{first}", f"{RESOURCES}/{first}/history"):
            assert ((await door.get(path, principal)).status_code == 200) is seen


async def test_a_distributor_finds_its_resellers_too(
    door: Door, database: Database, clock: StandingClock
) -> None:
    await keep_reseller(database)
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    [resource] = await opened(
        door, database, clock, customer, principal=DISTRIBUTOR, partner_id="r1"
    )
    assert await found(door, DISTRIBUTOR) == [resource]
    assert await found(door, RESELLER) == [resource]


async def test_filters_choose_and_pages_follow_each_other(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [month] = await opened(door, database, clock, customer)
    [year] = await opened(door, database, clock, customer, line(period_num=12))
    [disk] = await opened(door, database, clock, customer, line(EBS, **DISK, **HOURLY))
    assert await found(door, PARTNER, charging_mode=3) == [disk]
    assert await found(door, PARTNER, status=2) == [year, month]
    assert await found(door, PARTNER, status=4) == []
    assert await found(door, PARTNER, service_type_code=EBS) == [disk]
    window = {"expire_from": "2026-12-23T15:59:59Z", "expire_to": "2026-12-23T16:00:00Z"}
    assert await found(door, PARTNER, **window) == [month]
    assert await found(door, PARTNER, expire_to="2026-12-23T15:59:59Z") == []
    paged: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        answer = await door.get(RESOURCES, PARTNER, query={"limit": 1, **after})
        page = answer.json()
        paged += [one["resource_id"] for one in page["resources"]]
        after = {"after": page["next"]}
    assert (paged, page["next"]) == ([disk, year, month], None)


async def test_resources_of_one_line_are_paged_without_loss(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """They have one instant; break: compare the instant alone."""
    customer = await keep_customer(database)
    all_of_them = await opened(door, database, clock, customer, line(quantity=5))
    first = (await door.get(RESOURCES, PARTNER, query={"limit": 3})).json()
    rest = await found(door, PARTNER, after=first["next"])
    told = [one["resource_id"] for one in first["resources"]] + rest
    assert sorted(told) == sorted(all_of_them)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 101}, {"after": "x"}, {"expire_from": "yesterday"},
        {"expire_from": "2026-12-02T00:00:00Z", "expire_to": "2026-12-01T00:00:00Z"},
        {"status": "two"}, {"colour": "red"},
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_read_is_refused(door: Door, query: dict[str, Any]) -> None:
    assert code_of(await door.get(RESOURCES, PARTNER, query=query)) == (400, "CBC.0100")


async def test_a_resource_is_shown_with_what_is_paid_for(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    answer = await door.get(f"{RESOURCES}/{resource}", PARTNER)
    shown = answer.json()
    [period] = shown["periods"]
    assert (period["currency"], period["amount_after_discount"]) == ("CNY", "85.00")
    [stated] = await outbox.bodies(database, "resource.opened")
    assert stated["currency"] == "CNY"
    assert (shown["status"], shown["charging_mode"], shown["customer_id"]) == (2, 1, customer)
    again = await door.get(
        f"{RESOURCES}/{resource}", PARTNER, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert code_of(await door.get(f"{RESOURCES}/unknown", PARTNER)) == (404, "CHB.0404")


async def test_what_became_of_a_resource_is_told_fact_by_fact(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer, line(**HOURLY))
    clock.forward(hours=1)
    assert (await close(door, resource)).status_code == 200
    first = (await door.get(f"{RESOURCES}/{resource}/history", PARTNER, query={"limit": 1})).json()
    [begin] = first["history"]
    assert (begin["event"], begin["from_status"], begin["to_status"]) == (
        "resource.opened",
        None,
        1,
    )
    assert begin["order_id"] == (await resource_of(database, resource)).order_id
    after = {"after": first["next"]}
    rest = (await door.get(f"{RESOURCES}/{resource}/history", PARTNER, query=after)).json()
    [end] = rest["history"]
    assert (end["event"], end["from_status"], end["to_status"]) == ("resource.closed", 1, 6)
    assert rest["next"] is None


async def test_resources_follow_their_customer_to_its_new_partner(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave `follow_customer` out of `keep_customer`."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    assert await found(door, PARTNER) == [resource]
    await hear(database, told(CustomerUpdated, 2, customer_id=customer, partner_id="p2"))
    assert await found(door, PARTNER) == []
    assert await found(door, OTHER_PARTNER) == [resource]
    shown = (await door.get(f"{RESOURCES}/{resource}", OTHER_PARTNER)).json()
    assert (shown["partner_id"], len(shown["periods"])) == ("p2", 1)
    history = await door.get(f"{RESOURCES}/{resource}/history", OTHER_PARTNER)
    assert [one["event"] for one in history.json()["history"]] == [
        "resource.opened", "resource.changed",
    ]  # fmt: skip
    stated = (await outbox.stated(database))[-1]
    assert (stated[0], stated[1]["partner_id"]) == ("resource.changed", "p2")
    assert await found(door, customer_principal(customer, "p2")) == [resource]


async def test_what_was_paid_under_a_former_partner_is_opened_and_follows(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Found by random lives. Break: leave out `follow_soon`."""
    customer = await keep_customer(database)
    order = await place(door, customer, [line()])
    paid = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert paid.status_code == 204, paid.text
    await hear(database, told(CustomerUpdated, 2, customer_id=customer, partner_id="p2"))
    clock.forward(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    await settle_standings(database, clock.now)
    assert await found(door, PARTNER) == []
    [resource] = await found(door, OTHER_PARTNER)
    shown = (await door.get(f"{RESOURCES}/{resource}", OTHER_PARTNER)).json()
    assert (shown["partner_id"], len(shown["periods"])) == ("p2", 1)
    assert await found(door, customer_principal(customer, "p2")) == [resource]


async def test_an_on_demand_resource_is_closed_once(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer, line(**HOURLY))
    answers = await asyncio.gather(*(close(door, resource) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    [closed] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (closed["status"], closed["expire_at"]) == (6, "2026-11-23T02:00:02Z")
    assert (await outbox.types(database)).count("resource.closed") == 1
    assert (await audit.deeds(database))[-1] == ("resource.close", resource)


async def test_what_is_not_closable_is_left_as_it_is(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [period] = await opened(door, database, clock, customer)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    itself = customer_principal(customer)
    known = len(await outbox.types(database))
    assert code_of(await close(door, period)) == (409, "CHB.0409")
    assert code_of(await close(door, hourly, OTHER_PARTNER)) == (404, "CHB.0404")
    assert code_of(await close(door, "unknown", itself)) == (404, "CHB.0404")
    async with database.transaction() as session:
        order = await session.get_one(Order, (await resource_of(database, hourly)).order_id)
        line_of = update(OrderLine).where(OrderLine.order_id == order.order_id)
        await session.execute(line_of.values(resource_id=hourly))
        order.status = 6
    assert code_of(await close(door, hourly, itself)) == (400, "CBC.99003100")
    async with database.transaction() as session:
        await session.execute(update(Order).values(status=5))
        await session.execute(update(Customer).values(is_frozen=1))
    assert code_of(await close(door, hourly, itself)) == (403, "CBC.0155")
    assert len(await outbox.types(database)) == known
    assert (await resource_of(database, hourly)).status == 1


async def test_a_partner_closes_only_where_the_customer_has_authorized_it(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer, line(**HOURLY))
    async with database.transaction() as session:
        await session.execute(update(Authorization).values(status="ended"))
    assert code_of(await close(door, resource)) == (403, "CHB.1001")
    assert (await close(door, resource, customer_principal(customer))).status_code == 200


async def test_what_is_attached_is_closed_with_its_main_resource(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    lines = [line(), line(EBS, attach_to=1, **DISK)]
    main, attached = await opened(door, database, clock, customer, *lines)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(charging_mode=3, status=1, expire_at=None))
    assert (await close(door, main)).status_code == 200
    assert (await resource_of(database, attached)).status == 6
    assert clock.now - (await resource_of(database, attached)).updated_at < timedelta(seconds=1)
