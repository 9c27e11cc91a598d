"""A refund: the money returns to whoever paid, and the bill says so in negative lines."""

from typing import Any

import pytest
from sqlalchemy import select

from billing.accounts.models import CHARGES, CREDIT
from billing.lines.models import BillLine
from chassis.database import Database
from contracts.order import OrderRefunded, RefundPart
from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    PARTNER,
    BillingDoor,
    _order,
    balance_of,
    hear,
    money,
    order_line,
    order_paid,
    prove,
)


def part(refund_id: str, **amounts: str) -> RefundPart:
    """What goes back of one period of a line."""
    names = ("consumed_amount", "commission_amount", "coupon_amount", "cash_amount",
             "flexipurchase_coupon_amount", "stored_card_amount", "credit_amount")  # fmt: skip
    values: dict[str, Any] = {name: money(amounts.get(name, "0.00")) for name in names}
    return RefundPart(
        refund_id=refund_id, line_id="u1", resource_id="r1", base_order_id="order-of-a1",
        base_line_id="l1", payer_id=amounts.get("payer_id"), rule="conditional", coupons=[],
        **values,
    )  # fmt: skip


def refunded(*parts: RefundPart, order_type: int = 4) -> OrderRefunded:
    body = _order("u1", [order_line("u1", "44.62")])
    del body["attempt_id"]
    about = {"order_id": "CS-U", "order_type": order_type, "refunds": list(parts)}
    return OrderRefunded(**body | about)


async def paid_order(door: BillingDoor, database: Database) -> None:
    """70.00 in cash and 30.00 in credit of the customer have paid an order."""
    await door.top_up(PARTNER, "70.00")
    await door.transfer("70.00")
    await door.put(f"/api/accounts/{CUSTOMER}/credit-line", {"amount": "30.00"}, ADMINISTRATOR)
    await door.hold("a1", "100.00")
    lines = [order_line("l1", "100.00")]
    await hear(database, order_paid("a1", lines, cash="70.00", credit="30.00"))


async def negative_lines(database: Database) -> list[BillLine]:
    async with database.transaction() as session:
        found = await session.scalars(select(BillLine).where(BillLine.payment_amount < 0))
        return list(found)


async def test_money_returns_to_where_it_came_from_and_the_bill_says_so(
    door: BillingDoor, database: Database
) -> None:
    await paid_order(door, database)
    given = part(
        "f1", cash_amount="31.23", credit_amount="13.39", consumed_amount="45.38",
        commission_amount="10.00", flexipurchase_coupon_amount="2.00",
    )  # fmt: skip
    await hear(database, refunded(given))
    assert (await balance_of(database, CUSTOMER)).balance == money("31.23")
    assert (await balance_of(database, CUSTOMER, CREDIT)).balance == money("13.39")
    assert (await balance_of(database, CUSTOMER, CHARGES)).balance == money("55.38")
    [line] = await negative_lines(database)
    assert (line.payment_amount, line.cash_amount) == (money("-46.62"), money("-31.23"))
    assert line.flexipurchase_coupon_amount == money("-2.00")
    assert (line.bill_type, line.order_type, line.resource_id) == (4, 4, "r1")
    assert (line.trade_id, line.trade_time) == ("CS-U", NOW)
    moved = [
        e
        for e in await outbox.bodies(database)
        if e.get("reason") == "SOURCE_OPERAIION_UNSUBSCRIBE"
    ]
    assert [(e["amount"], e["order_id"]) for e in moved] == [
        ("31.23", "CS-U"), ("13.39", "CS-U"),
    ]  # fmt: skip
    assert (await prove(door))["balanced"]


async def test_a_refund_counts_once_by_its_own_id(door: BillingDoor, database: Database) -> None:
    """Break: let `_not_recorded` answer all parts."""
    await paid_order(door, database)
    given = part("f1", cash_amount="20.00")
    await hear(database, refunded(given))
    await hear(database, refunded(given), refunded(given, part("f2", cash_amount="5.00")))
    assert (await balance_of(database, CUSTOMER)).balance == money("25.00")
    assert len(await negative_lines(database)) == 2


@pytest.mark.parametrize(("order_type", "bill_type"), [(3, 20), (4, 4), (10, 24)])
async def test_the_bill_type_of_a_refund_follows_its_order(
    door: BillingDoor, database: Database, order_type: int, bill_type: int
) -> None:
    await paid_order(door, database)
    await hear(database, refunded(part("f1", cash_amount="1.00"), order_type=order_type))
    [line] = await negative_lines(database)
    assert line.bill_type == bill_type


async def test_coupons_alone_move_no_money_and_stand_on_the_bill(
    door: BillingDoor, database: Database
) -> None:
    await paid_order(door, database)
    await hear(database, refunded(part("f1", coupon_amount="3.00")))
    assert (await balance_of(database, CUSTOMER)).balance == money("0.00")
    [line] = await negative_lines(database)
    assert (line.coupon_amount, line.cash_amount) == (money("-3.00"), money("0.00"))
