"""Costs of a month: what was charged in it, and what of earlier periods lies in it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.lines.models import BillLine
from chassis.database import Database
from testkit.door import code_of
from tests.billing.builders import BillingDoor, as_customer
from tests.billing.lines import bill_line
from tests.billing.test_records import add, all_of, total

pytestmark = pytest.mark.postgres

BREAK_DOWN = "/v2/costs/cost-analysed-bills/monthly-breakdown"
COSTS = "/v4/costs/cost-analysed-bills/query"
MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(line_id: str, begin: str, end: str, **more: Any) -> BillLine:
    """What an order paid for a period."""
    paid = at(begin)
    return bill_line(
        line_id, bill_type=1, charging_mode=1, order_id=f"order-{line_id}", trade_time=paid,
        bill_cycle=begin[:7], bill_date=paid.date(), period_begin_at=paid, period_end_at=at(end),
        period_type=20, period_num=3, **more,
    )  # fmt: skip


def lines() -> list[BillLine]:
    return [
        period("whole", "2026-09-10T02:00", "2026-12-10T02:00", cash_amount=Decimal("61.37"),
               coupon_amount=Decimal("20.00"), tags={"team": "a"}),
        period("ended", "2026-10-05T02:00", "2027-01-05T02:00", cash_amount=Decimal("90.00"),
               credit_amount=Decimal("3.33"), region_code="cn-east-3"),
        bill_line("back", bill_type=4, charging_mode=1, order_id="o", corrects="ended",
                  trade_time=at("2026-11-10T03:00"), cash_amount=Decimal("-40.00"),
                  region_code="cn-east-3"),
        bill_line("used", cash_amount=Decimal("7.05"), debt_amount=Decimal("2.00"), erase_amount=
                  Decimal("0.00400000"), az_code="az-1"),
    ]  # fmt: skip


async def details_of(door: BillingDoor, month: str, query: str = "") -> list[Any]:
    return await all_of(door, f"{BREAK_DOWN}?shared_month={month}{query}", "details", as_customer())


async def costs_of(door: BillingDoor, begin: str, end: str, **more: Any) -> list[Any]:
    body = {
        "time_condition": {"time_measure_id": 2, "begin_time": begin, "end_time": end},
        "groupby": [{"type": "dimension", "key": "REGION_CODE"}],
        "cost_type": "AMORTIZED_COST",
        "amount_type": "PAYMENT_AMOUNT",
        **more,
    }
    return await all_of(door, COSTS, "cost_data", as_customer(), body)


async def test_all_months_together_are_what_was_payable(
    door: BillingDoor, database: Database
) -> None:
    """And each month is what list_costs says of it. Break: forget that a refund ends a period."""
    await add(database, *lines())
    payable = {line.line_id: line.payment_amount for line in lines()}
    seen = Decimal(0)
    for month in MONTHS:
        rows = await details_of(door, month)
        for row in rows:
            parts = (row["past_months_amortized_amount"], row["current_month_amortized_amount"],
                     row["future_months_amortized_amount"])  # fmt: skip
            assert sum(parts) == row["consume_amount"]
            means = [row[name] for name in row if name.startswith("amortized_")]
            assert len(means) == 6
            assert sum(means) == row["current_month_amortized_amount"]
            if row["charging_mode"] == 3:
                assert parts[0] == parts[2] == 0
        month_sum = total(rows, "current_month_amortized_amount")
        told = await costs_of(door, month, month)
        assert sum(Decimal(row["amount_by_costs"]) for row in told) == month_sum
        seen += month_sum
    assert seen == sum(payable.values())
    assert {row["order_id"] for row in await details_of(door, "2026-10")} == {
        "order-whole", "order-ended",
    }  # fmt: skip
    november = {row.get("order_id"): row for row in await details_of(door, "2026-11")}
    assert november["order-ended"]["future_months_amortized_amount"] == 0
    assert [row["order_id"] for row in await details_of(door, "2026-12")] == ["order-whole"]
    assert await details_of(door, "2027-01") == []


async def test_costs_by_day_are_costs_by_month(door: BillingDoor, database: Database) -> None:
    """Of what was charged and of what is shared, with coupons and without."""
    await add(database, *lines())
    for cost_type in ("ORIGINAL_COST", "AMORTIZED_COST"):
        for amount_type in ("PAYMENT_AMOUNT", "NET_AMOUNT"):
            asked = {"cost_type": cost_type, "amount_type": amount_type}
            months = await costs_of(door, "2026-09", "2026-12", **asked)
            days = await costs_of(
                door, "", "", **asked,
                time_condition={"time_measure_id": 1, "begin_time": "2026-09-01",
                                "end_time": "2026-12-31"},
            )  # fmt: skip
            keys = ("dimensions", "amount_by_costs", "official_amount_by_costs")
            assert [[Decimal(row[key]) if key != "dimensions" else row[key] for key in keys]
                    for row in months] == [
                [Decimal(row[key]) if key != "dimensions" else row[key] for key in keys]
                for row in days]  # fmt: skip
            times = [sum(len(row["costs"]) for row in rows) for rows in (days, months)]
            assert times == ([4, 4] if cost_type == "ORIGINAL_COST" else [130, 6])
            net = Decimal(20) if amount_type == "NET_AMOUNT" else Decimal(0)
            whole = sum((line.payment_amount for line in lines()), Decimal(0)) - net
            assert sum(Decimal(row["amount_by_costs"]) for row in months) == whole


async def test_dimensions_and_filters(door: BillingDoor, database: Database) -> None:
    await add(database, *lines())
    asked = {"cost_type": "ORIGINAL_COST"}
    by_tag = await costs_of(
        door, "2026-09", "2026-11", **asked,
        groupby=[{"type": "tag", "key": "team"}, {"type": "dimension", "key": "BILL_TYPE"}],
    )  # fmt: skip
    assert [
        ([one["value"] for one in row["dimensions"]], row["amount_by_costs"]) for row in by_tag
    ] == [(["", "1"], "102.38"), (["", "2"], "-40.00"), (["a", "1"], "81.37")]
    only = {"operator": 0, "filter_factor": {"key": "AZ_CODE", "value": ["az-1"]}}
    assert [
        row["amount_by_costs"]
        for row in await costs_of(door, "2026-11", "2026-11", **asked, filters=[only])
    ] == ["9.05"]
    but = {**only, "operator": 1}
    assert [
        row["amount_by_costs"]
        for row in await costs_of(door, "2026-11", "2026-11", **asked, filters=[but])
    ] == ["-40.00"]
    tagged = {"operator": 0, "filter_factor": {"key": "RESOURCE_TAG", "value": ["team=a"]}}
    found = await costs_of(door, "2026-09", "2026-11", **asked, filters=[tagged])
    assert [row["amount_by_costs"] for row in found] == ["81.37"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"time_condition": {"time_measure_id": 2, "begin_time": "2026-11-01",
                             "end_time": "2026-11"}}, "CBC.0100"),
        ({"time_condition": {"time_measure_id": 1, "begin_time": "2026-11",
                             "end_time": "2026-11-02"}}, "CBC.0100"),
        ({"time_condition": {"time_measure_id": 2, "begin_time": "2026-11",
                             "end_time": "9000-11"}}, "CBC.0100"),
        ({"time_condition": {"time_measure_id": 2, "begin_time": "2026-11",
                             "end_time": "2026-10"}}, "CBC.0100"),
        ({"time_condition": {"time_measure_id": 2, "begin_time": "2025-05",
                             "end_time": "2026-10"}}, "CBC.0100"),
        ({"groupby": [{"type": "dimension", "key": "REGION_CODE"}] * 2}, "CBC.0100"),
        ({"groupby": [{"type": "dimension", "key": "MOON"}]}, "CBC.0101"),
        ({"filters": [{"operator": 0, "filter_factor": {"key": "MOON", "value": ["x"]}}]},
         "CBC.0101"),
    ],
)  # fmt: skip
async def test_wrong_questions_are_refused(
    door: BillingDoor, wrong: dict[str, Any], code: str
) -> None:
    body = {
        "time_condition": {"time_measure_id": 2, "begin_time": "2026-11", "end_time": "2026-11"},
        "groupby": [{"type": "dimension", "key": "REGION_CODE"}],
        "cost_type": "ORIGINAL_COST", "amount_type": "NET_AMOUNT", **wrong,
    }  # fmt: skip
    assert code_of(await door.post(COSTS, body, as_customer())) == (400, code)
