"""Nothing is made or lost: refused at the commit, and found when somebody went around that."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from billing.accounts.models import BALANCE, FUNDING
from billing.accounts.post_movement import RECHARGE, Cause, lock_accounts, post_movement
from chassis.database import Database
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    PARTNER,
    BillingDoor,
    account_in,
    as_customer,
    as_partner,
    balance_of,
    money,
    prove,
)

_AROUND = "SET LOCAL session_replication_role = replica"  # no trigger fires


async def test_a_ledger_in_use_is_proven(door: BillingDoor) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(40)
    await door.hold("a1", "15.00")
    proof = await prove(door)
    assert proof["balanced"] is True
    assert (proof["movements"], proof["postings"]) == (2, 4)
    assert proof["totals"] == [{"currency": "CNY", "total": "0.00"}]


async def make_a_cent(database: Database) -> None:
    """Post 10.01 against 10.00."""
    async with database.transaction() as session:
        own = (await lock_accounts(session, PARTNER))[PARTNER]
        sides = (own.funding, money("-10.00")), (own.balance, money("10.01"))
        post_movement(session, Cause(RECHARGE, NOW), *sides)


async def test_an_unbalanced_movement_does_not_commit(
    door: BillingDoor, database: Database
) -> None:
    with pytest.raises(IntegrityError, match="not balanced"):
        await make_a_cent(database)
    assert (await balance_of(database, PARTNER)).balance == money("0.00")
    assert (await prove(door))["postings"] == 0


async def test_a_planted_imbalance_is_found(door: BillingDoor, database: Database) -> None:
    await door.top_up(PARTNER, "100.00")
    async with database.transaction() as session:
        await session.execute(text(_AROUND))
        await session.execute(text("UPDATE postings SET amount = 100.01 WHERE amount = 100"))
    proof = await prove(door)
    assert proof["balanced"] is False
    assert proof["totals"] == [{"currency": "CNY", "total": "0.01"}]
    assert [breach["found"] for breach in proof["unbalanced_movements"]] == ["0.01"]
    (wrong,) = proof["wrong_balances"]
    assert (wrong["currency"], wrong["found"], wrong["expected"]) == ("CNY", "100.00", "100.01")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE accounts SET balance = balance + 1 WHERE owner_id = 'customer-1'"
         " AND account_type = 1", "wrong_balances"),
        ("UPDATE accounts SET held = held - 1 WHERE owner_id = 'customer-1'"
         " AND account_type = 1", "wrong_holds"),
        ("UPDATE accounts SET balance = balance - 1 WHERE account_type = 104"
         " AND owner_id = 'customer-1'", "wrong_arrears"),
        ("UPDATE accounts SET balance = balance - 1 WHERE account_type = 101"
         " AND owner_id = 'customer-1'", "wrong_charges"),
    ],
)  # fmt: skip
async def test_each_kind_of_breach_is_found(
    door: BillingDoor, database: Database, statement: str, kind: str
) -> None:
    await door.top_up(PARTNER, "100.00")
    await door.transfer(40)
    await door.hold("a1", "15.00")
    async with database.transaction() as session:
        await session.execute(text(statement))
    proof = await prove(door)
    assert proof["balanced"] is False
    assert len(proof[kind]) == 1


async def test_an_account_can_neither_go_below_zero_nor_below_its_holds(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(CUSTOMER, "10.00")
    for change in ("balance = balance - 10.01", "held = 10.01", "held = -0.01"):
        with pytest.raises(IntegrityError, match="covered"):
            async with database.transaction() as session:
                await session.execute(
                    text(f"UPDATE accounts SET {change} WHERE owner_id = '{CUSTOMER}'"
                         " AND account_type = 1")
                )  # fmt: skip


async def test_a_request_cannot_change_what_was_posted(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "1.00")
    changes = ("UPDATE postings SET amount = 2", "DELETE FROM postings",
               "UPDATE movements SET amount = 2", "DELETE FROM movements")  # fmt: skip
    for statement in changes:
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database.transaction_as(ADMINISTRATOR) as session:
                await session.execute(text(statement))


async def test_a_partner_sees_no_other_partners_accounts_even_without_a_condition(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "1.00")
    async with database.transaction_as(as_partner("partner-2")) as session:
        owners = await session.scalars(text("SELECT DISTINCT owner_id FROM accounts"))
        assert set(owners) == {"partner-2"}
        assert await session.scalar(text("SELECT count(*) FROM postings")) == 0


@pytest.mark.usefixtures("door")
async def test_a_movement_has_one_currency(database: Database) -> None:
    assert (await balance_of(database, CUSTOMER)).currency == "CNY"
    async with database.transaction() as session:
        yuan = await account_in(session, CUSTOMER, BALANCE)
        dollars = await account_in(session, PARTNER, FUNDING)
        dollars.currency = "USD"
        cause = Cause(RECHARGE, datetime(2026, 11, 1, tzinfo=UTC))
        with pytest.raises(ValueError, match="one currency"):
            post_movement(session, cause, (dollars, money("-1")), (yuan, money("1")))


async def test_only_the_administrator_proves(door: BillingDoor) -> None:
    for who in (as_partner(), as_customer()):
        assert code_of(await door.get("/api/ledger/proof", who)) == (403, "CBC.0151")
