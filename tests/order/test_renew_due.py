"""Automatic renewal: when it is tried, what it leaves, and what it states.

See docs/domain/resources.md H.8.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from chassis.database import Database
from chassis.parts import ServiceApp
from order.copies import Customer
from order.orders.models import Order
from order.parts import OrderParts
from order.provisioning.complete_orders import complete_orders
from order.renewals.renew_due import CLAIM, _claim, renew_due
from order.resources.models import Resource, ResourcePeriod
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import PAY, customer_principal, keep_customer, line, payment
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import (
    AUTO_RENEW,
    DISK,
    EBS,
    bought,
    carry_out,
    renew,
    resource_of,
)
from tests.order.test_failed_pieces import CODE, Failing

pytestmark = pytest.mark.postgres

FUNDS, HOLDS, QUOTES = "/internal/funds-checks", "/internal/holds", "/internal/quotes"
FIRST = datetime(2026, 12, 15, 19, 0, tzinfo=UTC)  # 03:00 in Beijing, seven days before the 23rd
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"


async def automatic(
    door: Door, database: Database, clock: StandingClock, *lines: dict[str, Any], times: int = 0
) -> tuple[str, str]:
    """A customer and its main resource, renewed automatically from now on."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer, *lines)
    body = {"auto_renew_times": times}
    path = f"{AUTO_RENEW}/{resource}"
    assert (await door.post(path, body, customer_principal(customer))).status_code == 204
    return customer, resource


async def turn(app: ServiceApp[OrderParts], clock: StandingClock) -> None:
    """The schedule runs once, and what was paid is carried out."""
    await renew_due(app.parts.peers)(app.parts.database, clock.now)
    await carry_out(app.parts.database, clock)


async def orders_of(database: Database) -> list[Order]:
    async with database.transaction() as session:
        found = await session.scalars(
            select(Order).where(Order.order_type == 2).order_by(Order.order_id)
        )
        return list(found)


async def test_it_is_tried_at_three_in_beijing_and_makes_a_paid_order_of_the_systems(
    app: ServiceApp[OrderParts],
    door: Door,
    database: Database,
    clock: StandingClock,
    peers: PeerDouble,
) -> None:
    """Break: compare with the day of the end instead of the instant."""
    disk = line(EBS, attach_to=1, **DISK)
    customer, resource = await automatic(door, database, clock, line(), disk)
    clock.now = FIRST - timedelta(seconds=1)
    await turn(app, clock)
    assert await orders_of(database) == []
    clock.now = FIRST
    await turn(app, clock)
    [order] = await orders_of(database)
    assert (order.status, order.source_type, order.user_name) == (5, 8, "运营系统")
    assert len(order.lines) == 2
    found = await resource_of(database, resource)
    assert f"{found.expire_at:%Y-%m-%d}" == "2027-01-23"
    assert f"{found.next_renewal_at:%Y-%m-%d %H:%M}" == "2027-01-15 19:00"
    told = await outbox.bodies(database, "resource.renewed")
    assert [one["is_automatic"] for one in told] == [True, True]
    [paid] = (await outbox.bodies(database, "order.paid"))[1:]
    assert (paid["order_type"], paid["source_type"]) == (2, 8)
    [asked, *_] = peers.asked("/internal/coupon-options")
    bought = {(x["order_type"], x["period_type"]) for x in asked["pricings"][0]["lines"]}
    assert bought == {(2, 2)}  # as limits of coupons ask
    await turn(app, clock)
    assert len(await orders_of(database)) == 1
    assert customer == order.customer_id


