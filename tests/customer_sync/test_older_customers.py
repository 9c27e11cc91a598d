"""The older customer list: the newer one's rules, pages by number (docs/domain/customers.md F4)."""

from typing import Any

import pytest

from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
)

OLDER = "/v1.0/sp1/partner/customer-mgr/query"


async def _ids(door: CustomerDoor, **wanted: Any) -> list[str]:
    answer = await door.post(OLDER, wanted)
    assert answer.status_code == 200, answer.text
    return [row["customerId"] for row in answer.json()["customerInfoList"]]


async def test_a_customer_is_shown_in_older_words(door: CustomerDoor) -> None:
    customer = await door.create(domain_name="acme_shop")
    named = {"customer_name": "云帆科技", "customer_type": 1}
    await door.post(f"/api/customers/{customer}/verification", named, ADMINISTRATOR)
    answer = (await door.post(OLDER)).json()
    assert answer == {
        "count": 1,
        "customerInfoList": [
            {
                "name": "云帆科技",
                "domainName": "acme_shop",
                "customerId": customer,
                "cooperationTime": "2026-11-23T03:00:00Z",
                "cooperationType": "2",
                "verifiedStatus": "2",
                "customerType": 1,
                "isFrozen": 0,
            }
        ],
    }


async def test_offset_is_the_number_of_the_page(door: CustomerDoor, clock: StandingClock) -> None:
    made: list[str] = []
    for _ in range(5):
        made.insert(0, await door.create())
        clock.forward(seconds=1)
    assert await _ids(door, limit=2) == made[:2]
    assert await _ids(door, limit=2, offset=1) == made[:2]
    assert await _ids(door, limit=2, offset=2) == made[2:4]
    assert await _ids(door, limit=2, offset=3) == made[4:]
    assert await _ids(door, limit=2, offset=4) == []


async def test_each_filter_narrows(door: CustomerDoor, clock: StandingClock) -> None:
    first = await door.create(domain_name="acme_shop", cooperation_type="1")
    clock.forward(seconds=10)
    second = await door.create(domain_name="other_shop")
    assert await _ids(door, domainName="acme") == [first]
    assert await _ids(door, cooperationType="2") == [second]
    assert await _ids(door, customerId=first) == [first]
    assert await _ids(door, cooperationTimeStart="2026-11-23T03:00:05Z") == [second]
    assert await _ids(door, cooperationTimeEnd="2026-11-23T03:00:05Z") == [first]
    assert await _ids(door, name="") == [second, first]
    assert await _ids(door, name="nobody") == []
    assert await _ids(door, label="nobody") == []


@pytest.mark.parametrize(
    "wanted", [{"offset": 0}, {"offset": 200001}, {"limit": 101}, {"domainName": "a b"}]
)
async def test_what_is_out_of_range_is_refused(door: CustomerDoor, wanted: dict[str, Any]) -> None:
    assert code_of(await door.post(OLDER, wanted)) == (400, "CBC.0100")


async def test_the_path_must_name_the_caller_and_nobody_elses_customers_are_shown(
    door: CustomerDoor,
) -> None:
    await door.create(OTHER_SELLER)
    assert await _ids(door) == []
    assert code_of(await door.post(OLDER, {}, OTHER_SELLER)) == (403, "CBC.0150")
    assert code_of(await door.post(OLDER.replace("sp1", ADMINISTRATOR.id), {}, ADMINISTRATOR)) == (
        403,
        "CBC.0151",
    )
    assert (await door.post(OLDER, {}, SELLER)).status_code == 200
