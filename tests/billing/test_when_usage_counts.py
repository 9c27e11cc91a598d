"""A use counts when it ended, as long as that cycle is open (decision 0123)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.settings import BillingSettings
from chassis.database import Database
from contracts.order import PackageUnsubscribed
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import NOW, BillingDoor, hear, running
from tests.billing.test_record_usage import PATH, lines_of, record, usage, vm
from tests.billing.test_take_from_packages import package

pytestmark = pytest.mark.postgres

LAST_OF_OCTOBER = datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)  # in Beijing
FINAL = datetime(2026, 11, 5, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def wire(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.mark.usefixtures("door")
@pytest.mark.parametrize(
    ("now", "used_until", "cycle", "counts"),
    [
        (LAST_OF_OCTOBER + timedelta(hours=1), LAST_OF_OCTOBER, "2026-10", LAST_OF_OCTOBER),
        (FINAL - SECOND, LAST_OF_OCTOBER, "2026-10", LAST_OF_OCTOBER),
        (FINAL, LAST_OF_OCTOBER, "2026-11", FINAL),
        (FINAL, LAST_OF_OCTOBER + SECOND, "2026-11", LAST_OF_OCTOBER + SECOND),
        (LAST_OF_OCTOBER, LAST_OF_OCTOBER + SECOND, "2026-10", LAST_OF_OCTOBER),
    ],
    ids=["an hour later", "last second", "final", "next month", "ahead"],
)
async def test_a_use_counts_when_it_ended_until_that_cycle_is_final(
    settings: BillingSettings,
    database: Database,
    now: datetime,
    used_until: datetime,
    cycle: str,
    counts: datetime,
) -> None:
    """Break: count it when its record comes, or whatever became of its cycle."""
    async with running(settings, now) as then:
        (told,) = await record(then, vm("r1", "1", used_until=wire(used_until)))
    (line,) = await lines_of(database)
    (event,) = await outbox.bodies(database, "billing.line_recorded")
    assert (line.bill_cycle, line.trade_time, line.consume_time) == (cycle, counts, used_until)
    assert line.bill_date.isoformat()[:7] == told["bill_cycle"] == event["bill_cycle"] == cycle
    assert told["trade_time"] == event["trade_time"] == wire(counts)
    assert told["used_until"] == event["used_until"] == wire(used_until)


@pytest.mark.parametrize(
    ("use", "begin"),
    [
        ({"usage_value": "2"}, "2026-11-23T00:00:00Z"),
        ({"usage_value": "2", "used_from": "2026-11-22T23:30:00Z"}, "2026-11-22T23:30:00Z"),
    ],
    ids=["reckoned", "told"],
)
async def test_begin_and_end_of_a_use_are_told(
    door: BillingDoor, database: Database, use: dict[str, Any], begin: str
) -> None:
    (told,) = await record(door, vm("r1", "2") | use)
    (event,) = await outbox.bodies(database, "billing.line_recorded")
    (line,) = await lines_of(database)
    assert line.used_from is not None
    assert told["used_from"] == event["used_from"] == wire(line.used_from) == begin


async def test_a_use_ends_no_earlier_than_it_begins(door: BillingDoor, database: Database) -> None:
    body = {"records": [usage("r1", used_from="2026-11-23T02:00:01Z")]}
    answer = await door.post(PATH, body, ADMINISTRATOR)
    assert code_of(answer) == (400, "CBC.0100")
    assert await lines_of(database) == []


async def test_what_a_package_that_was_given_back_had_paid_counts_as_its_use(
    door: BillingDoor, database: Database
) -> None:
    await hear(database, package("p1"))
    await record(door, vm("r1", "1"))
    returned = package("p1", contract=PackageUnsubscribed, version=2, status=4)
    await hear(database, returned.model_copy(update={"occurred_at": NOW + timedelta(days=1)}))
    of_record, charged = await lines_of(database)
    assert charged.usage_record_id != of_record.usage_record_id
    assert charged.trade_time == of_record.trade_time == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert charged.used_from == of_record.used_from == datetime(2026, 11, 23, 1, tzinfo=UTC)
