"""Usage of a custody member is its master's to pay (decision 0124)."""

from datetime import timedelta

import pytest

from billing.accounts.models import ARREARS
from chassis.database import Database
from contracts.customer import CustomerUpdated
from contracts.order import PackageUnsubscribed
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    BillingDoor,
    balance_of,
    customer,
    hear,
    money,
    prove,
)
from tests.billing.test_record_usage import PATH, lines_of, record, vm
from tests.billing.test_take_from_packages import package

pytestmark = pytest.mark.postgres
MASTER, MEMBER = OTHER_CUSTOMER, CUSTOMER


async def in_custody(database: Database, version: int = 2, master: str | None = MASTER) -> None:
    """The member is its master's, or leaves it."""
    custody = {"financial_custody": master is not None, "enterprise_master_id": master}
    await hear(database, customer(CustomerUpdated, MEMBER, version=version, **custody))


async def test_usage_takes_the_masters_money_and_what_is_missing_the_master_owes(
    door: BillingDoor, database: Database
) -> None:
    """Break: charge the customer of the record, or write off by the line's customer."""
    await in_custody(database)
    await door.top_up(MEMBER, "70.00")
    await door.top_up(MASTER, "10.00")
    (told,) = await record(door, vm("r1", "200"))
    assert (told["cash_amount"], told["debt_amount"]) == ("10.00", "4.00")
    assert (await balance_of(database, MEMBER)).balance == money("70.00")
    assert (await balance_of(database, MASTER, ARREARS)).balance == money("-4.00")
    (line,) = await lines_of(database)
    assert (line.customer_id, line.payer_id) == (MEMBER, MASTER)
    (opened,) = await outbox.bodies(database, "billing.arrears_opened")
    assert (opened["customer_id"], opened["debt_amount"]) == (MASTER, "4.00")
    (event,) = await outbox.bodies(database, "billing.line_recorded")
    assert (event["customer_id"], event["payer_id"]) == (MEMBER, MASTER)
    assert (await prove(door))["balanced"] is True

    await door.top_up(MEMBER, "1.00")
    await door.top_up(MASTER, "5.00")
    (line,) = await lines_of(database)
    assert (line.debt_amount, line.writeoff_amount) == (money("0.00"), money("4.00"))
    (settled,) = await outbox.bodies(database, "billing.line_settled")
    assert (settled["payer_id"], settled["settled_amount"]) == (MASTER, "4.00")
    assert (await balance_of(database, MASTER)).balance == money("1.00")
    assert (await prove(door))["balanced"] is True


async def test_a_member_that_left_pays_itself(door: BillingDoor, database: Database) -> None:
    await in_custody(database)
    await in_custody(database, 3, None)
    await door.top_up(MEMBER, "70.00")
    await record(door, vm("r1", "100"))
    (line,) = await lines_of(database)
    assert (line.payer_id, line.cash_amount) == (None, money("7.00"))


async def test_master_and_members_in_one_request(door: BillingDoor, database: Database) -> None:
    await in_custody(database)
    await door.top_up(MASTER, "10.00")
    own, members = await record(
        door, vm("r1", "100", customer_id=MASTER), vm("r2", "100", customer_id=MEMBER)
    )
    assert (own["cash_amount"], members["cash_amount"]) == ("7.00", "3.00")
    (opened,) = await outbox.bodies(database, "billing.arrears_opened")
    assert (opened["customer_id"], opened["debt_amount"]) == (MASTER, "4.00")
    assert (await prove(door))["balanced"] is True


async def test_what_a_package_that_was_given_back_had_paid_is_the_masters(
    door: BillingDoor, database: Database
) -> None:
    """Break: lock and charge the accounts of the package's customer."""
    await in_custody(database)
    await hear(database, package("p1"))
    await door.top_up(MASTER, "10.00")
    await record(door, vm("r1", "1"))
    returned = package("p1", contract=PackageUnsubscribed, version=2, status=4)
    await hear(database, returned.model_copy(update={"occurred_at": NOW + timedelta(days=1)}))
    _, charged = await lines_of(database)
    assert (charged.payer_id, charged.cash_amount) == (MASTER, money("0.07"))
    assert (await prove(door))["balanced"] is True


async def test_a_master_that_nobody_has_named_has_no_account(
    door: BillingDoor, database: Database
) -> None:
    await in_custody(database, master="nobody")
    answer = await door.post(PATH, {"records": [vm("r1", "1")]}, ADMINISTRATOR)
    assert code_of(answer)[1] == "CBC.99000047"
    assert await lines_of(database) == []
