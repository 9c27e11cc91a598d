"""Accounts, debts and lines stated again; a customer heard again is copied, and no money moves."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from billing.accounts.models import Account, Movement
from billing.accounts.restate_accounts import ACCOUNTS
from billing.accounts.restate_arrears import ARREARS
from billing.copies import Customer, Partner
from billing.lines.restate_lines import LINES
from chassis.database import Database
from chassis.tables import OutboxRow
from contracts.customer import CustomerUpdated
from testkit import outbox
from tests.billing.builders import (
    CUSTOMER,
    OTHER_CUSTOMER,
    PARTNER,
    RESELLER,
    BillingDoor,
    balance_of,
    customer,
    hear,
    money,
    order_line,
    order_paid,
    partner_joined,
    prove,
)
from tests.billing.test_record_usage import record, vm
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres
# What an account's last fact says of its own movement.
OF_THE_MOVEMENT = ("amount", "movement_id", "reason", "order_id", "counterparty_id")


async def _a_life(door: BillingDoor, database: Database) -> None:
    """Money in, between and out, a debt and its repayment in part, a hold that stands."""
    await door.top_up(PARTNER, "1000.00")
    await door.transfer(100)
    await door.hold("a1", "40.00")
    await hear(database, order_paid("a1", [order_line("l1", "40.00")], cash="40.00"))
    await door.hold("a2", "10.00")
    await record(door, vm("r1", "1000"), vm("r2", "500", customer_id=OTHER_CUSTOMER))
    await door.top_up(CUSTOMER, "5.00")


async def test_what_is_stated_anew_is_what_was_stated_last(
    door: BillingDoor, database: Database
) -> None:
    await _a_life(door, database)
    before = await outbox.stated(database)

    def told(*kinds: str) -> list[dict[str, Any]]:
        return [body for kind, body in before if kind.removeprefix("billing.") in kinds]

    accounts = await restated(database, ACCOUNTS)
    assert {(event.TYPE, event.amount) for event in accounts} == {  # type: ignore[attr-defined]
        ("billing.funds_moved", money("0.00"))
    }
    assert differences(accounts, told("funds_moved"), *OF_THE_MOVEMENT) == {}
    arrears = await restated(database, ARREARS)
    assert len(arrears) == 2
    assert differences(arrears, told("arrears_opened", "arrears_cleared"), "writeoff_amount") == {}
    lines = await restated(database, LINES)
    assert len(lines) == 3
    assert differences(lines, told("line_recorded", "line_settled"), "settled_amount") == {}
    assert await outbox.stated(database) == before


async def _counts(database: Database) -> tuple[int | None, ...]:
    async with database.transaction() as session:
        return tuple(
            [
                await session.scalar(select(func.count()).select_from(table))
                for table in (Movement, OutboxRow, Account)
            ]
        )


async def test_what_is_heard_anew_mends_the_copies_and_moves_no_money(
    door: BillingDoor, database: Database
) -> None:
    """A customer told anew as unlinked, which the copy missed, keeps its balance: giving it back is
    the fact's effect. Break: return the balance whatever `event.restated` says.
    """
    await _a_life(door, database)
    await door.transfer(50, OTHER_CUSTOMER)
    async with database.transaction() as session:
        await session.execute(update(Customer).values(account_name="wrong"))
        await session.execute(update(Partner).values(kind="wrong"))
    before = await _counts(database)
    anew = [
        customer(CustomerUpdated, association_status="unlinked"),
        customer(CustomerUpdated, OTHER_CUSTOMER, association_type="1"),
        customer(CustomerUpdated, OTHER_CUSTOMER, association_type="1", partner_id=RESELLER),
        partner_joined(),
    ]
    again = [event.model_copy(update={"restated": True}) for event in anew]
    await hear(database, *again, *again)
    async with database.transaction() as session:
        known = await session.get_one(Customer, CUSTOMER)
        partner = await session.get_one(Partner, PARTNER)
    assert (known.account_name, known.association_status) == (f"{CUSTOMER}-login", "unlinked")
    assert partner.kind == "solution_provider"
    assert await _counts(database) == before
    assert (await balance_of(database, OTHER_CUSTOMER)).balance > 0
    assert (await prove(door))["balanced"] is True


@pytest.mark.usefixtures("door")
async def test_an_older_state_told_anew_changes_nothing(database: Database) -> None:
    newer = customer(CustomerUpdated, version=5, account_name="new")
    older = customer(CustomerUpdated, version=4, partner_id="elsewhere")
    await hear(database, newer, older.model_copy(update={"restated": True}))
    async with database.transaction() as session:
        known = await session.get_one(Customer, CUSTOMER)
    assert (known.version, known.account_name, known.partner_id) == (5, "new", PARTNER)
    assert (await balance_of(database, CUSTOMER)).partner_id == PARTNER
