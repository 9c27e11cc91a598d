"""Unsubscribing resources: what goes back, what is refused, and what is stated.

See docs/domain/resources.md H.9.
"""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from chassis.database import Database
from order.copies import Customer
from order.orders.models import Order, OrderLine
from order.provisioning.complete_orders import complete_orders
from order.refunds.models import Refund
from order.resources.models import Resource, ResourcePeriod
from order.resources.provider import SimulatedProvider
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    OTHER_PARTNER,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
REFUND = "/v2/orders/customer-orders/refund-orders"
DETAILS = "/v2/orders/customer-orders/details"
DISK = {"resource_type_code": "hws.resource.type.volume", "resource_spec_code": "SSD"}
EBS = "hws.service.type.ebs"


async def bought(
    door: Door, database: Database, clock: StandingClock, customer: str, *lines: dict[str, Any],
    coupons: tuple[str, ...] = (), flexi: str | None = None, card: str | None = None,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """An order that was paid and opened at once; its main resources' ids."""
    order = await place(door, customer, list(lines) or [line()])
    paid = payment(order["order_id"], *coupons, flexi=flexi, card=card)
    answer = await door.post(PAY, paid, customer_principal(customer))
    assert answer.status_code == 204, answer.text
    clock.now += timedelta(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    async with database.transaction() as session:
        found = await session.scalars(
            select(Resource.resource_id)
            .where(Resource.order_id == order["order_id"], Resource.main_resource_id.is_(None))
            .order_by(Resource.line_id, Resource.resource_id)
        )
        return order, list(found)


async def unsubscribe(
    door: Door, customer: str, *resource_ids: str, kind: int = 1, **more: Any
) -> httpx.Response:
    body = {"resource_ids": list(resource_ids), "unsubscribe_type": kind, **more}
    return await door.post(UNSUBSCRIBE, body, customer_principal(customer))


async def renewed(database: Database, resource_id: str) -> str:
    """A period behind the first one, paid by another order for 50.00 in cash."""
    async with database.transaction() as session:
        resource = await session.get_one(Resource, resource_id)
        first = resource.periods[0]
        assert first.end_at is not None
        begin = first.end_at + timedelta(seconds=1)
        period = ResourcePeriod(
            period_id=f"renewal of {resource_id}", resource_id=resource_id,
            customer_id=resource.customer_id, partner_id=resource.partner_id,
            order_id="CS-RENEWAL", line_id="CS-RENEWAL-1", begin_at=begin,
            end_at=begin + timedelta(days=30), official_amount=Decimal("50.00"),
            coupon_amount=Decimal("0.00"), flexipurchase_coupon_amount=Decimal("0.00"),
            stored_card_amount=Decimal("0.00"), cash_amount=Decimal("50.00"),
            credit_amount=Decimal("0.00"), coupons=[],
        )  # fmt: skip
        session.add(period)
        resource.expire_at = period.end_at
        return str(first.end_at)


async def rows(door: Door, customer: str, order_id: str) -> list[str]:
    answer = await door.get(REFUND, customer_principal(customer), query={"order_id": order_id})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total_count"] == len(found["refund_infos"])
    assert all(row["measure_id"] == "1" for row in found["refund_infos"])
    return [f"{Decimal(str(row['amount'])):.2f}" for row in found["refund_infos"]]


async def test_within_five_days_everything_goes_back_coupons_included(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.coupons = {"CP1": (1, "20.00"), "CP2": (4, "30.00"), "SC1": (5, "10.00")}
    peers.credit = Decimal("5.00")
    order, [resource] = await bought(
        door, database, clock, customer, coupons=("CP1",), flexi="CP2", card="SC1"
    )
    clock.now += timedelta(days=5, seconds=-1)
    answer = await unsubscribe(door, customer, resource, unsubscribe_reason_type=5)
    assert answer.status_code == 200, answer.text
    [order_id] = answer.json()["order_ids"]
    assert answer.json()["fail_resource_infos"] == []
    assert await rows(door, customer, order_id) == ["-85.00"]

    known = await outbox.stated(database)
    assert [stated for stated, _ in known[-4:]] == [
        "order.created", "resource.unsubscribed", "order.refunded", "order.completed",
    ]  # fmt: skip
    refunded = known[-2][1]
    assert (refunded["order_type"], refunded["amount_after_discount"]) == (4, "85.00")
    [part] = refunded["refunds"]
    assert (part["rule"], part["base_order_id"]) == ("five_days", order["order_id"])
    assert (part["cash_amount"], part["credit_amount"]) == ("20.00", "5.00")
    assert part["stored_card_amount"] == "10.00"
    assert [(one["coupon_id"], one["amount"]) for one in part["coupons"]] == [
        ("CP1", "20.00"), ("CP2", "30.00"), ("SC1", "10.00"),
    ]  # fmt: skip
    closed = known[-3][1]
    assert (closed["status"], closed["periods"]) == (3, [])
    shown = (await door.get(f"{DETAILS}/{order_id}", customer_principal(customer))).json()
    info = shown["order_info"]
    assert (info["status"], info["order_type"], info["official_amount"]) == (5, 4, 85.0)
    assert info["amount_info"]["coupon_amount"] == 20.0
    assert (await audit.deeds(database))[-1] == ("resource.unsubscribe", order_id)


async def test_afterwards_what_is_not_used_up_goes_back_less_the_fee(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: count the hours of the five-day rule from the payment."""
    peers.official, peers.discount = Decimal("120.00"), Decimal("0.00")
    peers.coupons = {"CP1": (1, "20.00"), "CP2": (4, "30.00")}
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer, coupons=("CP1",), flexi="CP2")
    clock.now += timedelta(days=5)
    answer = await unsubscribe(door, customer, resource)
    [order_id] = answer.json()["order_ids"]
    # Opened 2026-11-23 10:00:02 to 12-23 23:59:59: 734 hours, of which 120 are used.
    assert await rows(door, customer, order_id) == ["-100.00", "16.34", "10.00"]
    refunded = (await outbox.stated(database))[-2][1]
    assert refunded["amount_after_discount"] == "73.66"
    assert (refunded["consumed_amount"], refunded["commission_amount"]) == ("16.34", "10.00")
    [part] = refunded["refunds"]
    assert (part["flexipurchase_coupon_amount"], part["cash_amount"]) == ("22.10", "51.56")
    assert [(one["coupon_id"], one["amount"]) for one in part["coupons"]] == [("CP2", "22.10")]
    path = f"{DETAILS}/{order_id}"
    info = (await door.get(path, customer_principal(customer))).json()["order_info"]
    assert info["amount_info"]["consumed_amount"] == 16.34
    assert info["amount_info"]["commission_amount"] == 10.0


async def test_a_renewal_that_has_not_begun_goes_back_whole_and_alone_if_asked(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer)
    none_yet = await unsubscribe(door, customer, resource, kind=2)
    assert (none_yet.status_code, none_yet.json()["error_code"]) == (400, "CBC.99003128")
    first_end = await renewed(database, resource)
    [order_id] = (await unsubscribe(door, customer, resource, kind=2)).json()["order_ids"]
    assert await rows(door, customer, order_id) == ["-50.00"]
    async with database.transaction() as session:
        left = await session.get_one(Resource, resource)
        assert (left.status, str(left.expire_at)) == (2, first_end)
        counted = (await session.scalars(select(Refund.counts))).all()
        assert counted == [False]
    assert (await outbox.types(database))[-4:] == [
        "order.created", "resource.changed", "order.refunded", "order.completed",
    ]  # fmt: skip
    again = await unsubscribe(door, customer, resource, kind=2)
    assert again.json()["error_code"] == "CBC.99003128"


async def test_with_the_resource_its_renewals_go_back_each_by_its_own_rule(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order, [resource] = await bought(door, database, clock, customer)
    await renewed(database, resource)
    clock.now += timedelta(days=5)
    [order_id] = (await unsubscribe(door, customer, resource)).json()["order_ids"]
    # 85.00 x 120 / 734 hours and a tenth of 85.00; the renewal goes back whole.
    assert await rows(door, customer, order_id) == ["-85.00", "13.89", "8.50", "-50.00"]
    parts = (await outbox.stated(database))[-2][1]["refunds"]
    assert [(one["rule"], one["base_order_id"]) for one in parts] == [
        ("conditional", order["order_id"]), ("not_effective", "CS-RENEWAL"),
    ]  # fmt: skip


async def test_several_main_resources_are_a_combined_order_and_attached_ones_go_with_theirs(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    lines = [line(quantity=2), line(EBS, attach_to=1, quantity=2, **DISK)]
    _, mains = await bought(door, database, clock, customer, *lines)
    answer = await unsubscribe(door, customer, *mains)
    [order_id] = answer.json()["order_ids"]
    assert await rows(door, customer, order_id) == ["-85.00"] * 4
    async with database.transaction() as session:
        order = await session.get_one(Order, order_id)
        members = [one.member_order_id for one in order.lines]
        statuses = (await session.scalars(select(Resource.status))).all()
        counted = (await session.scalars(select(Refund.counts))).all()
    assert order.is_combined
    assert len(set(members)) == 2
    assert set(statuses) == {3}
    assert sorted(counted) == [False, False, True, True], "a main one counts with what is its own"
    assert await rows(door, customer, str(members[0])) == ["-85.00"] * 2


async def test_ten_within_five_days_in_a_beijing_year_and_no_more(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """A line of three counts three."""
    customer = await keep_customer(database)
    _, nine = await bought(door, database, clock, customer, line(quantity=9))
    assert (await unsubscribe(door, customer, *nine)).status_code == 200
    _, three = await bought(door, database, clock, customer, line(quantity=3))
    clock.now += timedelta(days=1)
    [order_id] = (await unsubscribe(door, customer, *three)).json()["order_ids"]
    parts = (await outbox.stated(database))[-2][1]["refunds"]
    assert [one["rule"] for one in parts] == ["five_days", "conditional", "conditional"]
    assert (await rows(door, customer, order_id))[0] == "-85.00"
    # Opened a second before the year turns in Beijing: until then one more is the eleventh.
    clock.now = clock.now.replace(month=12, day=31, hour=15, minute=59, second=57)
    _, two = await bought(door, database, clock, customer, line(quantity=2))
    for one, rule in zip(two, ("conditional", "five_days"), strict=True):
        await unsubscribe(door, customer, one)
        [part] = (await outbox.stated(database))[-2][1]["refunds"]
        assert part["rule"] == rule
        clock.now += timedelta(seconds=1)


async def test_a_resource_goes_back_once(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer)
    answers = await asyncio.gather(*(unsubscribe(door, customer, resource) for _ in range(4)))
    codes = sorted(answer.json().get("error_code", "done") for answer in answers)
    assert codes == ["CBC.30000067"] * 3 + ["done"]
    assert (await outbox.types(database)).count("order.refunded") == 1


@pytest.mark.parametrize(
    ("status", "code"), [(3, "CBC.30000067"), (4, "CBC.99003656"), (5, "CBC.30000067")]
)
async def test_what_is_closed_frozen_or_expired_is_refused_as_a_whole(
    door: Door, database: Database, clock: StandingClock, status: int, code: str
) -> None:
    customer = await keep_customer(database)
    _, [first, second] = await bought(door, database, clock, customer, line(quantity=2))
    async with database.transaction() as session:
        await session.execute(
            update(Resource).where(Resource.resource_id == second).values(status=status)
        )
    await refused(door, database, customer, code, first, second)


@pytest.mark.parametrize(
    ("status", "code"),
    [(6, "CBC.99003100"), (1, "CBC.99003100"), (9, "CBC.99003100"), (3, "CBC.99003651")],
)
async def test_what_an_order_under_way_names_is_refused(
    door: Door, database: Database, clock: StandingClock, status: int, code: str
) -> None:
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer)
    other = await place(door, customer)
    async with database.transaction() as session:
        order_id = other["order_id"]
        await session.execute(
            update(OrderLine).where(OrderLine.order_id == order_id).values(resource_id=resource)
        )
        await session.execute(update(Order).where(Order.order_id == order_id).values(status=status))
    await refused(door, database, customer, code, resource)


async def test_unknown_foreign_attached_and_on_demand_resources_are_refused(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    on_demand = line(charging_mode=3, period_type=None, period_num=None)
    lines = [line(), line(EBS, attach_to=1, **DISK), on_demand]
    _, mains = await bought(door, database, clock, customer, *lines)
    async with database.transaction() as session:
        by_kind = {
            (one.charging_mode, one.main_resource_id is None): one.resource_id
            for one in await session.scalars(select(Resource))
        }
    main, attached, free = by_kind[1, True], by_kind[1, False], by_kind[3, True]
    await refused(door, database, customer, "CBC.99003012", main, "nobody")
    await refused(door, database, stranger, "CBC.99003012", main)
    await refused(door, database, customer, "CBC.99003012", free)
    await refused(door, database, customer, "CBC.99003185", attached)
    assert len(mains) == 2
    assert (await unsubscribe(door, customer, main, attached)).status_code == 200


async def test_bad_input_and_other_callers_change_nothing(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer)
    await refused(door, database, customer, "CBC.0100", resource, resource)
    await refused(door, database, customer, "CBC.0100")
    await refused(door, database, customer, "CBC.0100", *(f"r{n}" for n in range(11)))
    for kind in (0, 3):
        await refused(door, database, customer, "CBC.0100", resource, kind=kind)
    before = await outbox.stated(database)
    for principal in (PARTNER, OTHER_PARTNER):
        body = {"resource_ids": [resource], "unsubscribe_type": 1}
        answer = await door.post(UNSUBSCRIBE, body, principal)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0151")
    assert await outbox.stated(database) == before


async def test_a_frozen_customer_gives_nothing_back(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    _, [resource] = await bought(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(
            update(Customer).where(Customer.customer_id == customer).values(is_frozen=2)
        )
    await refused(door, database, customer, "CBC.30000052", resource)


async def test_the_rows_of_a_refund_are_for_who_sees_the_order(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order, [resource] = await bought(door, database, clock, customer)
    [order_id] = (await unsubscribe(door, customer, resource)).json()["order_ids"]
    assert await rows(door, customer, order["order_id"]) == [], "it gave nothing back"
    assert await rows(door, customer, order_id.lower()) == ["-85.00"]
    mine = await door.get(REFUND, PARTNER, query={"order_id": order_id, "customer_id": customer})
    assert mine.json()["total_count"] == 1
    for principal, query, code in (
        (PARTNER, {}, "CBC.0100"),
        (PARTNER, {"customer_id": stranger}, "CBC.30000010"),
        (OTHER_PARTNER, {"customer_id": customer}, "CBC.30000010"),
        (customer_principal(stranger), {}, "CBC.30000010"),
    ):
        answer = await door.get(REFUND, principal, query={"order_id": order_id, **query})
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    ignored = await door.get(
        REFUND,
        customer_principal(customer),
        query={"order_id": order_id, "customer_id": stranger},
    )
    assert ignored.json()["total_count"] == 1


async def refused(
    door: Door, database: Database, customer: str, code: str, *resources: str, kind: int = 1
) -> None:
    """With the code, and nothing is changed or stated."""
    before = await outbox.stated(database)
    answer = await unsubscribe(door, customer, *resources, kind=kind)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code), answer.text
    assert await outbox.stated(database) == before
