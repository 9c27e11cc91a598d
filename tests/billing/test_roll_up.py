"""Disks stand under their server on bills, by a dated rule, and are priced as what they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing.lines.models import BillLine
from billing.lines.roll_up import Main, roll_ups, rolled_up, rule_at
from billing.settlement.models import SettledLine
from chassis.database import Database
from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.billing import settlement_builders
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    hear,
    order_line,
    order_paid,
)
from tests.billing.test_inquiries import opened
from tests.billing.test_record_refund import part, refunded
from tests.billing.test_record_usage import lines_of, record, usage, vm
from tests.billing.test_usage_files import COLUMNS, charged

VM, VOLUME = "hws.resource.type.vm", "hws.resource.type.volume"
ECS, EVS = "hws.service.type.ec2", "hws.service.type.ebs"
SERVER = {"root_resource_id": "vm-1", "root_resource_type_code": VM, "root_resource_name": "web"}
SINCE = datetime(2023, 7, 31, 16, 0, tzinfo=UTC)  # 1 August in Beijing
DISK = {
    "service_type_code": EVS, "service_type_name": "云硬盘", "resource_type_code": VOLUME,
    "resource_type_name": "云硬盘", "resource_spec_code": "GPSSD",
}  # fmt: skip


def place(line: BillLine) -> tuple[Any, ...]:
    """Where it stands, and what it is itself."""
    return (
        line.service_type_code, line.resource_type_code, line.resource_id,
        line.sub_service_type_code, line.sub_resource_type_code, line.sub_resource_id,
        line.root_resource_id,
    )  # fmt: skip


UNDER = (ECS, VM, "vm-1", EVS, VOLUME, "volume-1", "vm-1")
ITSELF = (EVS, VOLUME, "volume-1", None, None, None, None)


@pytest.mark.parametrize(
    ("main", "child", "at", "holds"),
    [
        (VM, VOLUME, SINCE, True),
        (VM, VOLUME, SINCE - timedelta(seconds=1), False),
        (VM, "hws.resource.type.ip", NOW, False),
        ("hws.resource.type.rds.vm", VOLUME, NOW, False),
    ],
)
def test_the_rule_is_dated(main: str, child: str, at: datetime, holds: bool) -> None:
    """Break: compare by the day in UTC."""
    rule = rule_at(main, child, at)
    assert (rule is not None) == holds
    line = {
        "resource_id": "own", "resource_name": None, "service_type_code": "s",
        "service_type_name": "n", "resource_type_code": child, "resource_type_name": "t",
        "trade_time": at, "reckoned": {"ratio": "1"},
    }  # fmt: skip
    told = rolled_up(line, Main("main", main, "web"))
    assert told["sub_resource_id"] == ("own" if holds else None)
    assert told["resource_id"] == ("main" if holds else "own")
    assert told["reckoned"] == {"ratio": "1"} | (
        {"rolled_up": roll_ups()[0].valid_from.isoformat()} if holds else {}
    )


@pytest.mark.postgres
async def test_a_disk_is_shown_as_its_servers_in_every_list(
    door: BillingDoor, database: Database
) -> None:
    """And its own service, type and id stand beside. Break: leave `rolled_up` out of a line."""
    (shown,) = await record(door, usage("r1", **SERVER))
    (line,) = await lines_of(database)
    assert (place(line), line.resource_name, line.product_id) == (UNDER, "web", "OFFI-EVS-SATA")
    own = {
        "sub_service_type_code": EVS, "sub_resource_type_code": VOLUME,
        "sub_resource_id": "volume-1", "sub_service_type_name": "云硬盘",
    }  # fmt: skip
    bills = "/v2/bills"
    lists = {
        f"{bills}/subcustomer-bills/res-fee-records?bill_cycle=2026-11&customer_id={CUSTOMER}":
            (as_partner(), "fee_records", "service_type_code"),
        f"{bills}/customer-bills/res-fee-records?cycle=2026-11&resource_id=vm-1":
            (as_customer(), "fee_records", "cloud_service_type"),
        "/v2/costs/cost-analysed-bills/monthly-breakdown?shared_month=2026-11&resource_id=vm-1":
            (as_customer(), "details", "service_type_code"),
    }  # fmt: skip
    for path, (who, key, service) in lists.items():
        (row,) = (await door.get(path, who)).json()[key]
        assert {name: row[name] for name in own} == own, path
        assert (row[service], row["resource_id"]) == (ECS, "vm-1")
    body = {"cycle": "2026-11", "statistic_type": 3, "res_instance_id": "vm-1"}
    answer = await door.post(f"{bills}/customer-bills/res-records/query", body, as_customer())
    (row,) = answer.json()["monthly_records"]
    assert (row["root_resource_id"], row["sub_resource_id"]) == ("vm-1", "volume-1")
    sums = f"{bills}/customer-bills/monthly-sum?bill_cycle=2026-11"
    (row,) = (await door.get(sums, as_customer())).json()["bill_sums"]
    assert row["service_type_code"] == ECS
    path = f"/api/bill-lines/{shown['line_id']}/explanation"
    told = (await door.get(path, as_customer())).json()
    assert told["rolled_up_since"] == "2023-07-31T16:00:00Z"
    assert (told["line"]["sub_resource_id"], told["line"]["root_resource_id"]) == (
        "volume-1", "vm-1",
    )  # fmt: skip
    assert told["price"]["product_id"] == "OFFI-EVS-SATA"
    (fact,) = await outbox.bodies(database, "billing.line_recorded")
    assert (fact["resource_id"], fact["sub_resource_id"], fact["sub_service_type_code"]) == (
        "vm-1", "volume-1", EVS,
    )  # fmt: skip


@pytest.mark.postgres
async def test_a_file_and_the_door_put_a_disk_at_the_same_place(
    door: BillingDoor, database: Database
) -> None:
    """By what the meter tells, else by what order told of the disk; else it is itself.

    Breaks: take another customer's server; leave the parts out of the columns of COPY.
    """
    disk = {**DISK, "main_resource_id": "vm-9", "product_id": "OFFI-EVS-GPSSD"}
    await hear(
        database,
        opened("vm-9", resource_name="db"),
        opened("disk-9", **disk),
        opened("vm-8", customer_id=OTHER_CUSTOMER),
        opened("disk-8", **{**disk, "main_resource_id": "vm-8"}),
    )
    told: dict[str, tuple[dict[str, Any], Any]] = {
        "told": (SERVER, UNDER),
        "ordered": ({"resource_id": "disk-9"}, (ECS, VM, "vm-9", EVS, VOLUME, "disk-9", "vm-9")),
        "strangers": (
            {"resource_id": "disk-8"}, (EVS, VOLUME, "disk-8", None, None, None, None)
        ),
        "alone": ({}, ITSELF),
        "unknown": ({"root_resource_id": "vm-7"}, (*ITSELF[:-1], "vm-7")),
    }  # fmt: skip
    await record(door, *(usage(f"door-{name}", **more) for name, (more, _) in told.items()))
    columns = (*COLUMNS, *SERVER)
    rows = [usage(f"file-{name}", **more) for name, (more, _) in told.items()]
    text = [",".join(columns)]
    text += [",".join(str(row.get(name) or "") for name in columns) for row in rows]
    assert (await charged(door, "\n".join(text).encode()))["rows_charged"] == len(told)
    lines = {line.usage_record_id: line for line in await lines_of(database)}
    for name, (_, expected) in told.items():
        for way in ("door", "file"):
            assert place(lines[f"{way}-{name}"]) == expected, (way, name)
    assert lines["file-ordered"].resource_name == "db"


@pytest.mark.postgres
async def test_what_goes_back_stands_where_it_was_charged(
    door: BillingDoor, database: Database
) -> None:
    """A renewal's line, its refund, and an adjustment. Break: let the refund look by itself."""
    disk = {**DISK, "main_resource_id": "vm-1", "product_id": "OFFI-EVS-GPSSD"}
    await hear(database, opened("vm-1"), opened("volume-1", **disk))
    renewed = order_line("l1", "0.00", resource_id="volume-1", **DISK)
    await hear(database, order_paid("a1", [renewed], order_type=2))
    async with database.transaction() as session:
        for line in await session.scalars(select(BillLine)):
            assert place(line) == UNDER
    await hear(database, refunded(part("f1", coupon_amount="1.00")))
    (shown,) = await record(door, usage("r1", **SERVER))
    body = {"line_id": shown["line_id"], "bill_type": 9, "amount": "0.01", "reason": "a fault"}
    answer = await door.post("/api/adjustments", body, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    lines = await lines_of(database)
    assert {line.bill_type: place(line) for line in lines} == dict.fromkeys((2, 4, 5, 9), UNDER)
    assert {line.reckoned.get("rolled_up") for line in lines} == {
        roll_ups()[0].valid_from.isoformat()
    }


@pytest.mark.postgres
async def test_what_is_sold_settles_it(door: BillingDoor, database: Database) -> None:
    """Break: read the shown service in `settlement/lines.py`."""
    await settlement_builders.add_lines(
        database,
        settlement_builders.bill_line("10.00", sub_service_type_code=EVS, sub_resource_id="v"),
        settlement_builders.bill_line("10.00"),
    )
    await settlement_builders.settled(door)
    async with database.transaction() as session:
        found = await session.scalars(
            select(SettledLine.service_type_code).order_by(SettledLine.position)
        )
        assert found.all() == [EVS, ECS]


@pytest.mark.postgres
async def test_gaps_of_a_meter_are_those_of_the_part(door: BillingDoor) -> None:
    """Two disks of a server, an hour each, and the server. Break: part by `resource_id`."""
    hours = {"usage_value": "1", "usage_measure_id": 4}
    await record(
        door,
        usage("a", **SERVER, **hours, used_until="2026-11-20T02:00:00Z"),
        usage("b", **SERVER, **hours, used_until="2026-11-20T05:00:00Z", resource_id="volume-2"),
        vm("c", "1", used_until="2026-11-20T09:00:00Z"),
        usage("d", **SERVER, **hours, used_until="2026-11-20T04:00:00Z"),
    )
    items = (await door.get("/api/cycles/2026-11/checklist", ADMINISTRATOR)).json()["items"]
    [gaps] = [item for item in items if item["item"] == "meter_gaps"]
    assert (gaps["count"], gaps["found"]) == (1, ["volume-1 2026-11-20T02:00Z +1 h"])
