"""The month in which a referral customer in custody leaves its partner (F.4).

Details are the member's up to that second and its master's after it; sums are the member's alone.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.copies import Unlinking
from chassis.database import Database
from contracts.customer import CustomerUpdated
from tests.billing.builders import (
    NOW,
    PARTNER,
    BillingDoor,
    as_customer,
    as_partner,
    customer,
    hear,
)
from tests.billing.lines import bill_line

pytestmark = pytest.mark.postgres

MASTER, MEMBER = "the-master", "its-member"
UNLINKED = datetime(2026, 11, 14, 7, 25, 30, tzinfo=UTC)  # 15:25:30 in Beijing
SECOND = timedelta(seconds=1)
PARTNERS = "/v2/bills/subcustomer-bills/res-fee-records"
FLOW = "/v2/bills/customer-bills/fee-records?bill_cycle=2026-11&limit=100"
RESOURCES = "/v2/bills/customer-bills/res-fee-records?cycle=2026-11&limit=100"
SUM = "/v2/bills/customer-bills/monthly-sum?bill_cycle=2026-11"
BREAK_DOWN = "/v2/costs/cost-analysed-bills/monthly-breakdown"
DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)


@pytest.fixture
async def month(database: Database) -> None:
    in_custody = {"enterprise_master_id": MASTER, "financial_custody": True}
    await hear(
        database,
        customer(customer_id=MASTER, association_type="1", is_enterprise_master=True),
        customer(CustomerUpdated, customer_id=MEMBER, association_type="1", **in_custody),
    )
    lines: dict[str, Any] = {
        "until": {"trade_time": UNLINKED},
        "within": {"trade_time": UNLINKED + SECOND - timedelta(milliseconds=1)},
        "after": {"trade_time": UNLINKED + SECOND},
        "own": {"trade_time": UNLINKED + SECOND, "customer_id": MASTER, "payer_id": None},
        "resale": {"trade_time": UNLINKED + SECOND, "association_type": "2"},
    }
    of_member = {"customer_id": MEMBER, "payer_id": MASTER, "association_type": "1"}
    async with database.transaction() as session:
        session.add_all(bill_line(name, **{**of_member, **more}) for name, more in lines.items())
        session.add(Unlinking(customer_id=MEMBER, at=UNLINKED, partner_id=PARTNER))


async def ids(door: BillingDoor, path: str, who: Any, key: str) -> dict[str, str]:
    """Line → whose it is said to be."""
    answer = await door.get(path, who)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    count = found["total_count"]
    rows = found[key]
    assert count == len(rows), "the number of all is that of those shown"
    return {row.get("id") or row.get("trade_id", "")[6:]: row["customer_id"] for row in rows}


MEMBERS = {"until": MEMBER, "within": MEMBER, "resale": MEMBER}
MASTERS = {"own": MASTER, "after": MASTER}


@pytest.mark.usefixtures("month")
async def test_a_detail_is_the_members_up_to_the_second_and_then_its_masters(
    door: BillingDoor,
) -> None:
    """Break: compare instants in place of seconds."""
    for account, expected in ((MEMBER, MEMBERS), (MASTER, MASTERS)):
        path = f"{PARTNERS}?bill_cycle=2026-11&customer_id={account}&limit=100"
        assert await ids(door, path, as_partner(), "fee_records") == expected
        who = as_customer(account)
        flow = await ids(door, f"{FLOW}&method=oneself", who, "records")
        assert flow == expected
        for statistic_type in (1, 2, 3):
            shown = f"{RESOURCES}&method=oneself&statistic_type={statistic_type}"
            rows = (await door.get(shown, who)).json()
            assert {one["customer_id"] for one in rows["fee_records"]} == {account}
            amount = sum(one["amount"] for one in rows["fee_records"])
            assert amount == len(expected), (statistic_type, rows)
    everything = await ids(door, FLOW, as_customer(MASTER), "records")
    assert everything == MEMBERS | MASTERS


@pytest.mark.usefixtures("month")
async def test_the_months_sum_is_the_members_alone(door: BillingDoor) -> None:
    """So details by account are not the sum by account."""
    own = (await door.get(f"{SUM}&method=oneself", as_customer(MEMBER))).json()
    assert sum(one["consume_amount"] for one in own["bill_sums"]) == 4
    of_master = (await door.get(f"{SUM}&method=oneself", as_customer(MASTER))).json()
    assert sum(one["consume_amount"] for one in of_master["bill_sums"]) == 1


@pytest.mark.usefixtures("month")
async def test_another_month_is_not_split(door: BillingDoor, database: Database) -> None:
    async with database.transaction() as session:
        session.add(
            bill_line(
                "before", customer_id=MEMBER, payer_id=MASTER, association_type="1",
                bill_cycle="2026-10", bill_date=(NOW - timedelta(days=40)).date(),
                trade_time=UNLINKED - timedelta(days=30),
            )
        )  # fmt: skip
    path = FLOW.replace("2026-11", "2026-10")
    member = await ids(door, f"{path}&method=oneself", as_customer(MEMBER), "records")
    assert member == {"before": MEMBER}


async def costs_by_account(
    door: BillingDoor, account: str, month: str, kind: str
) -> dict[str, Decimal]:
    body = {
        "time_condition": {"time_measure_id": 2, "begin_time": month, "end_time": month},
        "groupby": [{"type": "dimension", "key": "ASSOCIATED_ACCOUNT"}],
        "cost_type": kind,
        "amount_type": "PAYMENT_AMOUNT",
    }
    answer = await door.post("/v4/costs/cost-analysed-bills/query", body, as_customer(account))
    assert answer.status_code == 200, answer.text
    return {
        one["dimensions"][0]["value"]: Decimal(one["amount_by_costs"])
        for one in answer.json()["cost_data"]
    }


@pytest.mark.usefixtures("month")
async def test_costs_are_split_like_details_also_in_the_months_that_share_them(
    door: BillingDoor, database: Database
) -> None:
    """What a period of that month costs later, and what a later month charges, too.

    Breaks: leave `bill_cycle` out of `Split._is_moved`; look at the month alone in `split_of`.
    """
    of_member = {"customer_id": MEMBER, "payer_id": MASTER, "association_type": "1"}
    bought = {"bill_type": 1, "charging_mode": 1, "order_id": "o"}
    async with database.transaction() as session:
        session.add(
            bill_line(
                "period", **of_member, **bought, trade_time=UNLINKED + SECOND,
                period_begin_at=UNLINKED, period_end_at=UNLINKED + timedelta(days=31),
            )
        )  # fmt: skip
        session.add(bill_line("later", **of_member, bill_cycle="2026-12", trade_time=DECEMBER))
    whole = {"2026-11": {MEMBER: 3, MASTER: 2}, "2026-12": {MEMBER: 1, MASTER: 0}}
    of_period = Decimal(0)
    for month, charged in whole.items():
        amounts = {}
        for account in (MEMBER, MASTER):
            path = f"{BREAK_DOWN}?shared_month={month}&limit=100&method=oneself"
            rows = (await door.get(path, as_customer(account))).json()["details"]
            assert {one["customer_id"] for one in rows} == {account}
            amount = sum(Decimal(str(one["current_month_amortized_amount"])) for one in rows)
            amounts[account] = amount
        assert amounts[MEMBER] == charged[MEMBER]
        of_period += amounts[MASTER] - charged[MASTER]
        for account, seen in ((MEMBER, {MEMBER}), (MASTER, {MEMBER, MASTER})):
            costs = await costs_by_account(door, account, month, "AMORTIZED_COST")
            assert costs == {name: amounts[name] for name in seen}
    assert of_period == 1, "the period's months share what was paid for it"
    original = await costs_by_account(door, MASTER, "2026-11", "ORIGINAL_COST")
    assert original == {MEMBER: 3, MASTER: 3}
    assert await costs_by_account(door, MEMBER, "2026-11", "ORIGINAL_COST") == {MEMBER: 3}
