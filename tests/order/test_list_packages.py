"""Packages, what is left of them and what was taken, as billing tells it and the wire shows it.

See docs/domain/resources.md H.13, decision 0090.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from chassis.database import Database
from contracts.billing import BillingPackageDeducted
from order.packages.models import Package
from order.packages.turn_packages import turn_packages
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door, code_of
from tests.order.builders import PARTNER, customer_principal, hear, keep_customer
from tests.order.packages import ONCE, buy, contents, packages
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

INFOS = "/v3/payments/free-resources/query"
USAGES = "/v2/payments/free-resources/usages/details/query"
RECORDS = "/v2/bills/customer-bills/free-resources-usage-records"
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)
JANUARY = datetime(2026, 12, 31, 16, tzinfo=UTC)


def deducted(
    package: Package, used: str, left: str, number: int = 1, **more: Any
) -> BillingPackageDeducted:
    """What billing took from the first item in the package's first cycle."""
    at = more.pop("at", package.effective_at + timedelta(hours=1))
    values = {
        "occurred_at": at,
        "partner_id": package.partner_id,
        "version": 1,
        "deduction_id": uuid4().hex,
        "customer_id": package.customer_id,
        "package_id": package.package_id,
        "free_resource_id": package.items[0].item_id,
        "record_id": uuid4().hex,
        "cycle_begin_at": package.cycle_begin_at,
        "cycle_end_at": package.cycle_end_at,
        "number": number,
        "resource_id": "vm-1",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "usage_type_code": "Duration",
        "measure_id": 4,
        "available_amount": Decimal(left) + Decimal(used),
        "used_amount": Decimal(used),
        "remaining_amount": Decimal(left),
        "used_from": at - timedelta(hours=1),
        "used_until": at,
        "deducted_at": at,
        **more,
    }
    return BillingPackageDeducted(**values)


def in_cycle(begin: datetime, end: datetime) -> dict[str, Any]:
    return {"cycle_begin_at": begin, "cycle_end_at": end, "at": begin + timedelta(hours=2)}


async def infos(door: Door, customer_id: str, **query: Any) -> dict[str, Any]:
    answer = await door.post(INFOS, query, customer_principal(customer_id))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_list_shows_texts_and_the_details_numbers(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock, contents("750", "40"))
    await hear(database, deducted(package, "0.5", "749.5"))
    body = await infos(door, package.customer_id)
    assert body["total_count"] == 1
    [shown] = body["free_resource_packages"]
    ids = [item["free_resource_id"] for item in shown["free_resources"]]
    assert shown == {
        "order_instance_id": package.package_id,
        "order_id": package.order_id,
        "product_id": "product of pkg.vm",
        "product_name": "words for pkg.vm",
        "enterprise_project_scope": 0,
        "effective_time": "2026-11-23T02:00:02Z",
        "expire_time": "2026-12-23T15:59:59Z",
        "status": 1,
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "name of hws.service.type.ec2",
        "region_code": "cn-north-4",
        "source_type": 0,
        "bundle_type": "BUNDLE_PKG",
        "quota_reuse_mode": 1,
        "free_resources": [
            {"free_resource_id": ids[0], "usage_type_name": "use 1", "amount": "749.5",
             "original_amount": "750", "measure_id": 4},
            {"free_resource_id": ids[1], "usage_type_name": "use 2", "amount": "40",
             "original_amount": "40", "measure_id": 4},
        ],
    }  # fmt: skip
    customer = customer_principal(package.customer_id)
    asked = {"free_resource_ids": [ids[1], ids[0], ids[1], "nobody's"]}
    answer = await door.post(USAGES, asked, customer)
    assert '"amount":749.5,' in answer.text
    second, first = answer.json()["free_resources"]
    assert second["free_resource_id"] == ids[1]
    assert first == {
        "free_resource_id": ids[0],
        "free_resource_type_name": "云主机",
        "quota_reuse_cycle": 4,
        "quota_reuse_cycle_type": 1,
        "usage_type_name": "use 1",
        "start_time": "2026-11-23T02:00:02Z",
        "end_time": "2026-11-30T15:59:59Z",
        "amount": 749.5,
        "original_amount": 750.0,
        "measure_id": 4,
    }


