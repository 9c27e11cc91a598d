"""Usage by tiers over a cycle, by agreements, and by a month's 95th percentile."""

from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import CUSTOMER, BillingDoor, as_customer, hear
from tests.billing.test_inquiries import grant
from tests.billing.test_prices import rate, rating
from tests.billing.test_record_usage import PATH, lines_of, record, usage, vm
from tests.billing.test_take_from_packages import item, package

pytestmark = pytest.mark.postgres

EARLY = "2026-11-01T00:00:00Z"
TRAFFIC = {
    "service_type_code": "hws.service.type.obs",
    "resource_type_code": "hws.resource.type.obs",
    "resource_spec_code": "traffic.out",
    "usage_measure_id": 10,
    "measure_size": None,
}


def traffic(record_id: str, gigabytes: str, **more: Any) -> dict[str, Any]:
    return usage(record_id, **{**TRAFFIC, "usage_value": gigabytes, **more})


async def test_tiers_count_what_was_used_in_the_cycle_and_the_region(door: BillingDoor) -> None:
    """10,240 GB at 0.50, above at 0.45; Hong Kong counts apart, and by its own price.

    Break: begin each record at nothing.
    """
    first = await record(door, traffic("t1", "10000"), traffic("t2", "300"))
    assert [one["official_amount"] for one in first] == ["5000.00", "147.00"]  # 240 and 60
    again, later = await record(door, traffic("t2", "300"), traffic("t3", "10"))
    assert (again["line_id"], later["official_amount"]) == (first[1]["line_id"], "4.50")
    (apart,) = await record(door, traffic("t4", "10", region_code="ap-southeast-1"))
    assert apart["official_amount"] == "8.00"
    (before,) = await record(
        door, traffic("t5", "10", used_until="2026-10-31T15:00:00Z")
    )  # its cycle is closed: it counts in the open one
    assert before["official_amount"] == "4.50"


async def test_an_agreement_lowers_use_that_it_names_and_inquiries_say_so(
    door: BillingDoor, database: Database
) -> None:
    """Break: let a discount that names no charging mode lower use."""
    await grant(door, service_type_codes=["hws.service.type.ec2"], discount_value="0.5")
    (plain,) = await record(door, vm("v1", "1"))
    await grant(
        door, service_type_codes=["hws.service.type.ec2"], charging_modes=["ONDEMAND"],
        agreement_number="AG-1", effective_at=EARLY,
    )  # fmt: skip
    (lowered,) = await record(door, vm("v2", "1"))
    net, whole = Decimal(lowered["payment_amount"]), Decimal(plain["payment_amount"])
    assert 0 < net < whole
    (line,) = [one for one in await lines_of(database) if one.usage_record_id == "v2"]
    assert line.payment_amount + line.erase_amount == line.official_amount * Decimal("0.9")
    assert (line.promotion_type, line.reckoned["discount"]["agreement_number"]) == ("605", "AG-1")
    server = rating(
        cloud_service_type="hws.service.type.ec2", resource_type="hws.resource.type.vm",
        resource_spec="s6.small.1.linux", resource_size=None, size_measure_id=None,
        usage_value=10,
    )  # fmt: skip
    (rated,) = (await rate(door, server)).json()["product_rating_results"]
    assert (rated["official_website_amount"], rated["amount"]) == (0.7, 0.63)
    (told,) = rated["discount_rating_results"]
    assert (told["discount_type"], told["amount"], rated["discount_amount"]) == (605, 0.07, 0.07)


async def test_a_use_has_the_discount_that_held_at_its_end(door: BillingDoor) -> None:
    """Break: look at the discounts of the present."""
    await grant(
        door, charging_modes=["ONDEMAND"], effective_at="2026-11-23T02:45:00Z",
        discount_value="0.5",
    )  # fmt: skip
    before = vm("b", "100", used_until="2026-11-23T02:44:59Z")
    within = vm("w", "100", used_until="2026-11-23T02:45:00Z")
    paid = [one["payment_amount"] for one in await record(door, before, within)]
    assert paid == ["7.00", "3.50"]


async def test_a_price_for_each_unit_goes_step_by_step(door: BillingDoor) -> None:
    """100 GB at 0.40, above at 0.30."""
    await grant(
        door, discount_mode=3, discount_value="0.4", product_ids=["OFFI-OBS-TRAFFIC"],
        charging_modes=["ONDEMAND"],
        steps=[{"above": 0, "value": "0.4"}, {"above": 100, "value": "0.3"}], effective_at=EARLY,
    )  # fmt: skip
    lines = await record(door, traffic("s1", "90"), traffic("s2", "20"))
    assert [one["payment_amount"] for one in lines] == ["36.00", "7.00"]
    assert [one["official_amount"] for one in lines] == ["45.00", "10.00"]


async def test_a_months_95th_percentile_counts_the_days_that_were_metered(
    door: BillingDoor,
) -> None:
    """90.00 × 12.5 Mbps × (4320 / 288 = 15 days) / 30 days of November are 562.50."""
    peak = {
        "service_type_code": "hws.service.type.vpc",
        "resource_type_code": "hws.resource.type.bandwidth",
        "resource_spec_code": "19_95peak",
        "usage_measure_id": 15,
        "measure_size": None,
        "usage_value": "12.5",
    }
    (line,) = await record(door, usage("p1", **peak, points=4320))
    assert line["official_amount"] == "562.50"
    (odd,) = await record(door, usage("p2", **peak, points=1))
    assert odd["official_amount"] == "0.13"  # 37.5 / 288 = 0.1302…
    missing = await door.post(PATH, {"records": [usage("p3", **peak)]}, ADMINISTRATOR)
    assert code_of(missing) == (400, "CBC.0100")


async def test_a_reserved_instance_pays_for_an_hour_of_each_hour(
    door: BillingDoor, database: Database
) -> None:
    """Two servers run for two hours, and one of them is reserved: it is a package of each hour."""
    found = (await door.get("/api/products", as_customer(CUSTOMER))).json()["products"]
    (sold,) = [one for one in found if one["product_id"] == "OFFI-RI-ECS-S6SMALL"]
    cycle, kind = (sold["package"][f"quota_reuse_{name}"] for name in ("cycle", "cycle_type"))
    (held,) = sold["package"]["items"]
    reserved = package(
        "RI", item("ri-1", held["quantity"], *held["resource_spec_codes"]),
        quota_reuse_cycle=cycle, quota_reuse_cycle_type=kind,
    )  # fmt: skip
    await hear(database, reserved)
    hours = ("2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z")
    records = [
        vm(f"{server}-{number}", "1", resource_id=server, used_until=hour)
        for server in ("a", "b")
        for number, hour in enumerate(hours)
    ]
    lines = await record(door, *records)
    assert [one["official_amount"] for one in lines] == ["0.00", "0.00", "0.07", "0.07"]
