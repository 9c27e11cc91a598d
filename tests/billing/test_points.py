"""A month by the 95th percentile, and the points that it is made of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.settings import BillingSettings
from testkit.door import code_of
from tests.billing.builders import CUSTOMER, OTHER_CUSTOMER, BillingDoor, as_customer, running

pytestmark = pytest.mark.postgres

KIND = {
    "service_type_code": "hws.service.type.vpc",
    "resource_type_code": "hws.resource.type.bandwidth",
    "usage_type": "bandwidth95peak",
}
QUERY = "&".join(f"{name}={value}" for name, value in KIND.items())
SUMMARY = f"/v2/bills/customer-bills/resources/usage/summary?bill_cycle=2026-10&{QUERY}"
DETAILS = f"/v2/bills/customer-bills/resources/usage/details?bill_cycle=2026-10&{QUERY}"
BEGIN = datetime(2026, 9, 30, 16, tzinfo=UTC)  # of October in Beijing


def points(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many points from the month's begin on: 1, 2, 3 … Mbps."""
    return [
        {**KIND, "customer_id": CUSTOMER, "resource_id": "bandwidth-1",
         "stat_time": (BEGIN + timedelta(minutes=5 * number)).isoformat(),
         "usage_value": number + 1, **more}
        for number in range(count)
    ]  # fmt: skip


async def keep(door: BillingDoor, told: list[dict[str, Any]]) -> int:
    answer = await door.post("/api/usage-points", {"points": told})
    assert answer.status_code == 201, answer.text
    recorded: int = answer.json()["recorded"]
    return recorded


@pytest.mark.parametrize(("count", "peak"), [(1, "1"), (19, "19"), (20, "19"), (100, "95")])
async def test_the_highest_five_per_cent_are_taken_away(
    door: BillingDoor, count: int, peak: str
) -> None:
    """Break: take away no point, or one of nineteen."""
    assert await keep(door, points(count)) == count
    assert await keep(door, points(count, usage_value=999)) == 0  # known: stays as it is
    (row,) = (await door.get(SUMMARY, as_customer())).json()["summary_usage_info_list"]
    assert (row["resource_id"], row["band_width"]) == ("bandwidth-1", peak)
    assert "monthly_peak_band_width" not in row
    details = (await door.get(f"{DETAILS}&resource_id=bandwidth-1&limit=1", as_customer())).json()
    assert (details["band_width"], details["total_count"]) == (peak, count)
    assert details["usage_info_list"][0] == {
        "stat_time": "2026-09-30T16:00:00Z", "usage": "1", "measure_id": 15,
    }  # fmt: skip
    other = (await door.get(SUMMARY, as_customer(OTHER_CUSTOMER))).json()
    assert other == {"total_count": 0, "summary_usage_info_list": []}


async def test_days_have_twenty_decimals(door: BillingDoor) -> None:
    await keep(door, points(100))
    (row,) = (await door.get(SUMMARY, as_customer())).json()["summary_usage_info_list"]
    assert row["actual_days"] == "0.34722222222222222222"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (datetime(2026, 11, 2, 11, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 2, 12, 0, tzinfo=UTC), True),
    ],
)
async def test_a_month_is_told_from_the_second_day_at_twenty_on(
    settings: BillingSettings, now: datetime, told: bool
) -> None:
    async with running(settings, now) as door:
        await keep(door, points(20))
        (row,) = (await door.get(SUMMARY, as_customer())).json()["summary_usage_info_list"]
    assert ("band_width" in row) is told


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (DETAILS.replace("hws.service.type.vpc", "hws.service.type.ec2"), "CBC.0101"),
        (DETAILS.replace("bandwidth95peak", "duration"), "CBC.0101"),
        (DETAILS.replace("2026-10", "2023-10"), "CBC.0100"),
    ],
)
async def test_other_services_and_types_are_refused(
    door: BillingDoor, wrong: str, code: str
) -> None:
    assert code_of(await door.get(f"{wrong}&resource_id=x", as_customer())) == (400, code)


async def test_points_begin_five_minutes_and_lie_behind(door: BillingDoor) -> None:
    for wrong in ("2026-10-01T00:00:01Z", "2036-10-01T00:00:00Z"):
        told = [{**points(1)[0], "stat_time": wrong}]
        answer = await door.post("/api/usage-points", {"points": told})
        assert answer.status_code == 400
