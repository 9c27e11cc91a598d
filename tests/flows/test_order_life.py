"""Random lives of orders, the short form of `make prove-orders`."""

import pytest

from testkit.databases import Templates
from tests.flows.order_life.changes import OrderLife
from tests.flows.order_life.machine import BEGINS, DAY, GOODS, HOUR, VM
from tests.flows.order_life.model import CASH_COUPON
from tests.flows.order_life.packages import SMALL
from tests.flows.order_life.prove import in_world, live

pytestmark = pytest.mark.postgres

SEED = 20261129  # the same lives each time: what is new is looked for by the long form
LIVES, STEPS = 3, 18
FACE, DAYS_OF_COUPON = "500.00", 300


def a_chosen_life() -> None:
    """What lots seldom draw: a fee, and a coupon that pays for what is not opened."""
    life = OrderLife()
    life.set_the_scene(site="china", now=BEGINS[0])
    first = 0
    life.let_time_pass(5 * DAY + HOUR)
    life.unsubscribe(first, [0], 1)  # behind the five days: less what is used up, and the fee
    life.issue_coupon(first, FACE, CASH_COUPON, DAYS_OF_COUPON)
    life.let_provisioning_fail(first, "fail", 1)
    newest = len([x for x in life.model.coupons.values() if x.owner == life.customers[first].id])
    life.buy(first, [VM], [newest - 1], 0)  # the coupon has what it had
    life.let_time_pass(DAY)
    life.buy(first, GOODS[-3], [], 0)
    life.use(first, SMALL, 90)  # taken from the package
    life.unsubscribe_package(first, 0)  # refused, for it was used
    life.use(first, SMALL, 800)  # what the package has no more is charged
    life.buy(first, GOODS[-1], [], 0)
    life.unsubscribe_package(first, 1)  # goes back whole, for it begins on the next 1st
    life.teardown()
    assert {"package in 0", "package in 4", "cycle of a package used"} <= set(life.seen)


def test_whatever_is_done_order_billing_and_voucher_agree(service_templates: Templates) -> None:
    """Lives by lot, and one that was chosen.

    Break: `payer_id=None` in billing's `record_paid_order`; a fee of 0 in order's `fee_rate`;
    restore no coupon in voucher's `restore_coupons`; take twice from a package in billing's
    `take_from_packages`.
    """
    with in_world(service_templates):
        a_chosen_life()
        live(LIVES, STEPS, SEED, shrink=False)
