"""A partner pays its customer's order with its own money (docs/domain/orders.md H.12)."""

import pytest
from sqlalchemy import delete, select

from billing.accounts.models import CHARGES, CREDIT, Account
from billing.lines.models import BillLine
from chassis.database import Database
from chassis.identity import Principal
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
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
    untouched,
)
from tests.billing.test_record_refund import part, refunded

pytestmark = pytest.mark.postgres


async def hold(
    door: BillingDoor, attempt_id: str, amount: str, by: Principal | None = None,
    partner_id: str = PARTNER,
) -> tuple[int, str]:  # fmt: skip
    body = {
        "attempt_id": attempt_id,
        "order_id": f"order-of-{attempt_id}",
        "customer_id": CUSTOMER,
        "payer_partner_id": partner_id,
        "amount": amount,
    }
    answer = await door.post("/internal/holds", body, by or as_partner())
    return answer.status_code, "" if answer.is_success else answer.json()["code"]


async def funds(database: Database, owner: str) -> tuple[str, str, str]:
    """Balance, hold, what was charged."""
    cash = await balance_of(database, owner)
    charges = await balance_of(database, owner, CHARGES)
    return str(cash.balance), str(cash.held), str(charges.balance)


async def test_the_partner_is_charged_and_the_line_is_the_customers(
    door: BillingDoor, database: Database
) -> None:
    """Break: leave paying_partner_id out of close_attempt._payer_id."""
    await door.top_up(PARTNER, "100.00")
    await door.top_up(CUSTOMER, "70.00")
    assert await hold(door, "a1", "60.00") == (200, "")
    assert await hold(door, "a1", "60.00") == (200, "")  # the same again
    assert await funds(database, PARTNER) == ("100.00", "60.00", "0.00")
    assert (await prove(door))["balanced"] is True

    event = order_paid("a1", [order_line("l1", "60.00")], cash="60.00", paying_partner_id=PARTNER)
    await hear(database, event, event)

    assert await funds(database, PARTNER) == ("40.00", "0.00", "60.00")
    assert await funds(database, CUSTOMER) == ("70.00", "0.00", "0.00")
    async with database.transaction() as session:
        line = (await session.scalars(select(BillLine))).one()
    assert (line.customer_id, line.payer_id, line.cash_amount) == (
        CUSTOMER,
        PARTNER,
        money("60.00"),
    )
    assert (await prove(door))["balanced"] is True


async def test_what_is_given_back_goes_to_the_partner(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await hold(door, "a1", "60.00")
    paid = order_paid("a1", [order_line("l1", "60.00")], cash="60.00", paying_partner_id=PARTNER)
    await hear(database, paid)
    back = refunded(part("f1", cash_amount="31.23", payer_id=PARTNER))
    await hear(database, back, back)
    assert await funds(database, PARTNER) == ("71.23", "0.00", "28.77")
    assert await funds(database, CUSTOMER) == ("0.00", "0.00", "0.00")
    moved = [e for e in await outbox.bodies(database)
             if e.get("reason") == "SOURCE_OPERAIION_UNSUBSCRIBE"]  # fmt: skip
    assert {e["owner_id"] for e in moved} == {PARTNER}
    assert (await prove(door))["balanced"] is True


async def test_a_failed_attempt_frees_the_partners_money(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    await hold(door, "a1", "60.00")
    failed = payment_failed("a1", paying_partner_id=PARTNER)
    await hear(database, failed, failed)
    assert await funds(database, PARTNER) == ("100.00", "0.00", "0.00")
    assert await hold(door, "a1", "60.00") == (409, "CHB.0409")
    await hear(database, payment_failed("a2", paying_partner_id=PARTNER))
    assert await hold(door, "a2", "60.00") == (409, "CHB.0409")
    assert (await prove(door))["balanced"] is True


@pytest.mark.parametrize(
    ("balance", "earmarked", "amount", "answer"),
    [
        ("100.00", None, "100.00", (200, "")),
        ("100.00", None, "100.01", (400, "CBC.99005003")),
        ("100.00", "30.00", "70.00", (200, "")),
        ("100.00", "30.00", "70.01", (400, "CBC.99005003")),
        ("500.00", "200.00", "400.00", (400, "CBC.99005003")),  # 300.00 could be transferred
    ],
)
async def test_balance_and_transferable_account_must_each_hold_the_amount(
    door: BillingDoor, database: Database, balance: str, earmarked: str | None, amount: str,
    answer: tuple[int, str],
) -> None:  # fmt: skip
    """Credit does not count (docs/domain/worked-examples.md F.12). Break: ask the balance alone."""
    await door.top_up(PARTNER, balance, designated=earmarked)
    await door.put(f"/api/accounts/{PARTNER}/credit-line", {"amount": "500.00"}, ADMINISTRATOR)
    before = await untouched(database)
    assert await hold(door, "a1", amount) == answer
    assert str((await balance_of(database, PARTNER, CREDIT)).held) == "0.00"
    if answer[0] != 200:
        assert await untouched(database) == before


async def test_only_the_customers_own_partner_pays_and_only_itself(
    door: BillingDoor, database: Database
) -> None:
    for owner in (PARTNER, OTHER_PARTNER):
        await door.top_up(owner, "100.00")
    before = await untouched(database)
    for by, named in (
        (as_customer(), PARTNER),
        (as_partner(OTHER_PARTNER), PARTNER),
        (as_partner(), OTHER_PARTNER),
    ):
        assert await hold(door, "a1", "1.00", by, named) == (403, "CBC.0151")
    refused = await hold(door, "a1", "1.00", as_partner(OTHER_PARTNER), OTHER_PARTNER)
    assert refused == (403, "CBC.99000035") or refused[1] == "CBC.99000035"
    assert await untouched(database) == before


async def test_a_partner_of_a_release_before_gets_its_account_for_charges(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "100.00")
    async with database.transaction() as session:
        await session.execute(
            delete(Account).where(Account.owner_id == PARTNER, Account.account_type == CHARGES)
        )
    assert await hold(door, "a1", "60.00") == (200, "")
    event = order_paid("a1", [order_line("l1", "60.00")], cash="60.00", paying_partner_id=PARTNER)
    await hear(database, event)
    assert await funds(database, PARTNER) == ("40.00", "0.00", "60.00")


async def test_what_a_partner_holds_it_cannot_transfer(door: BillingDoor) -> None:
    await door.top_up(PARTNER, "100.00")
    await hold(door, "a1", "60.00")
    assert code_of(await door.transfer("40.01"))[1] == "CBC.99005003"
    assert (await door.transfer("40.00")).status_code == 200
