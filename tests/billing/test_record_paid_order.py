"""A paid order: the held money leaves, and each order line becomes a bill line."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from billing.accounts.models import CHARGES, CREDIT
from billing.lines.models import BillLine
from chassis.database import Database
from contracts.order import OrderLine
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    PARTNER,
    BillingDoor,
    balance_of,
    hear,
    money,
    order_line,
    order_paid,
    payment_failed,
    prove,
)


async def lines_of(database: Database) -> list[BillLine]:
    async with database.transaction() as session:
        found = await session.scalars(select(BillLine).order_by(BillLine.official_amount))
        return list(found)


async def fund(door: BillingDoor, cash: str, credit: str) -> None:
    await door.top_up(PARTNER, cash)
    await door.transfer(cash)
    await door.put(f"/api/accounts/{CUSTOMER}/credit-line", {"amount": credit}, ADMINISTRATOR)


async def test_each_order_line_becomes_a_bill_line_and_the_money_leaves(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "42.00", "100.00")
    await door.hold("a1", "57.00")
    lines = [order_line("l1", "75.00", "80.00"), order_line("l2", "25.00", "30.00")]
    coupons = [(1, "20.00"), (4, "10.00"), (1, "5.00"), (5, "8.00")]
    event = order_paid("a1", lines, cash="42.00", credit="15.00", coupons=coupons)
    await hear(database, event)

    second, first = await lines_of(database)
    assert (first.official_amount, first.official_discount_amount) == (money("80"), money("5"))
    assert (first.payment_amount, second.payment_amount) == (money("75.00"), money("25.00"))
    assert (first.coupon_amount, second.coupon_amount) == (money("18.75"), money("6.25"))
    assert first.flexipurchase_coupon_amount + second.flexipurchase_coupon_amount == money("10.00")
    cards = first.stored_value_card_amount, second.stored_value_card_amount
    assert cards == (money("6.00"), money("2.00"))
    assert first.cash_amount + second.cash_amount == money("42.00")
    assert first.credit_amount + second.credit_amount == money("15.00")
    assert (first.bill_type, first.order_type, first.charging_mode) == (1, 1, 1)
    assert (first.trade_id, first.period_type) == (event.order_id, 20)  # month: 2 in orders
    assert (first.association_type, first.account_manager_id) == ("2", "manager-1")

    cash, credit = (
        await balance_of(database, CUSTOMER),
        await balance_of(database, CUSTOMER, CREDIT),
    )
    assert (cash.balance, cash.held) == (money("0.00"), money("0.00"))
    assert (credit.balance, credit.held) == (money("85.00"), money("0.00"))
    assert (await balance_of(database, CUSTOMER, CHARGES)).balance == money("57.00")
    moved = [
        e for e in await outbox.bodies(database) if e.get("reason") == "SOURCE_OPERAIION_DEDEUCT"
    ]
    assert [(e["amount"], e["balance"], e["held"]) for e in moved] == [
        ("-42.00", "0.00", "0.00"),
        ("-15.00", "85.00", "0.00"),
    ]
    assert len(await outbox.bodies(database, "billing.line_recorded")) == 2
    assert (await prove(door))["balanced"]


def paid_line(line_id: str, payable: str, coupon: str, cash: str, **more: str) -> OrderLine:
    """A line with what each means paid of it."""
    parts = {"coupon_amount": coupon, "cash_amount": cash, "credit_amount": "0.00"}
    parts |= {"flexipurchase_coupon_amount": "0.00", "stored_card_amount": "0.00"}
    return order_line(line_id, payable, **parts | more)


async def test_a_bill_line_shows_what_the_order_says_that_paid_it(
    door: BillingDoor, database: Database
) -> None:
    """docs/domain/orders.md H.3: a coupon for ECS only; shared it would be 20.91 and 9.09."""
    await fund(door, "62.40", "0.01")
    await door.hold("a1", "62.40")
    lines = [
        paid_line("ecs", "64.40", "30.00", "34.40"),
        paid_line("evs", "28.00", "0.00", "28.00"),
    ]
    await hear(database, order_paid("a1", lines, cash="62.40", coupons=[(1, "30.00")]))
    evs, ecs = await lines_of(database)
    assert (ecs.coupon_amount, ecs.cash_amount) == (money("30.00"), money("34.40"))
    assert (evs.coupon_amount, evs.cash_amount) == (money("0.00"), money("28.00"))


@pytest.mark.parametrize("coupon", ["29.99", "30.01"])
async def test_lines_that_do_not_add_up_are_not_recorded(
    door: BillingDoor, database: Database, coupon: str
) -> None:
    await fund(door, "62.40", "0.01")
    await door.hold("a1", "62.40")
    lines = [
        paid_line("ecs", "64.40", coupon, str(money("64.40") - money(coupon))),
        paid_line("evs", "28.00", "0.00", "28.00"),
    ]
    with pytest.raises(ValueError, match="do not add up"):
        await hear(database, order_paid("a1", lines, cash="62.40", coupons=[(1, "30.00")]))
    assert await lines_of(database) == []


@pytest.mark.parametrize(
    ("order_type", "source_type", "bill_type"),
    [(1, 2, 1), (2, 1, 2), (2, 8, 8), (3, 1, 3), (11, 1, 1), (13, 1, 1), (14, 1, 1), (15, 1, 9)],
)
async def test_the_bill_type_follows_the_order(
    door: BillingDoor, database: Database, order_type: int, source_type: int, bill_type: int
) -> None:
    """docs/domain/resources.md H.10: a renewal by schedule is an automatic one."""
    await fund(door, "10.00", "0.01")
    await door.hold("a1", "10.00")
    lines = [order_line("l1", "10.00")]
    event = order_paid("a1", lines, "10.00", order_type=order_type, source_type=source_type)
    await hear(database, event)
    [line] = await lines_of(database)
    assert (line.bill_type, line.order_type) == (bill_type, order_type)


async def test_the_outcome_counts_once_however_often_it_comes(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "50.00", "1.00")
    await door.hold("a1", "30.00")
    paid = order_paid("a1", [order_line("l1", "30.00")], cash="30.00")
    await hear(database, paid, paid, payment_failed("a1"), paid)
    assert (await balance_of(database, CUSTOMER)).balance == money("20.00")
    assert len(await lines_of(database)) == 1
    assert len(await outbox.bodies(database, "billing.line_recorded")) == 1
    assert code_of(await door.hold("a1", "30.00")) == (409, "CHB.0409")
    assert (await prove(door))["balanced"]


async def test_an_order_that_coupons_paid_whole_needs_no_money(
    door: BillingDoor, database: Database
) -> None:
    lines = [order_line("l1", "0.01"), order_line("l2", "9.99")]
    paid = order_paid("a1", lines, coupons=[(4, "10.00")])
    await hear(database, paid, paid)
    first, second = await lines_of(database)
    assert first.flexipurchase_coupon_amount == money("0.01")
    assert second.flexipurchase_coupon_amount == money("9.99")
    assert code_of(await door.hold("a1", "0.00")) == (409, "CHB.0409")


async def test_a_discount_coupon_lowers_the_payable_and_not_the_list_price(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "90.00", "1.00")
    await door.hold("a1", "90.00")
    paid = order_paid("a1", [order_line("l1", "100.00")], cash="90.00", coupons=[(2, "10.00")])
    await hear(database, paid)
    (line,) = await lines_of(database)
    assert line.official_amount == money("100")
    assert line.official_discount_amount == money("10")
    assert (line.payment_amount, line.coupon_amount) == (money("90.00"), money("0.00"))


async def test_of_a_told_line_the_discount_coupon_is_in_its_discount(
    door: BillingDoor, database: Database
) -> None:
    """Since 1.5 each line tells it. Break: count it among what paid."""
    await fund(door, "90.00", "1.00")
    await door.hold("a1", "90.00")
    told = {
        "discount_amount": "10.00", "coupon_discount_amount": "10.00", "coupon_amount": "0.00",
        "flexipurchase_coupon_amount": "0.00", "cash_amount": "90.00", "credit_amount": "0.00",
    }  # fmt: skip
    line = OrderLine(**order_line("l1", "90.00", "100.00").model_dump() | told)
    await hear(database, order_paid("a1", [line], cash="90.00", coupons=[(2, "10.00")]))
    (found,) = await lines_of(database)
    assert (found.official_amount, found.official_discount_amount) == (money("100"), money("10"))
    assert (found.payment_amount, found.cash_amount) == (money("90.00"), money("90.00"))


async def test_an_order_whose_parts_do_not_add_up_is_for_a_person_to_see(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "50.00", "1.00")
    await door.hold("a1", "30.00")
    with pytest.raises(ValueError, match="not paid"):
        await hear(database, order_paid("a1", [order_line("l1", "31.00")], cash="30.00"))
    account = await balance_of(database, CUSTOMER)
    assert (account.balance, account.held) == (money("50.00"), money("30.00"))
    assert await lines_of(database) == []


@pytest.mark.parametrize(
    ("paid_at", "cycle"),
    [
        (datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC), "2026-10"),
        (datetime(2026, 10, 31, 16, 0, 0, tzinfo=UTC), "2026-11"),
    ],
)
async def test_the_cycle_of_a_line_is_beijing_time(
    door: BillingDoor, database: Database, paid_at: datetime, cycle: str
) -> None:
    """docs/domain/worked-examples.md F.5."""
    assert paid_at < NOW
    assert (await door.hold("a1", "0.00")).status_code == 200
    line = order_line("l1", "1.00")
    paid = order_paid("a1", [line], coupons=[(1, "1.00")], occurred_at=paid_at)
    await hear(database, paid)
    (recorded,) = await lines_of(database)
    assert recorded.bill_cycle == cycle
    assert (await outbox.bodies(database, "billing.line_recorded"))[0]["bill_cycle"] == cycle
