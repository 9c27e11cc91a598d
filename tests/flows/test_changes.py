"""A change up and down, and on-demand to a period, through five services: all agree to the cent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.identity import Principal
from testkit.databases import Templates
from tests.flows.order_life.invariants import breaches
from tests.flows.order_life.state import BALANCE, State, read_state
from tests.flows.order_life.world import ORDER, PAY, RESOURCES, VOUCHER, World, world
from tests.order.builders import line, payment
from tests.order.resource_builders import HOURLY

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # in Beijing: to the end of 23 December 732 hours
SMALL, LARGE = "s6.small.1.linux", "s6.large.2.linux"
COUPONS = "/v2/promotions/benefits/partner-coupons"
MOMENT, DAY = timedelta(seconds=2), timedelta(days=1)


class Story:
    """A partner, its customer with 1000.00, and what the customer has left after each deed."""

    def __init__(self, stage: World, partner: Principal, customer: Principal):
        self.stage, self.partner, self.customer = stage, partner, customer

    async def quoted_and_placed(self, **wanted: Any) -> dict[str, Any]:
        """The order costs, or gives back, what its quote says."""
        body = {"customer_id": self.customer.id, **wanted}
        quoted = await self.stage.done(ORDER, "POST", "/api/orders/quotes", body, self.partner)
        assert quoted["refusals"] == []
        placed = await self.stage.done(ORDER, "POST", "/api/orders", body, self.partner)
        assert placed["amount_after_discount"] == quoted["amount_after_discount"]
        return placed

    async def paid(self, order: dict[str, Any], discount: int = 0, coupon: str = "") -> None:
        """With the discount of that type that the order is offered; then it is carried out."""
        body = payment(order["order_id"])
        if discount:
            state = await read_state(self.stage.system, self.stage.now)
            [offer] = [
                x.discount_id for x in state.offers
                if (x.order_id, x.discount_type) == (order["order_id"], discount)
            ]  # fmt: skip
            infos = [{"id": offer, "type": discount}]
            body |= {"use_discount": "YES", "discount_infos": infos}
        if coupon:
            body |= {"use_coupon": "YES", "coupon_infos": [{"id": coupon, "type": 302}]}
        await self.stage.done(ORDER, "POST", PAY, body, self.customer)
        await self.passes(MOMENT)

    async def passes(self, span: timedelta) -> None:
        """Time, with all that is due."""
        async for _ in self.stage.stops_until(self.stage.now + span):
            pass

    async def given_back(self, resource_id: str) -> str:
        """The order that unsubscribes it."""
        told = {"resource_ids": [resource_id], "unsubscribe_type": 1}
        path = f"{RESOURCES}/unsubscribe"
        answer = await self.stage.done(ORDER, "POST", path, told, self.customer)
        return str(answer["order_ids"][0])

    async def agree(self, order_id: str, billed: str, balance: str, coupon: str = "") -> State:
        """All agree: the bill of one order in all, and what its customer has left."""
        state = await read_state(self.stage.system, self.stage.now)
        assert breaches(state) == []
        assert sum(state.bills[order_id], Decimal()) == Decimal(billed)
        assert state.accounts[self.customer.id, BALANCE].balance == Decimal(balance)
        if coupon:
            assert [str(one.balance) for one in state.coupons.values()] == [coupon]
        return state


@pytest.fixture
async def story(service_templates: Templates) -> AsyncIterator[Story]:
    async with world(service_templates) as stage:
        await stage.empty("china", NOON)
        partner = await stage.partner("seller", "9000.00")
        yield Story(stage, partner, await stage.customer(partner, "1000.00", "0"))


async def flexi_coupon(story: Story, face: str) -> str:
    told = {
        "quota_id": await story.stage.quota(story.partner, 1),
        "customer_ids": [story.customer.id], "face_value": face,
    }  # fmt: skip
    made = await story.stage.done(VOUCHER, "POST", COUPONS, told, story.partner)
    return str(made["coupon_infos"][0]["coupon_id"])


async def test_a_resource_becomes_larger_and_smaller_again_and_everything_agrees(
    story: Story,
) -> None:
    """Break: let billing post a change's refund as a charge; the flexi coupon in `share`."""
    coupon = await flexi_coupon(story, "20.00")
    bought = await story.quoted_and_placed(lines=[line(resource_spec_code=SMALL)])
    await story.paid(bought)
    state = await story.agree(bought["order_id"], "32.20", "967.80")
    [resource] = state.resources

    await story.passes(2 * DAY)
    named = {"order_type": 3, "resource_ids": [resource]}
    larger = await story.quoted_and_placed(**named, resource_spec_code=LARGE)
    assert larger["amount_after_discount"] == "90.26"  # (128.80 - 32.20) x 684 / 732
    await story.paid(larger, 3, coupon)  # 90.26 x 0.9, 20.00 of it by the coupon
    state = await story.agree(larger["order_id"], "81.23", "906.57", "0.00")
    assert state.resources[resource].resource_spec_code == LARGE

    await story.passes(3 * DAY)
    smaller = await story.quoted_and_placed(**named, resource_spec_code=SMALL)
    assert smaller["amount_after_discount"] == "72.67"  # 81.23 x 612 / 684
    state = await story.agree(smaller["order_id"], "-72.67", "966.18", "13.06")
    assert state.resources[resource].resource_spec_code == SMALL
    assert state.orders[smaller["order_id"]].status == 5

    # Of 32.20 and 81.23 there went back 19.64 and 53.03; 5.27 and 8.55 are used, 10 % the fee.
    refund = await story.given_back(resource)
    state = await story.agree(refund, "-22.87", "984.91", "17.20")
    fees = [one.commission_amount for one in state.refunds_of(refund)]
    assert sorted(fees) == [Decimal("1.25"), Decimal("2.82")]


async def test_what_is_used_on_demand_is_paid_for_a_month_and_everything_agrees(
    story: Story,
) -> None:
    """Break: charge the period at once by its list price; give it back by the five days."""
    bought = await story.quoted_and_placed(lines=[line(resource_spec_code=SMALL, **HOURLY)])
    await story.paid(bought)
    state = await read_state(story.stage.system, story.stage.now)
    [resource] = state.resources
    await story.passes(DAY)
    named = {"order_type": 11, "resource_ids": [resource], "period_type": 2, "period_num": 1}
    order = await story.quoted_and_placed(**named)
    assert order["amount_after_discount"] == "32.20"
    await story.paid(order, 2)  # x 0.83, cut
    state = await story.agree(order["order_id"], "26.72", "973.28")
    assert state.resources[resource].charging_mode == 1

    await story.passes(DAY)
    refund = await story.given_back(resource)
    # 24 of 732 hours are used: 0.87; the fee is 2.67
    state = await story.agree(refund, "-23.18", "996.46")
    assert [one.rule for one in state.refunds] == ["conditional"]
