"""The demo portfolio is decided by its seed before anything is sent."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.prices.catalogue import load_catalogue
from billing.prices.list_products import list_products
from local.demo.plan import FATES, FULL, PROVIDER, Plan, make_plan
from local.demo.purchases import Product
from wire.times import cycle_of

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def products() -> list[Product]:
    """The catalogue that billing sells from."""
    rows = list_products(load_catalogue(), "CNY", AT, 100, None).model_dump()["products"]
    return [Product.of_row(row) for row in rows if not row["is_marketplace"]]


@pytest.fixture(scope="module")
def plan(products: list[Product]) -> Plan:
    """The one of seed 1."""
    return make_plan(1, products, AT)


def test_the_same_seed_gives_the_same_plan(plan: Plan, products: list[Product]) -> None:
    assert make_plan(1, products, AT) == plan


def test_another_seed_gives_another_plan(plan: Plan, products: list[Product]) -> None:
    other = make_plan(2, products, AT)
    assert [c.name for c in other.customers] != [c.name for c in plan.customers]
    assert [o.lines for o in other.orders] != [o.lines for o in plan.orders]


def test_a_later_start_changes_the_times_alone(plan: Plan, products: list[Product]) -> None:
    later = make_plan(1, products, AT + timedelta(hours=5))
    assert (later.customers, later.orders) == (plan.customers, plan.orders)
    assert later.transfers == plan.transfers
    assert later.usage_batches != plan.usage_batches


def test_a_provider_has_two_thousand_customers_and_a_distributor_three_resellers(
    plan: Plan,
) -> None:
    owners = Counter(customer.owner for customer in plan.customers)
    assert owners.pop(PROVIDER) == FULL.customers == 2000
    assert len(owners) == 3
    assert {p.above for p in plan.partners if p.kind == "reseller"} == {"distributor"}


def test_names_are_unique_chinese_and_english_and_fit_the_wire(plan: Plan) -> None:
    names = [customer.name for customer in plan.customers if customer.name]
    assert len(set(names)) == len(names) > 1900
    english = sum(name.isascii() for name in names)
    assert 300 < english < 900
    accounts = [customer.account_name for customer in plan.customers]
    assert len(set(accounts)) == len(accounts)
    assert all(5 <= len(name) <= 32 for name in accounts)


def test_some_thousands_of_orders_go_every_way(plan: Plan) -> None:
    assert len(plan.orders) >= 2000
    fates = Counter(order.fate for order in plan.orders)
    assert set(fates) == set(FATES)
    assert min(fates.values()) > 40
    assert max(len(batch) for batch in plan.order_batches) <= 20


def test_who_orders_can_pay_for_it_and_a_few_who_order_nothing_owe(plan: Plan) -> None:
    needed: dict[int, Decimal] = defaultdict(Decimal)
    for order in plan.orders:
        needed[order.customer] += order.amount if order.fate == "paid" else Decimal(0)
    used: dict[int, Decimal] = defaultdict(Decimal)
    for batch in plan.usage_batches:
        for record in batch:
            used[record.customer] += record.amount
    short = [
        number for number, given in plan.transfers.items() if given < needed[number] + used[number]
    ]
    assert 0 < len(short) < 40
    assert all(needed[number] == 0 for number in short)


def test_usage_lies_in_the_month_up_to_now(plan: Plan, products: list[Product]) -> None:
    times = [record.until for batch in plan.usage_batches for record in batch]
    assert len(times) > 3000
    assert {cycle_of(time) for time in times} == {"2026-11"}
    assert max(times) <= AT
    first = datetime(2026, 11, 1, 20, tzinfo=UTC)
    young = make_plan(1, products, first)
    cycles = {cycle_of(record.until) for batch in young.usage_batches for record in batch}
    assert cycles == {"2026-10", "2026-11"}


@pytest.mark.parametrize(
    "day", ["2026-12-01T00:00:00", "2026-12-01T06:17:00", "2026-12-05T12:00:00"]
)
def test_who_uses_something_has_consumption_in_the_month_that_has_just_begun(
    products: list[Product], day: str
) -> None:
    """The demo waits for it, and the portfolio is sorted by it.

    Break: in `_usage`, let all records lie since `used_since`.
    """
    at = datetime.fromisoformat(f"{day}+08:00")
    young = make_plan(1, products, at)
    used = [record for batch in young.usage_batches for record in batch]
    this_month = {record.customer for record in used if cycle_of(record.until) == "2026-12"}
    assert this_month == {record.customer for record in used}


def test_coupons_are_recalled_only_where_no_order_uses_them(plan: Plan) -> None:
    used = {order.coupon_batch for order in plan.orders} - {None}
    assert used
    for batch in plan.coupon_batches:
        assert not (batch.number in used and batch.recalled)
    values = [batch.face_value for batch in plan.coupon_batches]
    assert len(set(values)) == len(values)
