"""Renewing resources: which order, which period, what is refused, and what is stated.

See docs/domain/resources.md H.7.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from chassis.database import Database
from order.copies import Customer
from order.orders.models import Order
from order.resources.models import Resource
from order.resources.renewal_settings import RenewalSettings
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    OTHER_PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import (
    DISK,
    EBS,
    bought,
    carry_out,
    end_at,
    renew,
    renewed,
    resource_of,
)

pytestmark = pytest.mark.postgres

DETAILS = "/v2/orders/customer-orders/details"
ORDERS = "/v2/orders/customer-orders"
CANCEL = "/v2/orders/customer-orders/cancel"
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"


async def test_a_renewal_is_an_order_of_type_2_whose_period_begins_where_the_last_one_ends(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: append the period with the instant of the payment as its begin."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    order_id = await renewed(door, database, clock, customer, resource, period_num=2)

    itself = customer_principal(customer)
    shown = (await door.get(f"{DETAILS}/{order_id}", itself)).json()
    assert shown["order_info"]["order_type"] == 2
    assert shown["order_info"]["source_type"] == 1
    assert shown["order_info"]["status"] == 5
    assert shown["order_info"]["sub_order_infos"] == []
    [item] = shown["order_line_items"]
    assert (item["period_type"], item["period_num"]) == (2, 2)
    assert item["effective_time"] == "2026-12-23T16:00:00Z"
    assert item["expire_time"] == "2027-02-23T15:59:59Z"
    assert item["amount_after_discount"] == 170.00
    listed = await door.get(ORDERS, itself, query={"order_type": "2"})
    assert [one["order_id"] for one in listed.json()["order_infos"]] == [order_id]

    found = await resource_of(database, resource)
    first, second = found.periods
    assert second.begin_at == (first.end_at or clock.now) + timedelta(seconds=1)
    assert (second.order_id, second.cash_amount) == (order_id, Decimal("170.00"))
    assert (found.expire_at, found.status) == (second.end_at, 2)

    known = await outbox.stated(database)
    assert [fact.type for fact in known[-5:]] == [
        "order.created", "order.paid", "resource.renewed", "order.provisioned", "order.completed",
    ]  # fmt: skip
    told = known[-3].body
    assert (told["renewal_order_id"], told["is_automatic"]) == (order_id, False)
    assert [period["order_id"] for period in told["periods"]][1] == order_id
    assert ("resource.renew", order_id) in await audit.deeds(database)


async def test_attached_resources_are_renewed_with_their_main_one_and_several_are_combined(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: name members by line instead of by main resource."""
    customer = await keep_customer(database)
    disk = line(EBS, attach_to=1, **DISK)
    [server] = await bought(door, database, clock, customer, line(), disk)
    [other] = await bought(door, database, clock, customer)
    order_id = await renewed(door, database, clock, customer, server, other)
    itself = customer_principal(customer)
    shown = (await door.get(f"{DETAILS}/{order_id}", itself)).json()
    members = [one["order_id"] for one in shown["order_info"]["sub_order_infos"]]
    assert len(set(members)) == 2
    by_item = [item["order_id"] for item in shown["order_line_items"]]
    assert sorted(by_item) == sorted([by_item[0], by_item[0], by_item[2]])
    assert shown["order_info"]["amount_after_discount"] == 255.00
    async with database.transaction() as session:
        ends = await session.scalars(select(Resource.expire_at))
        assert {f"{end:%Y-%m-%d}" for end in ends if end} == {"2027-01-23"}

    answer = await renew(door, customer, server, other)
    [pending] = answer.json()["order_ids"]
    shown = (await door.get(f"{DETAILS}/{pending}", itself)).json()
    member = shown["order_info"]["sub_order_infos"][0]["order_id"]
    assert code_of(await door.post(PAY, payment(member), itself)) == (400, "CBC.99000089")


async def test_a_renewal_in_grace_is_in_use_again_and_begins_where_the_last_period_ended(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(status=5))
    clock.forward(days=40)
    await renewed(door, database, clock, customer, resource)
    found = await resource_of(database, resource)
    assert (found.status, f"{found.expire_at:%Y-%m-%d}") == (2, "2027-01-23")
    assert f"{found.periods[-1].begin_at:%Y-%m-%d}" == "2026-12-23"