async def test_a_try_that_would_not_succeed_makes_no_order_and_is_repeated_daily(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """To the last day of retention. Break: place the order before the question."""
    _, resource = await automatic(door, database, clock)
    peers.refusals[FUNDS] = (400, "CBC.99005003")
    clock.now = FIRST
    for day in range(3):
        await turn(app, clock)
        clock.forward(hours=1)
        await turn(app, clock)
        told = await outbox.bodies(database, "resource.renewal_failed")
        assert [one["reason_code"] for one in told] == ["CBC.99005003"] * (day + 1)
        clock.forward(hours=23)
    assert await orders_of(database) == []
    assert peers.asked(HOLDS)[1:] == [], "nothing is held for a try"
    async with database.transaction() as session:
        await session.execute(update(Resource).values(status=4))
    clock.now = FIRST + timedelta(days=30)
    peers.refusals.clear()
    await turn(app, clock)
    assert (await resource_of(database, resource)).status == 2


async def test_a_renewal_that_is_not_provisioned_is_given_back_and_tried_again_the_next_day(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave `note_failed_renewals` out; it is paid and given back every ten minutes."""
    _, resource = await automatic(door, database, clock)
    clock.now = FIRST
    await renew_due(app.parts.peers)(database, clock.now)
    await complete_orders(database, Failing(1), clock.now)
    failed = await resource_of(database, resource)
    assert failed.next_renewal_at == FIRST + timedelta(days=1)
    [told] = await outbox.bodies(database, "resource.renewal_failed")
    assert (told["resource_id"], told["reason_code"]) == (resource, CODE)
    clock.now += 2 * CLAIM
    await turn(app, clock)
    assert len(await orders_of(database)) == 1
    clock.now = FIRST + timedelta(days=1)
    await turn(app, clock)
    assert len(await orders_of(database)) == 2
    assert (await resource_of(database, resource)).version > failed.version


async def test_the_refusal_of_billing_is_told_as_it_is(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """What is not sold any more, and who is frozen."""
    customer, _ = await automatic(door, database, clock)
    clock.now = FIRST
    peers.refusals["/internal/quotes"] = (400, "CBC.99006006")
    await turn(app, clock)
    peers.refusals.clear()
    clock.forward(days=1)
    async with database.transaction() as session:
        frozen = update(Customer).where(Customer.customer_id == customer).values(is_frozen=1)
        await session.execute(frozen)
    await turn(app, clock)
    told = await outbox.bodies(database, "resource.renewal_failed")
    assert [one["reason_code"] for one in told] == ["CBC.30010069", "CBC.0155"]


async def test_money_that_goes_between_question_and_payment_leaves_no_order(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """Break: leave the order pending, so that the resource is skipped for seven days."""
    _, resource = await automatic(door, database, clock)
    peers.refusals[HOLDS] = (400, "CBC.99005003")
    clock.now = FIRST
    await turn(app, clock)
    [order] = await orders_of(database)
    assert order.status == 4
    [told] = await outbox.bodies(database, "resource.renewal_failed")
    assert (told["resource_id"], told["reason_code"]) == (resource, "CBC.99005003")
    peers.refusals.clear()
    clock.forward(days=1)
    await turn(app, clock)
    assert [one.status for one in await orders_of(database)] == [4, 5]


async def test_a_silent_peer_is_no_failure_and_what_it_left_is_paid_when_the_claim_ends(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """As after a kill between order and payment. Break: place a second order."""
    await automatic(door, database, clock)
    peers.refusals[HOLDS] = (500, "CHB.0503")
    clock.now = FIRST
    await turn(app, clock)
    assert [one.status for one in await orders_of(database)] == [6]
    assert await outbox.bodies(database, "resource.renewal_failed") == []
    peers.refusals.clear()
    clock.now = FIRST + CLAIM - timedelta(seconds=1)
    await turn(app, clock)
    assert [one.status for one in await orders_of(database)] == [6]
    clock.now = FIRST + CLAIM
    await turn(app, clock)
    assert [one.status for one in await orders_of(database)] == [5]


async def test_successes_are_counted_and_after_the_last_one_the_policy_is_0_again(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """A try that fails counts nothing. Break: count at the try."""
    _, resource = await automatic(door, database, clock, times=2)
    peers.refusals[FUNDS] = (400, "CBC.99005003")
    clock.now = FIRST
    await turn(app, clock)
    assert (await resource_of(database, resource)).auto_renewals_left == 2
    peers.refusals.clear()
    clock.forward(days=1)
    await turn(app, clock)
    assert (await resource_of(database, resource)).auto_renewals_left == 1
    clock.forward(days=31)
    await turn(app, clock)
    found = await resource_of(database, resource)
    assert (found.expire_policy, found.next_renewal_at, found.auto_renewals_left) == (0, None, None)
    assert len(await orders_of(database)) == 2


async def test_what_stands_in_a_pending_order_is_skipped_until_that_ends(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock
) -> None:
    """And is no failure."""
    customer, resource = await automatic(door, database, clock)
    clock.now = FIRST - timedelta(days=1)
    [order_id] = (await renew(door, customer, resource)).json()["order_ids"]
    clock.now = FIRST
    await turn(app, clock)
    assert len(await orders_of(database)) == 1
    itself = customer_principal(customer)
    await door.put("/v2/orders/customer-orders/cancel", {"order_id": order_id}, itself)
    await turn(app, clock)
    assert len(await orders_of(database)) == 1, "looked at again the next day"
    clock.forward(days=1)
    await turn(app, clock)
    assert [one.status for one in await orders_of(database)] == [4, 5]
    assert await outbox.bodies(database, "resource.renewal_failed") == []


async def test_two_replicas_renew_once(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """The second one looks while the first asks for a price. Break: claim without `renewing_until`.

    The order is placed once even then; but the second would state a failure of what succeeds.
    """
    await automatic(door, database, clock)
    clock.now = FIRST + timedelta(hours=1)
    asking, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_: Any) -> None:
        asking.set()
        await go_on.wait()

    peers.before[QUOTES] = hold
    before = peers.calls.copy()
    work = renew_due(app.parts.peers)
    first = asyncio.ensure_future(work(database, clock.now))
    await asking.wait()
    peers.before.clear()
    await work(database, clock.now)
    asked = [path for path, _ in peers.calls[len(before) :]]
    go_on.set()
    await first
    assert asked == [QUOTES], "the second one tries nothing"
    await carry_out(database, clock)
    assert [one.status for one in await orders_of(database)] == [5]
    assert await outbox.bodies(database, "resource.renewal_failed") == []


async def test_a_replica_passes_what_another_is_claiming(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: claim without SKIP LOCKED, or without a lock: it waits for the other."""
    _, held = await automatic(door, database, clock)
    _, free = await automatic(door, database, clock)
    claiming = select(Resource).where(Resource.resource_id == held).with_for_update(of=Resource)
    async with database.transaction() as other:
        await other.execute(claiming)
        async with asyncio.timeout(5):
            assert await _claim(database, FIRST) == [free]
    assert await _claim(database, FIRST) == [held]


async def test_a_customer_who_renews_at_the_same_time_pays_once(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock
) -> None:
    """Automatic against manual. Break: leave out `check_orders` when the resources are locked."""
    pairs = [await automatic(door, database, clock) for _ in range(6)]
    clock.now = FIRST
    work = renew_due(app.parts.peers)
    answers = await asyncio.gather(
        work(database, clock.now), *(renew(door, *pair) for pair in pairs)
    )
    for (customer, _), answer in zip(pairs, answers[1:], strict=True):
        assert answer is not None
        if answer.status_code == 200:
            [order_id] = answer.json()["order_ids"]
            paid = payment(order_id)
            await door.post(PAY, paid, customer_principal(customer))
        else:
            assert code_of(answer)[1] in ("CBC.99003100", "CBC.99003144"), answer.text
    await carry_out(database, clock)
    async with database.transaction() as session:
        periods = select(func.count(ResourcePeriod.period_id)).group_by(ResourcePeriod.resource_id)
        assert set(await session.scalars(periods)) == {2}


async def test_a_renewal_and_an_unsubscription_at_once_leave_no_paid_period_of_what_is_gone(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """One of the two is refused. Break: plan the renewal without the lock."""
    customer = await keep_customer(database)
    resources = [(await bought(door, database, clock, customer))[0] for _ in range(6)]
    itself = customer_principal(customer)

    async def give_back(resource: str) -> Any:
        body = {"resource_ids": [resource], "unsubscribe_type": 1}
        return await door.post(UNSUBSCRIBE, body, itself)

    answers = await asyncio.gather(
        *(renew(door, customer, one) for one in resources), *map(give_back, resources)
    )
    for resource, renewal, refund in zip(resources, answers[:6], answers[6:], strict=True):
        assert sorted([renewal.status_code, refund.status_code]) == [200, 400], renewal.text
        found = await resource_of(database, resource)
        assert found.status == (2 if renewal.status_code == 200 else 3)
