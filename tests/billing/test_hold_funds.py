"""Money is set aside for a payment attempt until its outcome is stated, and never by time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from billing.accounts.close_attempt import HoldMismatchError
from billing.accounts.models import CREDIT
from billing.settings import BillingSettings
from chassis.database import Database
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    BillingDoor,
    as_customer,
    as_partner,
    balance_of,
    hear,
    money,
    order_line,
    order_paid,
    payment_failed,
    prove,
    running,
    untouched,
)


async def fund(door: BillingDoor, cash: str, credit: str | None = None) -> None:
    """Give CUSTOMER cash through its partner, and a credit line."""
    await door.top_up(PARTNER, cash)
    assert (await door.transfer(cash)).status_code == 200
    if credit:
        body = {"amount": credit}
        answer = await door.put(f"/api/accounts/{CUSTOMER}/credit-line", body, ADMINISTRATOR)
        assert answer.status_code == 200


async def test_cash_is_held_first_and_then_credit(door: BillingDoor, database: Database) -> None:
    await fund(door, "100.00", "50.00")
    answer = await door.hold("a1", "130.00")
    assert answer.json() == {"cash_amount": "100.00", "credit_amount": "30.00"}
    cash, credit = (
        await balance_of(database, CUSTOMER),
        await balance_of(database, CUSTOMER, CREDIT),
    )
    assert (cash.balance, cash.held) == (money("100.00"), money("100.00"))
    assert (credit.balance, credit.held) == (money("50.00"), money("30.00"))
    holds = [e for e in await outbox.bodies(database) if e["reason"] == "HOLD"]
    assert [(e["amount"], e["balance"], e["held"]) for e in holds] == [
        ("0.00", "100.00", "100.00"),
        ("0.00", "50.00", "30.00"),
    ]
    assert (await prove(door))["balanced"]


async def test_the_same_attempt_gets_the_same_answer(door: BillingDoor, database: Database) -> None:
    await fund(door, "100.00")
    first = await door.hold("a1", "60.00")
    before = await untouched(database)
    assert (await door.hold("a1", "60.00")).json() == first.json()
    assert (await balance_of(database, CUSTOMER)).held == money("60.00")
    assert await untouched(database) == before


async def test_an_attempt_may_not_come_back_with_another_amount(door: BillingDoor) -> None:
    await fund(door, "100.00")
    await door.hold("a1", "60.00")
    assert code_of(await door.hold("a1", "61.00")) == (409, "CHB.0409")


async def test_too_little_money_is_refused_and_leaves_nothing(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "100.00", "50.00")
    before = await untouched(database)
    assert code_of(await door.hold("a1", "150.01")) == (400, "CBC.99005003")
    assert await untouched(database) == before
    assert (await door.hold("a1", "150.00")).status_code == 200


async def test_two_attempts_on_one_balance_cannot_both_hold_it(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "100.00")
    answers = await asyncio.gather(door.hold("a1", "60.00"), door.hold("a2", "60.00"))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert (await balance_of(database, CUSTOMER)).held == money("60.00")


async def test_one_attempt_asking_many_times_at_once_holds_once(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "100.00")
    answers = await asyncio.gather(*(door.hold("a1", "60.00") for _ in range(8)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert (await balance_of(database, CUSTOMER)).held == money("60.00")


async def test_an_order_that_coupons_pay_whole_holds_nothing(
    door: BillingDoor, database: Database
) -> None:
    answer = await door.hold("a1", "0.00")
    assert answer.json() == {"cash_amount": "0.00", "credit_amount": "0.00"}
    assert (await balance_of(database, CUSTOMER)).held == money("0.00")


async def test_an_amount_that_is_none_is_refused(door: BillingDoor) -> None:
    for amount in ("-1.00", "1.001", "NaN", "much"):
        assert code_of(await door.hold("a1", amount)) == (400, "CBC.0100"), amount


async def test_nobody_holds_another_customers_money(door: BillingDoor) -> None:
    body = {"attempt_id": "a1", "order_id": "o1", "customer_id": CUSTOMER, "amount": "0.00"}
    for who in (as_customer(OTHER_CUSTOMER), as_partner(), as_partner(OTHER_PARTNER)):
        assert code_of(await door.post("/internal/holds", body, who)) == (403, "CBC.0151")


async def test_a_failed_payment_frees_the_money_once(door: BillingDoor, database: Database) -> None:
    await fund(door, "100.00", "50.00")
    await door.hold("a1", "130.00")
    failed = payment_failed("a1")
    await hear(database, failed, failed)
    cash, credit = (
        await balance_of(database, CUSTOMER),
        await balance_of(database, CUSTOMER, CREDIT),
    )
    assert (cash.balance, cash.held, credit.held) == (money("100.00"), money("0.00"), money("0.00"))
    releases = [e for e in await outbox.bodies(database) if e["reason"] == "RELEASE"]
    assert [(e["amount"], e["held"]) for e in releases] == [("0.00", "0.00")] * 2
    assert code_of(await door.hold("a1", "130.00")) == (409, "CHB.0409")


async def test_the_next_attempt_takes_what_a_failed_one_holds_before_its_end_is_heard_of(
    door: BillingDoor, database: Database
) -> None:
    """With exactly enough for one: order names its failed attempts, and the event comes later."""
    await fund(door, "80.00", "20.00")
    assert (await door.hold("a1", "100.00")).status_code == 200
    body = {"customer_id": CUSTOMER, "amount": "100.00"}

    async def ask(attempt_id: str, order_id: str, *failed: str) -> Any:
        more = {"attempt_id": attempt_id, "order_id": order_id, "failed_attempt_ids": failed}
        return await door.post("/internal/holds", body | more, as_customer())

    assert code_of(await ask("b1", "another", "a1")) == (400, "CBC.99005003"), "another order's"
    again = await ask("a2", "order-of-a1", "unheard-of", "a1")
    assert again.json() == {"cash_amount": "80.00", "credit_amount": "20.00"}
    await hear(database, payment_failed("a1"))
    assert (await balance_of(database, CUSTOMER)).held == money("80.00"), "a2 holds it still"
    assert code_of(await ask("a1", "order-of-a1")) == (409, "CHB.0409")
    assert (await prove(door))["balanced"]


async def test_a_hold_that_comes_after_its_outcome_is_refused(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "100.00")
    await hear(database, payment_failed("late"))
    assert code_of(await door.hold("late", "60.00")) == (409, "CHB.0409")
    assert (await balance_of(database, CUSTOMER)).held == money("0.00")


async def test_a_hold_does_not_end_by_time(
    door: BillingDoor, settings: BillingSettings, database: Database
) -> None:
    await fund(door, "100.00")
    await door.hold("a1", "60.00")
    async with running(settings, NOW + timedelta(days=400)) as later:
        assert code_of(await later.hold("a2", "60.00")) == (400, "CBC.99005003")
    lines = [order_line("l1", "60.00")]
    await hear(database, order_paid("a1", lines, cash="60.00"))
    assert (await balance_of(database, CUSTOMER)).balance == money("40.00")


async def test_an_outcome_that_states_other_money_than_is_held_is_for_a_person_to_see(
    door: BillingDoor, database: Database
) -> None:
    await fund(door, "100.00")
    await door.hold("a1", "60.00")
    wrong = order_paid("a1", [order_line("l1", "70.00")], cash="70.00")
    unheld = order_paid("a2", [order_line("l1", "10.00")], cash="10.00")
    for event in (wrong, unheld):
        with pytest.raises(HoldMismatchError):
            await hear(database, event)
    account = await balance_of(database, CUSTOMER)
    assert (account.balance, account.held) == (money("100.00"), money("60.00"))


async def test_what_could_be_held_is_told_and_nothing_is(
    door: BillingDoor, database: Database
) -> None:
    """By the same split as a hold: cash first, then credit."""
    await door.top_up(CUSTOMER, "10.00")
    before = await untouched(database)
    body = {"customer_id": CUSTOMER, "amounts": ["0.00", "10.00", "10.01"]}
    answer = await door.post("/internal/hold-options", body, as_customer())
    assert answer.json() == {"covered": [True, True, False]}
    other = await door.post("/internal/hold-options", body, as_customer(OTHER_CUSTOMER))
    assert other.status_code == 403
    assert await untouched(database) == before
