"""A paid order: the held money leaves, and each order line becomes a bill line."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from billing.accounts.models import CHARGES, CREDIT
from billing.bills.models import BillLine
from chassis.database import Database
from tests.billing.builders import (
    ADMIN,
    CUSTOMER,
    NOW,
    PARTNER,
    Caller,
    balance_of,
    deliver,
    money,
    order_line,
    order_paid,
    payment_failed,
    prove,
    refused,
    stated,
)


async def lines_of(database: Database) -> list[BillLine]:
    async with database.transaction() as session:
        found = await session.scalars(select(BillLine).order_by(BillLine.official_amount))
        return list(found)


async def fund(caller: Caller, cash: str, credit: str) -> None:
    await caller.top_up(PARTNER, cash)
    await caller.transfer(cash)
    await caller.send(ADMIN, "PUT", f"/api/accounts/{CUSTOMER}/credit-line", {"amount": credit})


async def test_each_order_line_becomes_a_bill_line_and_the_money_leaves(
    caller: Caller, database: Database
) -> None:
    await fund(caller, "50.00", "100.00")
    await caller.hold("a1", "65.00")
    lines = [order_line("l1", "75.00", "80.00"), order_line("l2", "25.00", "30.00")]
    coupons = [(1, "20.00"), (4, "10.00"), (1, "5.00")]
    event = order_paid("a1", lines, cash="50.00", credit="15.00", coupons=coupons)
    await deliver(database, event)

    second, first = await lines_of(database)
    assert (first.official_amount, first.official_discount_amount) == (money("80"), money("5"))
    assert (first.payment_amount, second.payment_amount) == (money("75.00"), money("25.00"))
    assert (first.coupon_amount, second.coupon_amount) == (money("18.75"), money("6.25"))
    assert first.flexipurchase_coupon_amount + second.flexipurchase_coupon_amount == money("10.00")
    assert first.cash_amount + second.cash_amount == money("50.00")
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
    assert (await balance_of(database, CUSTOMER, CHARGES)).balance == money("65.00")
    moved = [e for e in await stated(database) if e.get("reason") == "SOURCE_OPERAIION_DEDEUCT"]
    assert [(e["amount"], e["balance"], e["held"]) for e in moved] == [
        ("-50.00", "0.00", "0.00"),
        ("-15.00", "85.00", "0.00"),
    ]
    assert len(await stated(database, "billing.line_recorded")) == 2
    assert (await prove(caller))["balanced"]


async def test_the_outcome_counts_once_however_often_it_comes(
    caller: Caller, database: Database
) -> None:
    await fund(caller, "50.00", "1.00")
    await caller.hold("a1", "30.00")
    paid = order_paid("a1", [order_line("l1", "30.00")], cash="30.00")
    await deliver(database, paid, paid, payment_failed("a1"), paid)
    assert (await balance_of(database, CUSTOMER)).balance == money("20.00")
    assert len(await lines_of(database)) == 1
    assert len(await stated(database, "billing.line_recorded")) == 1
    assert refused(await caller.hold("a1", "30.00")) == (409, "CHB.0409")
    assert (await prove(caller))["balanced"]


async def test_an_order_that_coupons_paid_whole_needs_no_money(
    caller: Caller, database: Database
) -> None:
    lines = [order_line("l1", "0.01"), order_line("l2", "9.99")]
    paid = order_paid("a1", lines, coupons=[(4, "10.00")])
    await deliver(database, paid, paid)
    first, second = await lines_of(database)
    assert first.flexipurchase_coupon_amount == money("0.01")
    assert second.flexipurchase_coupon_amount == money("9.99")
    assert refused(await caller.hold("a1", "0.00")) == (409, "CHB.0409")


async def test_a_discount_coupon_lowers_the_payable_and_not_the_list_price(
    caller: Caller, database: Database
) -> None:
    await fund(caller, "90.00", "1.00")
    await caller.hold("a1", "90.00")
    paid = order_paid("a1", [order_line("l1", "100.00")], cash="90.00", coupons=[(2, "10.00")])
    await deliver(database, paid)
    (line,) = await lines_of(database)
    assert line.official_amount == money("100")
    assert line.official_discount_amount == money("10")
    assert (line.payment_amount, line.coupon_amount) == (money("90.00"), money("0.00"))


async def test_an_order_whose_parts_do_not_add_up_is_for_a_person_to_see(
    caller: Caller, database: Database
) -> None:
    await fund(caller, "50.00", "1.00")
    await caller.hold("a1", "30.00")
    with pytest.raises(ValueError, match="not paid"):
        await deliver(database, order_paid("a1", [order_line("l1", "31.00")], cash="30.00"))
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
    caller: Caller, database: Database, paid_at: datetime, cycle: str
) -> None:
    """docs/domain/worked-examples.md F.5."""
    assert paid_at < NOW
    assert (await caller.hold("a1", "0.00")).status_code == 200
    line = order_line("l1", "1.00")
    paid = order_paid("a1", [line], coupons=[(1, "1.00")], occurred_at=paid_at)
    await deliver(database, paid)
    (recorded,) = await lines_of(database)
    assert recorded.bill_cycle == cycle
    assert (await stated(database, "billing.line_recorded"))[0]["bill_cycle"] == cycle
