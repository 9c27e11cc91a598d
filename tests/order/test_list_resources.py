"""The customer's list of period resources: its pages and what it does not know.

See docs/domain/resources.md B.6, docs/domain/orders.md H.14.
"""

from typing import Any

import pytest

from chassis.database import Database
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import PARTNER, customer_principal, keep_customer, line
from tests.order.resource_builders import opened

pytestmark = pytest.mark.postgres

LIST = "/v2/orders/suscriptions/resources/query"


async def test_the_offset_counts_records(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: multiply it by the limit."""
    customer = await keep_customer(database)
    ids = sorted(await opened(door, database, clock, customer, line(quantity=5)))
    for asked, found in [
        ({}, ids), ({"limit": 2}, ids[:2]), ({"limit": 2, "offset": 1}, ids[1:3]),
        ({"limit": 2, "offset": 4}, ids[4:]), ({"offset": 5}, []),
    ]:  # fmt: skip
        answer = await door.post(LIST, asked, customer_principal(customer))
        page = answer.json()
        assert [one["resource_id"] for one in page["data"]] == found, asked
        assert page["total_count"] == 5


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"limit": 0}, "CBC.0100"),
        ({"limit": 501}, "CBC.0100"),
        ({"limit": "1"}, "CBC.0100"),
        ({"offset": -1}, "CBC.0100"),
        ({"offset": 2147483647}, "CBC.0100"),
        ({"only_main_resource": 2}, "CBC.0100"),
        ({"status_list": [1]}, "CBC.0101"),
        ({"status_list": [2, 6]}, "CBC.0101"),
        ({"expire_time_begin": "2026-11-23"}, "CBC.0100"),
        ({"customer_id": None}, "CBC.0100"),
    ],
)
async def test_what_the_table_does_not_know_is_refused(
    door: Door, asked: dict[str, Any], code: str
) -> None:
    answer = await door.post(LIST, {"customer_id": "c", **asked}, PARTNER)
    assert code_of(answer) == (400, code)
