"""list_customer_on_demand_resources: a customer's resources that are paid by the hour."""

from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from chassis.identity import Principal
from order.copies import Customer
from order.resources.models import Resource
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    customer_principal,
    keep_customer,
    keep_reseller,
    line,
)
from tests.order.resource_builders import DISK, EBS, HOURLY, opened

pytestmark = pytest.mark.postgres

ON_DEMAND = "/v2/partners/sub-customers/on-demand-resources/query"
VM, VOLUME = "s6.large.2.linux", "SSD"


async def listed(door: Door, customer: str, principal: Principal = PARTNER, **asked: Any) -> Any:
    answer = await door.post(ON_DEMAND, {"customer_id": customer, **asked}, principal)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def specs(door: Door, customer: str, principal: Principal = PARTNER, **asked: Any) -> Any:
    page = await listed(door, customer, principal, **asked)
    return sorted(one["resource_spec_code"] for one in page["resources"])


async def test_on_demand_resources_are_shown_as_the_wire_has_them(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    disk = line(EBS, measure_size=40, **DISK, **HOURLY)
    [resource] = await opened(door, database, clock, customer, disk)
    await opened(door, database, clock, customer, line())  # a period resource is in the other list
    assert await listed(door, customer) == {
        "total_count": 1,
        "resources": [
            {
                "customer_id": customer,
                "region_code": "cn-north-4",
                "service_type_code": EBS,
                "resource_type_code": "hws.resource.type.volume",
                "service_type_name": f"name of {EBS}",
                "resource_type_name": "name of hws.resource.type.volume",
                "resource_id": resource,
                "resource_name": (await listed(door, customer))["resources"][0]["resource_name"],
                "effective_time": "2026-11-23T02:00:02Z",
                "status": 1,
                "resource_spec_code": VOLUME,
                "resource_info": '{"specSize":40.0}',
                "product_spec_desc": f"words for {VOLUME}",
            }
        ],
    }


async def test_filters_choose_and_closed_ones_are_there_unless_a_status_is_named(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [vm] = await opened(door, database, clock, customer, line(**HOURLY))
    clock.forward(hours=1)
    disk = line(EBS, measure_size=10, **DISK, **HOURLY, region_code="cn-east-3")
    [volume] = await opened(door, database, clock, customer, disk)
    async with database.transaction() as session:
        closed = update(Resource).where(Resource.resource_id == volume).values(status=6)
        await session.execute(closed)
    assert await specs(door, customer) == [VOLUME, VM]
    assert await specs(door, customer, status=6) == [VOLUME]
    assert await specs(door, customer, status=1) == [VM]
    assert await specs(door, customer, region_code="cn-east-3") == [VOLUME]
    assert await specs(door, customer, service_type_code=EBS.upper()) == [VOLUME]
    assert await specs(door, customer, resource_ids=[vm, "unknown"]) == [VM]
    assert await specs(door, customer, effective_time_begin="2026-11-23T03:00:04Z") == [VOLUME]
    assert await specs(door, customer, effective_time_end="2026-11-23T02:00:02Z") == [VM]
    page = await listed(door, customer, limit=1, offset=1)
    assert (page["total_count"], [one["resource_id"] for one in page["resources"]]) == (2, [vm])


async def test_a_partner_says_whose_and_sees_its_resale_customers_alone(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    await opened(door, database, clock, customer, line(**HOURLY))
    unsaid = await door.post(ON_DEMAND, {}, PARTNER)
    assert code_of(unsaid) == (400, "CBC.0100")
    assert await specs(door, customer, OTHER_PARTNER) == []
    assert await specs(door, "nobody") == []
    by_itself = await door.post(ON_DEMAND, {"customer_id": customer}, customer_principal(customer))
    assert code_of(by_itself) == (403, "CBC.0151")
    async with database.transaction() as session:
        referred = update(Customer).where(Customer.customer_id == customer)
        await session.execute(referred.values(association_type="1"))
    assert await specs(door, customer) == []


async def test_a_distributor_names_the_reseller_whose_customer_it_is(
    door: Door, database: Database, clock: StandingClock
) -> None:
    await keep_reseller(database)
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    await opened(
        door, database, clock, customer, line(**HOURLY), principal=DISTRIBUTOR, partner_id="r1"
    )
    assert await specs(door, customer, DISTRIBUTOR) == []
    assert await specs(door, customer, DISTRIBUTOR, indirect_partner_id="r1") == [VM]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"status": 7}, "CBC.0100"),
        ({"status": 0}, "CBC.0100"),
        ({"resource_ids": [str(one) for one in range(51)]}, "CBC.0100"),
        ({"effective_time_begin": "2026-11-23"}, "CBC.0100"),
        ({"limit": 101}, "CBC.0100"),
    ],
)
async def test_what_the_table_does_not_know_is_refused(
    door: Door, asked: dict[str, Any], code: str
) -> None:
    answer = await door.post(ON_DEMAND, {"customer_id": "c", **asked}, PARTNER)
    assert code_of(answer) == (400, code)
