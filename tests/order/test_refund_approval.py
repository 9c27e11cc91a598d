"""Large refunds wait for an administrator, and a rule of a sandbox sends orders to a review.

See docs/domain/orders.md B.5, H.11 and decision 0103.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from chassis.database import Database
from chassis.parts import ServiceApp
from order.app import build
from order.copies import Customer
from order.orders.end_with_association import end_orphaned_orders
from order.parts import OrderParts
from order.provisioning.complete_orders import complete_orders
from order.refunds.models import Refund
from order.sandbox.rehearsed_provider import RehearsedProvider
from order.settings import OrderSettings
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble
from tests.order.resource_builders import opened, resource_of
from tests.order.test_change_resources import LARGE, SMALL, change, ordered, server
from tests.order.test_conversions import convert
from tests.order.test_failed_pieces import Failing
from tests.order.test_order_life import decide
from tests.order.test_provisioning_rules import rule, used
from tests.order.test_unsubscribe_resources import renewed, rows, unsubscribe

pytestmark = pytest.mark.postgres

WAITS, HELD, DONE = 1, 2, 5  # statuses


@pytest.fixture
async def app(
    order_database: ServiceDatabase, peers: PeerDouble, clock: StandingClock
) -> AsyncIterator[ServiceApp[OrderParts]]:
    """A sandbox where 85.00, the price of a line, is a large refund."""
    settings = order_database.settings(
        OrderSettings,
        billing_url=peers.url,
        voucher_url=peers.url,
        sandbox=True,
        refund_approval_from=Decimal("85.00"),
    )
    app = build(settings, clock)
    async with app.router.lifespan_context(app):
        yield app


async def shown(door: Door, order_id: str) -> dict[str, Any]:
    answer = await door.get(f"/api/orders/{order_id}", ADMINISTRATOR)
    order: dict[str, Any] = answer.json()
    return order


async def given_up(door: Door, customer: str, *resource_ids: str, kind: int = 1) -> dict[str, Any]:
    """The order of an unsubscription that is accepted."""
    answer = await unsubscribe(door, customer, *resource_ids, kind=kind)
    assert answer.status_code == 200, answer.text
    [order_id] = answer.json()["order_ids"]
    return await shown(door, order_id)


async def refunds(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Refund)) or 0


async def test_a_large_refund_waits_until_it_is_approved(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: compare with `>` in `Approvals.holds`; let `_approve_refund` refuse nothing."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    order = await given_up(door, customer, resource)
    order_id = order["order_id"]
    assert (order["status"], order["completed_at"]) == (HELD, None)
    known = await outbox.stated(database)
    assert [stated for stated, _ in known[-3:]] == [
        "order.created", "resource.unsubscribed", "order.refund_held",
    ]  # fmt: skip
    held = known[-1][1]
    assert (held["status"], held["refunds"][0]["cash_amount"]) == (HELD, "85.00")
    listed = (await door.get(ORDERS, customer_principal(customer))).json()["order_infos"]
    assert (listed[0]["order_id"], listed[0]["status"]) == (order_id, HELD)
    assert await rows(door, customer, order_id) == ["-85.00"]

    clock.forward(days=40)
    refused = await decide(door, order, "refuse")
    assert (refused.status_code, refused.json()["code"]) == (409, "CHB.0409")
    assert len(await outbox.stated(database)) == len(known)
    approved = await decide(door, order, "approve")
    assert (approved.status_code, approved.json()["status"]) == (200, DONE)
    (first, refunded), (last, completed) = (await outbox.stated(database))[len(known) :]
    assert (first, last) == ("order.refunded", "order.completed")
    assert refunded["refunds"] == held["refunds"]
    assert (refunded["version"], completed["version"]) == (held["version"] + 1, held["version"] + 2)
    assert (await audit.deeds(database))[-1] == ("order.review", order_id)
    assert (await decide(door, order, "approve")).json()["code"] == "CHB.0409"

    history = (await door.get(f"/api/orders/{order_id}/history", PARTNER)).json()["history"]
    assert [(one["event"], one["to_status"]) for one in history] == [
        ("order.created", 3), ("order.refund_held", 2), ("order.refunded", 2),
        ("order.completed", 5),
    ]  # fmt: skip
    assert (history[1]["by"], history[2]["by"]) == (customer, "administrator")


async def test_what_a_change_gives_back_is_held_though_the_resource_is_changed(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: hand `place_for_customer` no approvals."""
    peers.discount = Decimal("0.00")
    peers.prices = {SMALL: Decimal("10.00"), LARGE: Decimal("500.00")}
    customer, resource = await server(door, database, clock, LARGE)
    order = await ordered(door, change(customer, resource, spec=SMALL), HELD)
    assert (await outbox.types(database))[-1] == "order.refund_held"
    assert (await resource_of(database, resource)).resource_spec_code == SMALL
    assert (await decide(door, order, "approve")).json()["status"] == DONE