async def test_the_unified_day_adds_days_to_the_price_and_to_the_end(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """The end is 29 December, the day the fifth: 7 days more (docs/domain/resources.md H.7)."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    found = await resource_of(database, resource)
    assert found.expire_at is not None
    await end_at(database, resource, found.expire_at + timedelta(days=6))
    async with database.transaction() as session:
        session.add(
            RenewalSettings(
                customer_id=customer, partner_id="p1", deduction_days=7, expire_day=5,
                updated_at=clock.now,
            )
        )  # fmt: skip
    await renewed(door, database, clock, customer, resource)
    found = await resource_of(database, resource)
    assert f"{found.expire_at:%Y-%m-%d %H:%M:%S}" == "2027-02-05 15:59:59"
    assert peers.asked("/internal/quotes")[-1]["lines"][0]["extra_days"] == 7


async def test_a_renewal_that_is_paid_at_once_needs_no_payment(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    answer = await renew(door, customer, resource, is_auto_pay=1)
    assert answer.status_code == 200, answer.text
    await carry_out(database, clock)
    assert (await resource_of(database, resource)).version == 2
    [order_id] = answer.json()["order_ids"]
    assert answer.json()["fail_resource_infos"] == []
    paid = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert code_of(paid) == (400, "CBC.99003106")


async def test_where_the_automatic_payment_fails_the_order_waits_and_is_named(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: raise without `beside`, so that nobody learns which order it is."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    peers.refusals["/internal/holds"] = (400, "CBC.99005003")
    answer = await renew(door, customer, resource, is_auto_pay=1)
    assert code_of(answer) == (400, "CBC.30050006")
    [order_id] = answer.json()["order_ids"]
    peers.refusals.clear()
    paid = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert paid.status_code == 204


async def test_a_members_renewal_is_paid_by_its_master_or_waits_for_it(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: pay as the customer; its hold is on the wrong account."""
    master = await keep_customer(database)
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    async with database.transaction() as session:
        member = await session.get_one(Customer, customer)
        member.paying_master_id = master
    answer = await renew(door, customer, resource, is_auto_pay=1)
    assert answer.status_code == 200, answer.text
    assert peers.asked("/internal/holds")[-1]["customer_id"] == master
    await carry_out(database, clock)
    assert (await resource_of(database, resource)).periods[-1].payer_id == master

    peers.refusals["/internal/holds"] = (400, "CBC.99005003")
    answer = await renew(door, customer, resource, is_auto_pay=1)
    [order_id] = answer.json()["order_ids"]
    asked = [
        fact for fact in await outbox.stated(database)
        if fact.type == "order.payment_requested" and fact.body["order_id"] == order_id
    ]  # fmt: skip
    assert len(asked) == 1


async def test_what_cannot_be_renewed_is_refused_whole_and_nothing_is_written(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Every refusal of H.7 that can be provoked."""
    customer = await keep_customer(database)
    disk = line(EBS, attach_to=1, **DISK)
    [server] = await bought(door, database, clock, customer, line(), disk)
    stranger = await keep_customer(database)
    [theirs] = await bought(door, database, clock, stranger)
    async with database.transaction() as session:
        attached = (
            await session.scalars(
                select(Resource.resource_id).where(Resource.main_resource_id == server)
            )
        ).one()
    facts = len(await outbox.types(database))

    for code, ids, more in [
        ("CBC.99003016", ("nothing",), {}),
        ("CBC.99003016", (theirs,), {}),
        ("CBC.99003016", (server, theirs), {}),
        ("CBC.30010036", (attached,), {}),
        ("CBC.30010036", (server, attached), {}),
        ("CBC.0100", (server, server), {}),
        ("CBC.0100", tuple(f"r{number}" for number in range(11)), {}),
        ("CBC.0100", (), {}),
        ("CBC.99000092", (server,), {"period_type": 3, "period_num": 4}),
        ("CBC.0100", (server,), {"period_num": 12}),
        ("CBC.0100", (server,), {"period_num": 0}),
        ("CBC.0100", (server,), {"period_type": 4}),
        ("CBC.0100", (server,), {"is_auto_pay": 2}),
    ]:
        answer = await renew(door, customer, *ids, **more)
        assert code_of(answer) == (400, code), (code, ids, more)
    peers.refusals["/internal/quotes"] = (400, "CBC.99006006")
    assert code_of(await renew(door, customer, server)) == (400, "CBC.30010069")
    peers.refusals.clear()
    assert len(await outbox.types(database)) == facts


async def test_an_end_more_than_ten_years_ahead_is_refused(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Ten years to the day are allowed."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer, line(period_type=3, period_num=5))
    for _ in range(2):
        await renewed(door, database, clock, customer, resource, period_type=3, period_num=2)
    answer = await renew(door, customer, resource, period_type=3, period_num=2)
    assert code_of(answer) == (400, "CBC.99003154")
    await renewed(door, database, clock, customer, resource, period_type=3, period_num=1)
    assert code_of(await renew(door, customer, resource)) == (400, "CBC.99003154")
    assert (await resource_of(database, resource)).expire_at is not None


async def test_what_stands_in_another_order_is_neither_renewed_nor_unsubscribed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Until that order is cancelled, or carried out. Break: leave out `check_orders`."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    itself = customer_principal(customer)
    [order_id] = (await renew(door, customer, resource)).json()["order_ids"]
    assert code_of(await renew(door, customer, resource)) == (400, "CBC.99003100")
    given_back = {"resource_ids": [resource], "unsubscribe_type": 1}
    assert code_of(await door.post(UNSUBSCRIBE, given_back, itself)) == (400, "CBC.99003100")
    assert (await door.put(CANCEL, {"order_id": order_id}, itself)).status_code == 204

    [order_id] = (await renew(door, customer, resource)).json()["order_ids"]
    assert (await door.post(PAY, payment(order_id), itself)).status_code == 204
    async with database.transaction() as session:  # not carried out yet
        await session.execute(update(Order).values(provision_at=clock.now + timedelta(days=1)))
        await session.execute(update(Order).where(Order.order_id == order_id).values(status=3))
    assert code_of(await renew(door, customer, resource)) == (400, "CBC.99003144")
    assert code_of(await door.post(UNSUBSCRIBE, given_back, itself)) == (400, "CBC.99003651")


async def test_who_is_frozen_or_lacks_the_grant_renews_nothing(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database, authorized=False)
    other = await keep_customer(database)
    [resource] = await bought(door, database, clock, other)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(customer_id=customer))
    acting = customer_principal(customer, acting_for_partner="p1")
    body = {"resource_ids": [resource], "period_type": 2, "period_num": 1}
    path = "/v2/orders/subscriptions/resources/renew"
    assert code_of(await door.post(path, body, acting)) == (403, "CHB.1001")
    assert (await door.post(path, body, OTHER_PARTNER)).status_code == 403
    async with database.transaction() as session:
        await session.execute(update(Customer).values(is_frozen=1))
    assert code_of(await renew(door, customer, resource)) == (403, "CBC.0155")


async def test_the_unsubscription_of_a_renewal_gives_it_back_whole(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Type 2: the renewed periods that have not begun."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    end = (await resource_of(database, resource)).expire_at
    order_id = await renewed(door, database, clock, customer, resource, period_num=3)
    body = {"resource_ids": [resource], "unsubscribe_type": 2}
    answer = await door.post(UNSUBSCRIBE, body, customer_principal(customer))
    assert answer.status_code == 200, answer.text
    [refunded] = await outbox.bodies(database, "order.refunded")
    assert [(part["base_order_id"], part["cash_amount"]) for part in refunded["refunds"]] == [
        (order_id, "255.00")
    ]
    assert (await resource_of(database, resource)).expire_at == end
    await renewed(door, database, clock, customer, resource)
    assert f"{(await resource_of(database, resource)).expire_at:%Y-%m-%d}" == "2027-01-23"
