"""Steps of a discount by what the use of services came to in the cycle, at list prices."""

from typing import Any

import pytest

from chassis.database import Database
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import CUSTOMER, BillingDoor, as_customer, as_partner, money
from tests.billing.test_record_usage import lines_of, record, usage, vm
from tests.billing.test_usage_files import charged, text_of

pytestmark = pytest.mark.postgres

ECS = "hws.service.type.ec2"
LIST = "/v2/promotions/business/discount-info"


def by_steps(*steps: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "customer_id": CUSTOMER,
        "discount_type": 2,
        "discount_mode": 0,
        "discount_value": steps[0][1],
        "name": "by what was used",
        "service_type_codes": [ECS],
        "charging_modes": ["ONDEMAND"],
        "steps": [{"above": above, "value": value} for above, value in steps],
        "agreement_number": "A-1",
        "effective_at": "2026-10-01T00:00:00Z",
        **more,
    }


async def grant(door: BillingDoor, body: dict[str, Any]) -> str:
    answer = await door.post("/api/discounts", body, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["discount_id"])


@pytest.mark.parametrize("way", ["door", "file"])
async def test_the_ratio_is_that_of_the_step_in_which_a_use_begins(
    door: BillingDoor, database: Database, way: str
) -> None:
    """A server's hour is 0.07. Break: count each product for itself, or what was paid."""
    await grant(door, by_steps(("0", "0.9"), ("1.00", "0.5"), ("2.00", "0.4")))
    other = vm("r3", "10", resource_spec_code="s6.large.2.linux", region_code="cn-east-3")
    rows = [vm("r1", "10"), usage("disk"), vm("r2", "10"), other, vm("r4", "10")]
    if way == "door":
        for row in rows:
            await record(door, row)
    else:
        assert (await charged(door, text_of(rows)))["rows_charged"] == len(rows)
    lines = {line.usage_record_id: line for line in await lines_of(database)}
    paid = {name: line.payment_amount for name, line in lines.items()}
    assert paid == {
        "r1": money("0.63"),  # from 0.00
        "disk": money("0.04"),  # another service
        "r2": money("0.63"),  # from 0.70
        "r3": money("1.40"),  # from 1.40, another product in another region: 2.80 by half
        "r4": money("0.28"),  # from 4.20
    }
    path = f"/api/bill-lines/{lines['r3'].line_id}/explanation"
    price = (await door.get(path, as_customer())).json()["price"]
    assert money(price["amount_before"]) == money("1.4")
    assert price["discount"]["discount_mode"] == 0


async def test_an_agreement_lists_the_steps_of_services(door: BillingDoor) -> None:
    discount_id = await grant(door, by_steps(("0", "0.9"), ("100.00", "0.5")))
    body = {"quoting_item_type": "CATEGORY_ITEM"}
    found = (await door.post(LIST, body, as_customer())).json()
    assert [
        (one["step_no"], float(one["discount_ratio"]), one["cloud_service_type"])
        for one in found["category_quoting_items"]
    ] == [("1", 0.9, ECS), ("2", 0.5, ECS)]
    first, second = found["category_quoting_item_steps"]
    assert (first["step_start"], first["step_end"], first["start_measure_id"]) == (0, 100, 1)
    assert (second["step_id"], "step_end" in second) == (f"{discount_id}-s1", False)
    assert found["accumulation_cycle_type"] == "MONTH"
    body = {"quoting_item_type": "PRODUCT_ITEM"}
    found = (await door.post(LIST, body, as_customer())).json()
    assert (found["category_quoting_item_steps"], "accumulation_cycle_type" in found) == ([], False)


@pytest.mark.parametrize(
    "more",
    [
        {"discount_mode": 3},
        {"charging_modes": ["ONDEMAND", "MONTHLY"]},
        {"charging_modes": []},
        {"steps": [{"above": "0.001", "value": "0.9"}]},
        {"steps": [{"above": "0", "value": "0.9"}, {"above": "0.001", "value": "0.5"}]},
        {"steps": [{"above": "0", "value": "0.9"}, {"above": "0", "value": "0.5"}]},
        {"service_type_codes": []},
    ],
)
async def test_steps_that_mean_nothing_are_refused(door: BillingDoor, more: Any) -> None:
    body = by_steps(("0", "0.9"), ("1", "0.5"), **more)
    answer = await door.post("/api/discounts", body, ADMINISTRATOR)
    assert code_of(answer)[0] == 400, answer.text
    assert (await door.get("/api/discounts", as_partner())).json()["discounts"] == []