async def test_a_smaller_refund_and_a_failed_piece_are_given_back_at_once(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: ask for an approval in `give_failed_back`, too."""
    customer = await keep_customer(database)
    failed = await place(door, customer)
    await door.post(PAY, payment(failed["order_id"]), customer_principal(customer))
    clock.forward(seconds=2)
    await complete_orders(database, Failing(1), clock.now)
    assert (await outbox.types(database))[-2:] == ["order.completed", "order.completed"]
    [resource] = await opened(door, database, clock, customer)
    clock.forward(days=6)
    order = await given_up(door, customer, resource)
    assert (order["status"], Decimal(order["amount_after_discount"]) < 85) == (DONE, True)
    assert "order.refund_held" not in await outbox.types(database)


async def test_a_rule_sends_so_many_purchases_to_a_review(door: Door, database: Database) -> None:
    """Break: count no use in `take_review_rule`."""
    customer = await keep_customer(database)
    made = await rule(door, customer_id=customer, outcome="review", times=1)
    held = await place(door, customer, hold_for="confirmation")
    first, second = await place(door, customer), await place(door, customer)
    other = await place(door, await keep_customer(database))
    assert [one["status"] for one in (held, first, second, other)] == [9, WAITS, 6, 6]
    assert await used(door) == {made["rule_id"]: 1}
    assert (await decide(door, first, "approve")).json()["status"] == 6


async def test_a_reviewed_purchase_is_provisioned_like_any_other(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let `rules_for` find rules for reviews, too."""
    customer = await keep_customer(database)
    order = await place(door, customer)
    await rule(door, product_id=order["lines"][0]["product_id"], outcome="review")
    paid = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert paid.status_code == 204
    clock.forward(seconds=2)
    await complete_orders(database, RehearsedProvider(), clock.now)
    assert (await shown(door, order["order_id"]))["status"] == DONE
    assert list((await used(door)).values()) == [0]


async def test_a_reviewed_unsubscription_is_carried_out_with_what_it_was_asked_for(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: publish the order as one that is carried out at once."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    clock.forward(days=5)
    await rule(door, customer_id=customer, outcome="review", times=1)
    order = await given_up(door, customer, resource)
    assert order["status"] == WAITS
    assert (await outbox.types(database))[-1] == "order.created"
    assert (await resource_of(database, resource)).status == 2
    busy = await unsubscribe(door, customer, resource)
    assert busy.json()["error_code"] == "CBC.99003100"

    clock.forward(days=3)
    approved = (await decide(door, order, "approve")).json()
    assert (approved["status"], approved["amount_after_discount"]) == (
        DONE, order["amount_after_discount"],
    )  # fmt: skip
    assert (await outbox.types(database))[-4:] == [
        "order.reviewed", "resource.unsubscribed", "order.refunded", "order.completed",
    ]  # fmt: skip
    assert (await resource_of(database, resource)).status == 3


async def test_a_refused_unsubscription_changes_nothing_and_may_be_asked_for_again(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: keep the refunds of the refused order."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await rule(door, customer_id=customer, outcome="review", times=1)
    order = await given_up(door, customer, resource)
    refused = (await decide(door, order, "refuse")).json()
    assert (refused["status"], refused["end_reason"]) == (4, "refused")
    assert (await outbox.types(database))[-2:] == ["order.reviewed", "order.cancelled"]
    assert await refunds(database) == 0
    assert (await resource_of(database, resource)).status == 2
    again = await given_up(door, customer, resource)
    assert again["status"] == HELD


async def test_reviewed_renewals_leave_the_period_in_effect(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let `end_reviewed_periods` close whatever the order names."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    ends = await renewed(database, resource)
    await rule(door, customer_id=customer, outcome="review", times=1)
    order = await given_up(door, customer, resource, kind=2)
    assert (order["status"], order["amount_after_discount"]) == (WAITS, "50.00")
    assert (await decide(door, order, "approve")).json()["status"] == DONE
    left = await resource_of(database, resource)
    assert (left.status, str(left.expire_at)) == (2, ends)


async def test_a_conversion_is_answered_with_audit_and_done_when_it_is_approved(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: answer SUCCESS for an order that waits."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await rule(door, customer_id=customer, outcome="review", times=1)
    clock.forward(days=10)
    [result] = await convert(door, customer, resource)
    assert (result["resource_id"], result["result"]) == (resource, "AUDIT")
    assert (await resource_of(database, resource)).charging_mode == 1
    order = await shown(door, result["order_id"])
    assert (order["status"], order["order_type"]) == (WAITS, 10)
    assert (await decide(door, order, "approve")).json()["status"] == DONE
    assert (await resource_of(database, resource)).charging_mode == 3


async def test_what_gives_something_back_outlives_the_association(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: end it with the orders that wait for a payment."""
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await rule(door, customer_id=customer, outcome="review", times=2)
    order, purchase = await given_up(door, customer, resource), await place(door, customer)
    async with database.transaction() as session:
        left = update(Customer).where(Customer.customer_id == customer)
        await session.execute(left.values(association_status="unlinked"))
    await end_orphaned_orders(database, clock.now + timedelta(days=1))
    assert (await shown(door, order["order_id"]))["status"] == WAITS
    assert (await shown(door, purchase["order_id"]))["status"] == 4
    assert (await decide(door, order, "approve")).json()["status"] == HELD
