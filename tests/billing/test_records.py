"""What customers and partners are shown of a month: five lists that agree with the lines."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import update

from billing.copies import Customer
from billing.lines.models import BillLine
from billing.settings import BillingSettings
from chassis.database import Database
from testkit.door import code_of
from tests.billing.builders import (
    CUSTOMER,
    OTHER_CUSTOMER,
    REFERRAL,
    BillingDoor,
    as_customer,
    as_partner,
    money,
    running,
)
from tests.billing.lines import PAID_BY, bill_line
from wire.json import loads

pytestmark = pytest.mark.postgres

MASTER, CUSTODY, INDEPENDENT = CUSTOMER, OTHER_CUSTOMER, REFERRAL
LAST_DAY = datetime(2026, 12, 2, 4, tzinfo=UTC)  # all of November lies behind
SUM = "/v2/bills/customer-bills/monthly-sum?bill_cycle=2026-11"
FLOW = "/v2/bills/customer-bills/fee-records?bill_cycle=2026-11"
RECORDS = "/v2/bills/customer-bills/res-fee-records?cycle=2026-11"
DETAILS = "/v2/bills/customer-bills/res-records/query"
MONTHS = "/v2/bills/partner-bills/subcustomer-bills/monthly-sum?cycle=2026-11"
DETAIL = "/v2/bills/subcustomer-bills/res-fee-records?bill_cycle=2026-11"


@pytest.fixture
async def later(settings: BillingSettings) -> AsyncIterator[BillingDoor]:
    """The service in December."""
    async with running(settings, LAST_DAY) as found:
        yield found


async def add(database: Database, *lines: BillLine) -> None:
    async with database.transaction() as session:
        session.add_all(lines)


async def all_of(door: BillingDoor, path: str, key: str, by: Any, body: Any = None) -> list[Any]:
    """All rows, page by page; the total says how many."""
    found: list[Any] = []
    total = 1
    while len(found) < total:
        if body is None:
            answer = await door.get(f"{path}&limit=7&offset={len(found)}", by)
        else:
            answer = await door.post(path, {**body, "limit": 7, "offset": len(found)}, by)
        assert answer.status_code == 200, answer.text
        shown = loads(answer.content)
        total = shown.get("total_count", shown.get("count"))
        assert shown[key] or not total
        found += shown[key]
        if not total:
            break
    return found


def total(rows: list[Any], name: str) -> Decimal:
    return sum((Decimal(str(row.get(name) or 0)) for row in rows), Decimal(0))


def random_line(random: Random, number: int) -> BillLine:
    """A line of November: used or ordered, refunded or adjusted, paid by some means."""
    kind = random.choice([1, 2, 4, 5, 5, 5, 9, 16, 20])
    sign = -1 if kind in (4, 9, 20) else 1
    means = [name for name in PAID_BY if name != "debt_amount" or sign > 0]
    amounts = {
        name: sign * Decimal(random.randrange(900)) / 100 for name in random.sample(means, 3)
    }
    if sign < 0:
        amounts.pop("writeoff_amount", None)
    at = datetime(2026, 10, 31, 16, tzinfo=UTC) + timedelta(seconds=random.randrange(30 * 86400))
    return bill_line(
        f"line-{number:03}",
        bill_type=kind,
        charging_mode=3 if kind in (5, 9, 16) else 1,
        order_id=None if kind in (5, 9, 16) else f"order-{number}",
        trade_time=at,
        bill_date=(at + timedelta(hours=8)).date(),
        resource_id=random.choice([None, "resource-1", "resource-2"]),
        region_code=random.choice(["cn-north-4", "cn-east-3"]),
        service_type_code=random.choice(["hws.service.type.ec2", "hws.service.type.obs"]),
        official_discount_amount=sign * Decimal(random.randrange(10**8)) / 10**8,
        erase_amount=sign * Decimal(random.randrange(10**6)) / 10**8,
        **(amounts or {"cash_amount": Decimal(0)}),
    )


async def test_the_five_operations_of_a_month_agree_with_each_other_and_the_lines(
    later: BillingDoor, database: Database
) -> None:
    """Break: leave a class of bill types or a kind of payment out of one of them."""
    lines = [random_line(Random(7 * number), number) for number in range(60)]
    expected = {
        name: sum((getattr(line, name) for line in lines), Decimal(0))
        for name in (*PAID_BY, "payment_amount", "official_amount", "erase_amount")
    }
    await add(database, *lines)
    own, partner = as_customer(), as_partner()
    months = [
        row
        for mode in (1, 3)
        for row in await all_of(later, f"{MONTHS}&charge_mode={mode}", "bill_sums", partner)
    ]
    detail = await all_of(later, f"{DETAIL}&customer_id={CUSTOMER}", "fee_records", partner)
    sums = await all_of(later, SUM, "bill_sums", own)
    flow = await all_of(later, FLOW, "records", own)
    seen = {"detail": (detail, "payment_amount"), "sum": (sums, "consume_amount"),
            "flow": (flow, "consume_amount"), "months": (months, "amount")}  # fmt: skip
    for kind in (1, 2, 3):
        records = await all_of(later, f"{RECORDS}&statistic_type={kind}", "fee_records", own)
        seen[f"records {kind}"] = (records, "amount")
        body = {"cycle": "2026-11", "statistic_type": kind}
        details = await all_of(later, DETAILS, "monthly_records", own, body)
        seen[f"details {kind}"] = (details, "consume_amount")
    payable = {name: total(rows, field) for name, (rows, field) in seen.items()}
    assert payable == dict.fromkeys(seen, expected["payment_amount"])
    for name, (rows, _) in seen.items():
        if name == "months":
            continue
        for amount in ("cash_amount", "credit_amount", "coupon_amount", "debt_amount"):
            assert total(rows, amount) == expected[amount], (name, amount)
        assert total(rows, "official_amount") == expected["official_amount"], name
    assert (
        total(sums, "truncated_amount") == total(flow, "erase_amount") == expected["erase_amount"]
    )
    assert [len(rows) for rows in (detail, flow)] == [60, 60]
    await _same_by_filter(later, lines)


async def _same_by_filter(door: BillingDoor, lines: list[BillLine]) -> None:
    """Counts come from sums or from lines, as the filter needs: both are right."""
    assert await all_of(door, f"{FLOW}&status=3", "records", as_customer()) == []
    wanted: Callable[[BillLine], bool]
    for query, wanted in {
        "&include_zero_record=false": lambda line: line.payment_amount != 0,
        "&status=1": lambda line: line.debt_amount == 0,
        "&status=2": lambda line: line.debt_amount > 0,
        "&status=2&include_zero_record=false": lambda line: line.debt_amount > 0,
        "&bill_type=4": lambda line: line.bill_type == 4,
        "&bill_date_begin=2026-11-05&bill_date_end=2026-11-09": lambda line: (
            date(2026, 11, 5) <= line.bill_date <= date(2026, 11, 9)
        ),
    }.items():
        found = await all_of(door, f"{FLOW}{query}", "records", as_customer())
        assert {row["id"] for row in found} == {line.line_id for line in lines if wanted(line)}, (
            query
        )


async def test_one_word_has_the_code_of_its_list(later: BillingDoor, database: Database) -> None:
    """docs/domain/worked-examples.md F.13: a refund of 30.00 in each list."""
    refund = bill_line("refund", bill_type=4, charging_mode=1, order_id="o", cash_amount=-30)
    await add(database, refund)
    (month,) = await all_of(later, f"{MONTHS}&charge_mode=1&bill_type=1", "bill_sums", as_partner())
    assert (month["bill_type"], month["amount"], "debt_amount" in month) == ("1", -30, False)
    assert month["account_details"] == [
        {"balance_type": "BALANCE_TYPE_DEBIT", "amount": money("-30.00"), "bill_type": "1"}
    ]
    (row,) = await all_of(later, SUM, "bill_sums", as_customer())
    assert (row["bill_type"], row["consume_amount"]) == (2, -30)
    (flow,) = await all_of(later, FLOW, "records", as_customer())
    assert (flow["bill_type"], flow["status"], flow["trade_id"]) == (4, 1, "trade-refund")


async def test_a_partner_is_shown_whole_days_and_resale_customers_alone(
    door: BillingDoor, database: Database
) -> None:
    """See docs/domain/bills.md I.6, docs/domain/worked-examples.md F.14.

    Break: show today's lines, or a referral customer's.
    """
    await add(
        database,
        bill_line("today"),
        bill_line("yesterday", bill_date=date(2026, 11, 22), cash_amount=2),
        bill_line("referral", bill_date=date(2026, 11, 22), customer_id=REFERRAL,
                  association_type="1"),
    )  # fmt: skip
    rows = await all_of(door, f"{MONTHS}&charge_mode=3", "bill_sums", as_partner())
    assert [(row["customer_id"], row["amount"]) for row in rows] == [(CUSTOMER, 2)]
    stranger = await door.get(f"{MONTHS}&charge_mode=3&customer_id=nobody", as_partner())
    assert code_of(stranger) == (400, "CBC.99000035")


async def make_enterprise(database: Database, *, shows: bool) -> None:
    async with database.transaction() as session:
        for member, custody in ((CUSTODY, True), (INDEPENDENT, False)):
            await session.execute(
                update(Customer)
                .where(Customer.customer_id == member)
                .values(enterprise_master_id=MASTER, financial_custody=custody,
                        shows_consumption=shows and not custody)
            )  # fmt: skip


@pytest.mark.parametrize("shows", [True, False])
async def test_a_master_sees_custody_members_and_who_lets_it(
    door: BillingDoor, database: Database, shows: bool
) -> None:
    """Break: look at no agreement."""
    await make_enterprise(database, shows=shows)
    await add(
        database,
        bill_line("master"),
        bill_line("custody", customer_id=CUSTODY, payer_id=MASTER),
        bill_line("independent", customer_id=INDEPENDENT),
    )

    async def seen(query: str, who: str = MASTER) -> set[str]:
        rows = await all_of(door, f"{FLOW}{query}", "records", as_customer(who))
        summed = await all_of(door, f"{SUM}{query}", "bill_sums", as_customer(who))
        assert {row["customer_id"] for row in summed} == {row["customer_id"] for row in rows}
        return {row["id"] for row in rows}

    let = {"independent"} if shows else set()
    assert await seen("") == await seen("&method=all") == {"master", "custody"} | let
    assert await seen(f"&method=oneself&sub_customer_id={CUSTODY}") == {"master"}
    assert await seen(f"&method=sub_customer&sub_customer_id={CUSTODY}") == {"custody"}
    assert await seen("", CUSTODY) == {"custody"}
    asked = await door.get(
        f"{FLOW}&method=sub_customer&sub_customer_id={INDEPENDENT}", as_customer(MASTER)
    )
    assert code_of(asked) == ((200, None) if shows else (403, "CBC.0150"))
    for wrong, code in (("&sub_customer_id=stranger", (403, "CBC.0150")), ("", (400, "CBC.0100"))):
        answer = await door.get(f"{FLOW}&method=sub_customer{wrong}", as_customer(MASTER))
        assert code_of(answer) == code

    async def paid(payer_id: str | None, who: str = MASTER) -> set[str]:
        body = {"cycle": "2026-11", "payer_account_id": payer_id, "statistic_type": 3}
        rows = await all_of(door, DETAILS, "monthly_records", as_customer(who), body)
        return {f"{row['id']} by {row['payer_account_id']}" for row in rows}

    assert await paid(MASTER) == {f"master by {MASTER}", f"custody by {MASTER}"}
    assert await paid(MASTER, CUSTODY) == {f"custody by {MASTER}"}
    assert await paid(CUSTODY, CUSTODY) == set()
    if shows:
        assert await paid(INDEPENDENT) == {f"independent by {INDEPENDENT}"}
    stranger = await door.post(DETAILS, {"cycle": "2026-11", "payer_account_id": "nobody"},
                               as_customer(MASTER))  # fmt: skip
    assert code_of(stranger) == (403, "CBC.0150")


async def test_each_filter_means_what_its_list_says_of_absent_empty_and_null(
    door: BillingDoor, database: Database
) -> None:
    """docs/domain/bills.md I.1. Break: compare the text `null` with the column."""
    await add(
        database,
        bill_line("default", enterprise_project_id="0", resource_id="r"),
        bill_line("none"),
        bill_line("named", enterprise_project_id="p-1", resource_id="r", account_manager_id="m"),
    )

    async def ids(path: str, key: str, by: Any = None) -> set[str]:
        return {row["id"] for row in await all_of(door, path, key, by or as_customer())}

    everything = {"default", "none", "named"}
    for path, key in ((FLOW, "records"), (RECORDS, "fee_records")):
        assert await ids(path, key) == everything
        assert await ids(f"{path}&enterprise_project_id=null", key) == {"none"}
        assert await ids(f"{path}&enterprise_project_id=0", key) == {"default"}
    assert await ids(f"{FLOW}&enterprise_project_id=", "records") == everything
    assert await ids(f"{RECORDS}&enterprise_project_id=", "fee_records") == {"none"}
    assert await ids(f"{RECORDS}&resource_id=", "fee_records") == {"none"}
    assert await ids(f"{RECORDS}&cloud_service_type=", "fee_records") == set()
    detail = f"{DETAIL}&customer_id={CUSTOMER}"
    assert await ids(f"{detail}&resource_id=null", "fee_records", as_partner()) == {"none"}
    assert await ids(f"{detail}&account_manager_id=null", "fee_records", as_partner()) == {
        "default", "none",
    }  # fmt: skip
    refused = await door.get(f"{SUM}&enterprise_project_id=", as_customer())
    assert code_of(refused) == (400, "CBC.0100")
    (row,) = await all_of(door, f"{SUM}&enterprise_project_id=-1", "bill_sums", as_customer())
    assert row["consume_amount"] == 1


@pytest.mark.parametrize(
    ("path", "oldest", "too_old"),
    [
        (SUM, "2023-12", "2023-11"),
        (FLOW, "2023-12", "2023-11"),
        (RECORDS, "2023-12", "2023-11"),
        (f"{MONTHS}&charge_mode=3", "2025-06", "2025-05"),
    ],
)
async def test_bills_are_shown_for_three_years_and_to_partners_for_18_months(
    door: BillingDoor, path: str, oldest: str, too_old: str
) -> None:
    by = as_partner() if path.startswith(MONTHS) else as_customer()
    assert (await door.get(path.replace("2026-11", oldest), by)).status_code == 200
    refused = await door.get(path.replace("2026-11", too_old), by)
    assert code_of(refused) == (400, "CBC.0100")


async def test_statistics_by_day_and_cycle_add_up_and_leave_out_what_a_line_alone_has(
    door: BillingDoor, database: Database
) -> None:
    await add(
        database,
        *(
            bill_line(f"u{day}{hour}", resource_id="r", usage_record_id=f"u{day}{hour}",
                      usage_amount=Decimal(1), usage_measure_id=4, unit_price=Decimal("1.5"),
                      bill_date=date(2026, 11, day), product_id="ecs-s6-large-linux")
            for day in (1, 2) for hour in (1, 2)
        ),
    )  # fmt: skip
    by_line, by_day, by_cycle = [
        await all_of(door, f"{RECORDS}&statistic_type={kind}", "fee_records", as_customer())
        for kind in (3, 2, 1)
    ]
    assert Counter(row["bill_date"] for row in by_day) == {"2026-11-01": 1, "2026-11-02": 1}
    assert [row["usage"] for row in by_day] == [2, 2]
    (row,) = by_cycle
    assert (row["usage"], row["amount"]) == (4, 4)
    assert {"id", "formula", "bill_date"} & row.keys() == set()
    assert len(by_line) == 4
    assert all("id" in one and "consume_time" in one for one in by_line)
    narrowed = await all_of(
        door, f"{RECORDS}&bill_date_begin=2026-11-02", "fee_records", as_customer()
    )
    assert {one["bill_date"] for one in narrowed} == {"2026-11-02"}
    for body, code in (
        ({"query_type": "DAILY"}, (400, "CBC.0100")),
        ({"query_type": "DAILY", "statistic_type": 2}, (400, "CBC.0100")),
        ({"cycle": "2018-12"}, (400, "CBC.0100")),
    ):
        answer = await door.post(DETAILS, {"cycle": "2026-11", **body}, as_customer())
        assert code_of(answer) == code
    days = {"query_type": "DAILY", "bill_cycle_begin": "2026-11-02", "bill_cycle_end": "2026-11-02"}
    body = {"cycle": "2026-11", "statistic_type": 2, **days}
    rows = await all_of(door, DETAILS, "monthly_records", as_customer(), body)
    assert [(one["bill_date"], one["consume_amount"]) for one in rows] == [("2026-11-02", 2)]
