"""A custody member's order is paid from its master's account and stands on the member's bill."""

import pytest
from sqlalchemy import select, text

from billing.accounts.close_attempt import HoldMismatchError
from billing.accounts.models import CHARGES, CREDIT
from billing.lines.models import BillLine
from billing.lines.restate_lines import LINES
from chassis.database import Database
from contracts.order import OrderPaid
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    OTHER_CUSTOMER,
    BillingDoor,
    as_partner,
    balance_of,
    hear,
    money,
    order_line,
    order_paid,
    payment_failed,
    prove,
)
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres
MASTER, MEMBER = OTHER_CUSTOMER, CUSTOMER


def paid_by_master(attempt_id: str, cash: str, credit: str = "0.00") -> OrderPaid:
    """Order's word that the master paid the member's order."""
    payable = str(money(cash) + money(credit))
    lines = [order_line("l1", payable)]
    return order_paid(attempt_id, lines, cash=cash, credit=credit, paying_agent_id=MASTER)


async def fund(door: BillingDoor) -> None:
    """100.00 for the master with 50.00 of credit, 70.00 for the member."""
    for owner, amount in ((MASTER, "100.00"), (MEMBER, "70.00")):
        await door.top_up(owner, amount)
    line = {"amount": "50.00"}
    await door.put(f"/api/accounts/{MASTER}/credit-line", line, ADMINISTRATOR)


async def funds(database: Database, owner: str) -> tuple[str, ...]:
    """Balance and hold, the credit left, what was charged."""
    cash = await balance_of(database, owner)
    credit = await balance_of(database, owner, CREDIT)
    charges = await balance_of(database, owner, CHARGES)
    return str(cash.balance), str(cash.held), str(credit.balance), str(charges.balance)


UNTOUCHED = ("70.00", "0.00", "0.00", "0.00")  # the member's


async def test_the_masters_hold_is_captured_and_the_line_is_the_members(
    door: BillingDoor, database: Database
) -> None:
    await fund(door)
    assert (await door.hold("a1", "120.00", MASTER)).json() == {
        "cash_amount": "100.00", "credit_amount": "20.00",
    }  # fmt: skip
    assert await funds(database, MASTER) == ("100.00", "100.00", "50.00", "0.00")
    assert (await prove(door))["balanced"] is True

    event = paid_by_master("a1", "100.00", "20.00")
    await hear(database, event, event, payment_failed("a1", paying_agent_id=MASTER))

    assert await funds(database, MASTER) == ("0.00", "0.00", "30.00", "120.00")
    assert await funds(database, MEMBER) == UNTOUCHED
    async with database.transaction() as session:
        line = (await session.scalars(select(BillLine))).one()
    assert (line.customer_id, line.payer_id, line.cash_amount) == (MEMBER, MASTER, money("100.00"))
    (told,) = await outbox.bodies(database, "billing.line_recorded")
    assert (told["customer_id"], told["payer_id"]) == (MEMBER, MASTER)
    moved = [
        e for e in await outbox.bodies(database) if e.get("reason") == "SOURCE_OPERAIION_DEDEUCT"
    ]
    assert {e["owner_id"] for e in moved} == {MASTER}
    assert (await prove(door))["balanced"] is True
    page = await door.get(
        f"/v2/bills/subcustomer-bills/res-fee-records?bill_cycle=2026-11&customer_id={MEMBER}",
        as_partner(),
    )
    assert [record["payment_amount"] for record in page.json()["fee_records"]] == [120.0]


async def test_what_the_master_holds_is_let_go_when_the_payment_failed(
    door: BillingDoor, database: Database
) -> None:
    await fund(door)
    await door.hold("a1", "120.00", MASTER)
    failed = payment_failed("a1", paying_agent_id=MASTER)
    await hear(database, failed, failed)
    assert await funds(database, MASTER) == ("100.00", "0.00", "50.00", "0.00")
    assert await funds(database, MEMBER) == UNTOUCHED
    assert (await prove(door))["balanced"] is True


async def test_an_outcome_before_the_masters_hold_closes_the_attempt(
    door: BillingDoor, database: Database
) -> None:
    await fund(door)
    await hear(database, payment_failed("a1", paying_agent_id=MASTER))
    assert code_of(await door.hold("a1", "10.00", MASTER)) == (409, "CHB.0409")
    assert await funds(database, MASTER) == ("100.00", "0.00", "50.00", "0.00")


@pytest.mark.parametrize(("holder", "payer"), [(MASTER, None), (MEMBER, MASTER)])
async def test_money_of_another_than_who_is_said_to_have_paid_is_for_a_person_to_see(
    door: BillingDoor, database: Database, holder: str, payer: str | None
) -> None:
    await fund(door)
    await door.hold("a1", "10.00", holder)
    event = order_paid("a1", [order_line("l1", "10.00")], cash="10.00", paying_agent_id=payer)
    with pytest.raises(HoldMismatchError):
        await hear(database, event)
    assert (await balance_of(database, holder)).held == money("10.00")
    assert await outbox.bodies(database, "billing.line_recorded") == []


async def test_the_proof_sees_a_line_that_names_another_payer(
    door: BillingDoor, database: Database
) -> None:
    await fund(door)
    await door.hold("a1", "10.00", MASTER)
    await hear(database, paid_by_master("a1", "10.00"))
    async with database.transaction() as session:
        await session.execute(text("UPDATE bill_lines SET payer_id = NULL"))
    proof = await prove(door)
    assert proof["balanced"] is False
    assert sorted((b["found"], b["expected"]) for b in proof["wrong_charges"]) == [
        ("0.00", "10.00"), ("10.00", "0.00"),
    ]  # fmt: skip


async def test_who_paid_a_line_is_stated_anew(door: BillingDoor, database: Database) -> None:
    await fund(door)
    await door.hold("a1", "10.00", MASTER)
    await hear(database, paid_by_master("a1", "10.00"))
    told = await outbox.bodies(database, "billing.line_recorded")
    anew = await restated(database, LINES)
    assert differences(anew, told) == {}
    assert [event.payer_id for event in anew] == [MASTER]  # type: ignore[attr-defined]