async def test_a_cycle_is_shown_full_from_its_first_second_whatever_the_schedule(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: show what the item's row says."""
    [package] = await buy(door, database, peers, clock)
    await hear(database, deducted(package, "700", "50"))
    asked = {"free_resource_ids": [package.items[0].item_id]}
    customer = customer_principal(package.customer_id)
    for now, amount, start in (
        (DECEMBER - timedelta(seconds=1), 50.0, "2026-11-23T02:00:02Z"),
        (DECEMBER, 750.0, "2026-11-30T16:00:00Z"),
    ):
        clock.now = now
        [item] = (await door.post(USAGES, asked, customer)).json()["free_resources"]
        assert (item["amount"], item["start_time"]) == (amount, start)
    assert item["end_time"] == "2026-12-23T15:59:59Z"


async def test_late_news_of_a_cycle_gives_nothing_back(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: take the amount of whatever cycle an event names, or of whatever number."""
    [package] = await buy(door, database, peers, clock, period_num=3)
    december = in_cycle(DECEMBER, JANUARY)
    newest = deducted(package, "100", "600", 2, **december)
    await hear(database, deducted(package, "50", "700", 1, **december), newest)
    # Late: of the cycle before, told twice, and an older one of this cycle.
    late = deducted(package, "10", "740", 3)
    await hear(database, late, late, deducted(package, "50", "700", 1, **december))
    [package] = await packages(database)
    assert (package.items[0].amount, package.items[0].taken_times) == (Decimal(600), 2)
    assert (package.cycle_begin_at, package.is_used) == (DECEMBER, True)
    await turn_packages(database, DECEMBER + timedelta(days=1))
    assert (await packages(database))[0].items[0].amount == 600, "the cycle is not given twice"
    clock.now = JANUARY
    await turn_packages(database, JANUARY)
    assert (await packages(database))[0].items[0].amount == 750
    stated = [kind for kind in await outbox.types(database) if kind.startswith("package.")]
    assert stated == ["package.opened", "package.reset"]


async def test_a_package_with_nothing_left_and_nothing_to_come_is_used_up(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [once] = await buy(door, database, peers, clock, contents("10", "5", **ONCE))
    await hear(database, deducted(once, "10", "0"))
    assert (await packages(database))[0].status == 1, "the second item holds something"
    of_second: dict[str, Any] = {"free_resource_id": once.items[1].item_id}
    await hear(database, deducted(once, "5", "0", **of_second))
    [once] = await packages(database)
    assert (once.status, once.turn_at) == (2, once.reuse.over_at)
    [told] = await outbox.bodies(database, "package.used_up")
    assert [float(item["amount"]) for item in told["items"]] == [0, 0]
    await turn_packages(database, once.reuse.over_at)
    assert (await packages(database))[0].status == 3

    [again] = await buy(door, database, peers, clock, contents("10"), period_num=2)
    await hear(database, deducted(again, "10", "0"))
    status = {one.package_id: one.status for one in await packages(database)}
    assert status[again.package_id] == 1, "December is to come"


async def test_what_was_taken_is_listed_by_beijing_days(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)  # of the 25th
    disk = {"resource_type_code": "hws.resource.type.volume", "used_from": None}
    events = [
        deducted(package, "1.25", "748.75", at=midnight - timedelta(seconds=1)),
        deducted(package, "0.75", "748", 2, at=midnight, **disk),
    ]
    await hear(database, *events, *events)
    customer = customer_principal(package.customer_id)

    async def records(begin: str, end: str, more: str = "") -> Any:
        path = f"{RECORDS}?deduct_time_begin={begin}&deduct_time_end={end}{more}"
        return await door.get(path, customer)

    body = (await records("2026-11-24", "2026-11-24")).json()
    assert body == {
        "free_resource_records": [
            {
                "deduct_time": "2026-11-24T15:59:59Z",
                "free_resource_id": package.items[0].item_id,
                "resource_id": "vm-1",
                "resource_type_code": "hws.resource.type.vm",
                "resource_type_name": "云主机",
                "product_id": "product of pkg.vm",
                "product_name": "words for pkg.vm",
                "usage_type_code": "Duration",
                "available_amount": "750",
                "remaining_amount": "748.75",
                "used_amount": "1.25",
                "measure_id": 4,
                "effective_time": "2026-11-24T14:59:59Z",
                "expire_time": "2026-11-24T15:59:59Z",
            }
        ],
        "total_count": 1,
    }
    both = (await records("2026-11-24", "2026-11-25")).json()
    assert [one["used_amount"] for one in both["free_resource_records"]] == ["0.75", "1.25"]
    assert "effective_time" not in both["free_resource_records"][0]
    page = (await records("2026-11-24", "2026-11-25", "&limit=1&offset=1")).json()
    assert page["total_count"] == 2
    assert page["free_resource_records"] == both["free_resource_records"][1:]
    item_id, product = package.items[0].item_id, "product%20of%20pkg.vm"
    for more, count in [
        (f"&free_resource_id={item_id}", 2),
        ("&free_resource_id=other", 0),
        (f"&product_id={product}", 2),
        ("&product_id=other", 0),
        ("&resource_type_code=HWS.resource.type.volume", 1),
    ]:
        found = (await records("2026-11-24", "2026-11-25", more)).json()
        assert found["total_count"] == count, more
    assert (await records("2026-11-24", "2027-02-22")).status_code == 200  # 90 days
    for begin, end in [("2026-11-24", "2027-02-23"), ("2026-11-25", "2026-11-24")]:
        assert code_of(await records(begin, end)) == (400, "CBC.0100")
    for begin, end in [("2026-11-31", "2026-12-01"), ("20261124", "2026-11-25")]:
        assert code_of(await records(begin, end)) == (400, "CBC.0100")
    assert code_of(await door.get(RECORDS, customer)) == (400, "CBC.0100")


async def test_filters_and_pages_of_the_list(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer_id = await keep_customer(database)
    first, second, third = await buy(
        door, database, peers, clock, quantity=3, customer_id=customer_id
    )
    filters: list[tuple[dict[str, Any], int]] = [
        ({}, 3),
        ({"order_id": first.order_id.lower()}, 3),
        ({"order_id": "CS0"}, 0),
        ({"product_id": "product of pkg.vm", "product_name": "words for pkg.vm"}, 3),
        ({"product_name": "words"}, 0),
        ({"region_code": "cn-east-3"}, 0),
        ({"status": 1}, 3),
        ({"status": 0}, 0),
        ({"service_type_code_list": ["HWS.service.type.EC2", "other"]}, 3),
        ({"service_type_code_list": ["other"]}, 0),
        ({"enterprise_project_id": "p"}, 0),
        ({"order_id": "", "status": None, "service_type_code_list": []}, 3),
    ]
    for query, count in filters:
        assert (await infos(door, customer_id, **query))["total_count"] == count, query
    page = await infos(door, customer_id, limit=2, offset=1)
    assert page["total_count"] == 3
    assert [one["order_instance_id"] for one in page["free_resource_packages"]] == [
        second.package_id, third.package_id,
    ]  # fmt: skip
    bare = await door.post(INFOS, None, customer_principal(customer_id))
    assert bare.json()["total_count"] == 3, "the SDK sends no bytes"
    customer = customer_principal(customer_id)
    for wrong in ({"status": 5}, {"limit": 0}, {"limit": 1001}, {"offset": -1}, {"status": "1"}):
        assert code_of(await door.post(INFOS, wrong, customer)) == (400, "CBC.0100"), wrong
    for ids in ([], ["x"] * 101, ["x" * 65], None):
        answer = await door.post(USAGES, {"free_resource_ids": ids}, customer)
        assert code_of(answer) == (400, "CBC.0100"), ids


async def test_what_is_over_is_shown_for_18_months(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    await turn_packages(database, package.expire_at + timedelta(seconds=1))
    clock.now = datetime(2028, 6, 23, 15, 59, 59, tzinfo=UTC)
    assert (await infos(door, package.customer_id, status=3))["total_count"] == 1
    clock.now += timedelta(seconds=1)
    assert (await infos(door, package.customer_id))["total_count"] == 0


async def test_nobody_else_sees_packages(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock)
    await hear(database, deducted(package, "1", "749"))
    stranger = await keep_customer(database)
    assert await infos(door, stranger, order_id=package.order_id) == {
        "free_resource_packages": [],
        "total_count": 0,
    }
    asked = {"free_resource_ids": [package.items[0].item_id]}
    answer = await door.post(USAGES, asked, customer_principal(stranger))
    assert answer.json() == {"free_resources": []}
    days = "deduct_time_begin=2026-11-01&deduct_time_end=2026-12-01"
    path = f"{RECORDS}?{days}&free_resource_id={package.items[0].item_id}"
    answer = await door.get(path, customer_principal(stranger))
    assert answer.json() == {"free_resource_records": [], "total_count": 0}
    for who in (PARTNER, ADMINISTRATOR):
        assert code_of(await door.post(INFOS, {}, who)) == (403, "CBC.0151")
        assert code_of(await door.post(USAGES, asked, who)) == (403, "CBC.0151")
        assert code_of(await door.get(path, who)) == (403, "CBC.0151")
