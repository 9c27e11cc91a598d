"""An administrator compensates for a line, or charges more: bill types 9 and 16."""

import asyncio
from typing import Any

import httpx
import pytest

from billing.accounts.models import ARREARS
from chassis.database import Database
from contracts.customer import CustomerUpdated
from testkit import outbox
from testkit.audit import deeds
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    OTHER_CUSTOMER,
    BillingDoor,
    as_partner,
    balance_of,
    customer,
    hear,
    money,
    prove,
    untouched,
)
from tests.billing.test_record_usage import lines_of, record, vm

pytestmark = pytest.mark.postgres
PATH = "/api/adjustments"


async def adjust(
    door: BillingDoor, line_id: str, amount: str, bill_type: Any = 9, **more: Any
) -> httpx.Response:
    """With a reason, as an administrator."""
    told = {"line_id": line_id, "bill_type": bill_type, "amount": amount, "reason": "an outage"}
    return await door.post(PATH, told | more, more.pop("who", ADMINISTRATOR))


async def charged(door: BillingDoor, hours: str = "100") -> str:
    """A line of 7.00 for 100 hours; its id."""
    (line,) = await record(door, vm(f"r-{hours}", hours))
    return str(line["line_id"])


async def test_a_compensation_is_a_negative_line_and_money_back(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(CUSTOMER, "10.00")
    line_id = await charged(door)
    answer = await adjust(door, line_id, "2.50")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["payment_amount"], made["cash_amount"], made["bill_type"]) == ("-2.50", "-2.50", 9)
    assert (made["corrects"], made["reason"], made["bill_cycle"]) == (
        line_id, "an outage", "2026-11",
    )  # fmt: skip
    assert (await balance_of(database, CUSTOMER)).balance == money("5.50")
    (first, told) = await outbox.bodies(database, "billing.line_recorded")
    assert (told["line_id"], told["payment_amount"]) == (made["line_id"], "-2.50")
    assert told["service_type_code"] == first["service_type_code"]
    path = f"/v2/bills/subcustomer-bills/res-fee-records?bill_cycle=2026-11&customer_id={CUSTOMER}"
    shown = (await door.get(f"{path}&bill_detail_type=9", as_partner())).json()["fee_records"]
    assert [(one["id"], one["payment_amount"]) for one in shown] == [(made["line_id"], -2.5)]
    assert (await deeds(database))[-1] == ("bill.adjust", made["line_id"])
    assert (await prove(door))["balanced"]


async def test_compensations_of_a_line_are_together_at_most_what_it_came_to(
    door: BillingDoor, database: Database
) -> None:
    """Break: look at each compensation alone."""
    await door.top_up(CUSTOMER, "10.00")
    line_id = await charged(door)
    answers = await asyncio.gather(*(adjust(door, line_id, "2.00") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 400, 400]
    assert (await adjust(door, line_id, "1.00")).status_code == 201
    assert (await balance_of(database, CUSTOMER)).balance == money("10.00")
    assert (await prove(door))["balanced"]


async def test_a_compensation_pays_first_what_is_owed(
    door: BillingDoor, database: Database
) -> None:
    line_id = await charged(door)
    assert (await adjust(door, line_id, "3.00")).status_code == 201
    assert (await balance_of(database, CUSTOMER)).balance == money("0.00")
    assert (await balance_of(database, CUSTOMER, ARREARS)).balance == money("-4.00")
    assert (await prove(door))["balanced"]


async def test_a_deduction_is_charged_as_usage_is(door: BillingDoor, database: Database) -> None:
    """Break: leave out that a deduction may be owed."""
    await door.top_up(CUSTOMER, "8.00")
    line_id = await charged(door)
    made = (await adjust(door, line_id, "3.00", 16)).json()
    assert (made["payment_amount"], made["cash_amount"], made["debt_amount"]) == (
        "3.00", "1.00", "2.00",
    )  # fmt: skip
    (opened,) = await outbox.bodies(database, "billing.arrears_opened")
    assert (opened["customer_id"], opened["debt_amount"]) == (CUSTOMER, "2.00")
    await door.top_up(CUSTOMER, "2.00")
    assert (await prove(door))["balanced"]


async def test_the_master_that_paid_is_compensated(door: BillingDoor, database: Database) -> None:
    custody = {"financial_custody": True, "enterprise_master_id": OTHER_CUSTOMER}
    await hear(database, customer(CustomerUpdated, CUSTOMER, version=2, **custody))
    await door.top_up(OTHER_CUSTOMER, "10.00")
    made = (await adjust(door, await charged(door), "1.00")).json()
    assert (made["customer_id"], made["payer_id"]) == (CUSTOMER, OTHER_CUSTOMER)
    assert (await balance_of(database, OTHER_CUSTOMER)).balance == money("4.00")
    assert (await prove(door))["balanced"]


async def test_what_cannot_be_adjusted_is_refused_and_leaves_nothing(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(CUSTOMER, "10.00")
    line_id = await charged(door)
    made = (await adjust(door, line_id, "1.00")).json()["line_id"]
    more = (await adjust(door, line_id, "1.00", 16)).json()["line_id"]
    before = await untouched(database)
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"line_id": "nothing"}, (404, "CHB.0404")),
        ({"line_id": made}, (400, "CBC.0100")),
        ({"line_id": more}, (400, "CBC.0100")),
        ({"amount": "6.01"}, (400, "CBC.0100")),
        ({"amount": "0"}, (400, "CBC.0100")),
        ({"bill_type": 5}, (400, "CBC.0101")),
        ({"reason": ""}, (400, "CBC.0100")),
        ({"currency": "USD"}, (400, "CBC.0100")),
    ]
    for told, code in cases:
        body = {"line_id": line_id, "bill_type": 9, "amount": "1.00", "reason": "r"} | told
        assert code_of(await door.post(PATH, body, ADMINISTRATOR)) == code, told
    body = {"line_id": line_id, "bill_type": 9, "amount": "1.00", "reason": "r"}
    assert code_of(await door.post(PATH, body, as_partner()))[0] == 403
    assert await untouched(database) == before
    assert len(await lines_of(database)) == 3
