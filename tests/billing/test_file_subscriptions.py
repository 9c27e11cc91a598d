"""Files delivered each day or month: a test write first, five tries, secrets encrypted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from billing.exports.make_exports import Exports
from billing.settings import BillingSettings
from billing.subscriptions.deliver import Deliveries
from billing.subscriptions.due import cycle_due, next_due
from billing.subscriptions.models import FileSubscription
from billing.subscriptions.targets import Targets
from chassis.database import Database
from testkit.audit import deeds
from testkit.databases import ServiceDatabase
from testkit.door import code_of
from testkit.keys import ENCRYPTION_KEYS
from testkit.outbox import bodies
from tests.billing.bill_lines import put_lines
from tests.billing.builders import NOW, OTHER_PARTNER, BillingDoor, as_partner, running
from tests.billing.test_exports import members

PATH = "/api/file-subscriptions"
SECRET = "a-secret-that-nobody-reads"
BUCKET = {
    "kind": "s3", "endpoint": "http://127.0.0.1:1", "region": "cn-north-4", "bucket": "bills",
    "access_key_id": "AK", "secret_access_key": SECRET,
}  # fmt: skip
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # the next one in Beijing after NOW
Json = dict[str, Any]


@pytest.fixture
def settings(billing_database: ServiceDatabase, tmp_path: Path) -> BillingSettings:
    return billing_database.settings(
        BillingSettings, encryption_keys=SecretStr(ENCRYPTION_KEYS), delivery_folder=tmp_path
    )


@pytest.fixture
async def door(settings: BillingSettings) -> AsyncIterator[BillingDoor]:
    """The service with a folder and keys."""
    async with running(settings) as found:
        yield found


class Worker:
    """What makes exports and delivers them, whenever the test says so."""

    def __init__(self, door: BillingDoor, settings: BillingSettings):
        self._now, self._database = NOW, door.database
        self._exports = Exports(door.database, self._clock)
        self._deliveries = Deliveries(door.database, self._clock, Targets.of(settings))

    async def _clock(self) -> datetime:
        return self._now

    async def at(self, now: datetime) -> None:
        """All that is due then."""
        self._now = now
        await self._deliveries.at_a_stop(self._database, now)
        await self._exports.at_a_stop(self._database, now)
        await self._deliveries.at_a_stop(self._database, now)


@pytest.fixture
def worker(door: BillingDoor, settings: BillingSettings) -> Worker:
    return Worker(door, settings)


async def subscribed(door: BillingDoor, target: Json, **more: Any) -> Json:
    """Made by the partner."""
    answer = await door.post(PATH, {"frequency": "daily", "target": target, **more}, as_partner())
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def shown(door: BillingDoor, made: Json) -> Json:
    found: Json = (await door.get(f"{PATH}/{made['subscription_id']}", as_partner())).json()
    return found


async def delivered(door: BillingDoor, made: Json) -> list[Json]:
    answer = await door.get(f"{PATH}/{made['subscription_id']}/deliveries", as_partner())
    found: list[Json] = answer.json()["deliveries"]
    return found


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


FOLDER = {"kind": "folder", "folder": "partner-1", "prefix": "inbox"}


@pytest.mark.postgres
async def test_a_daily_file_lies_in_its_folder_after_a_test_write(
    door: BillingDoor, database: Database, worker: Worker, tmp_path: Path
) -> None:
    await put_lines(database, 5)
    made = await subscribed(door, FOLDER)
    assert (made["state"], made["next_at"]) == ("testing", "2026-11-23T04:00:00Z")
    await worker.at(NOW)
    assert (await shown(door, made))["state"] == "active"
    assert files_in(tmp_path) == []  # it tidies up
    await worker.at(NOON - timedelta(seconds=1))
    assert await delivered(door, made) == []
    await worker.at(NOON)
    (one,) = await delivered(door, made)
    name = "20261123/customerBill_202611.tar.gz"
    assert (one["state"], one["cycle"], one["files"]) == ("delivered", "2026-11", [name])
    archive = (tmp_path / "partner-1/inbox/customerBill" / name).read_bytes()
    assert [len(rows) for rows in members(archive).values()] == [6]
    found = await shown(door, made)
    assert (found["next_at"], found["last_error"]) == ("2026-11-24T04:00:00Z", None)


@pytest.mark.postgres
async def test_five_tries_on_following_days_and_then_no_more(
    door: BillingDoor, database: Database, worker: Worker
) -> None:
    made = await subscribed(door, BUCKET, frequency="monthly")
    await worker.at(NOW)
    found = await shown(door, made)
    assert (found["state"], found["last_error"]) == (
        "failing", "the endpoint is in a private network",
    )  # fmt: skip
    first = datetime(2026, 12, 5, 4, 0, tzinfo=UTC)
    for number in range(1, 8):
        await worker.at(first + timedelta(days=number - 1))
        (one,) = await delivered(door, made)
        assert one["tries"] == min(number, 5)
        assert one["state"] == ("waiting" if number < 5 else "given_up")
    facts = await bodies(database, "billing.delivery_failed")
    assert [fact["try_number"] for fact in facts] == [1, 2, 3, 4, 5]
    assert [fact["next_try_at"] is None for fact in facts] == [False] * 4 + [True]
    assert facts[0]["next_try_at"] == "2026-12-06T04:00:00Z"
    assert (facts[0]["bill_cycle"], facts[0]["file_name"]) == (
        "2026-11", "customerBill_202611.tar.gz",
    )  # fmt: skip


@pytest.mark.postgres
async def test_a_secret_is_encrypted_shown_to_nobody_and_forgotten_at_the_end(
    door: BillingDoor, database: Database
) -> None:
    made = await subscribed(door, BUCKET)
    assert SECRET not in str(made)
    async with database.transaction() as session:
        row = (await session.scalars(select(FileSubscription))).one()
        assert row.secret is not None
        assert SECRET.encode() not in row.secret
        assert SECRET not in str(row.target)
    path = f"{PATH}/{made['subscription_id']}"
    stranger = as_partner(OTHER_PARTNER)
    assert code_of(await door.get(path, stranger)) == (404, "CHB.0404")
    assert code_of(await door.send("DELETE", path, None, stranger)) == (404, "CHB.0404")
    assert (await door.get(PATH, stranger)).json()["subscriptions"] == []
    assert (await door.send("DELETE", path, None, as_partner())).status_code == 204
    async with database.transaction() as session:
        row = (await session.scalars(select(FileSubscription))).one()
        assert (row.state, row.secret) == ("ended", None)
    assert code_of(await door.post(f"{path}/test", None, as_partner())) == (409, "CHB.0409")
    assert [action for action, _ in await deeds(database)] == [
        "file_subscription.make", "file_subscription.end",
    ]  # fmt: skip


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({**BUCKET, "secret_access_key": None}, "target.secret_access_key"),
        ({**BUCKET, "folder": "x"}, "target.folder"),
        ({**BUCKET, "endpoint": "ftp://x"}, "target.endpoint"),
        ({**BUCKET, "bucket": "../x"}, "target.bucket"),
        ({"kind": "folder", "folder": "../x"}, "target.folder"),
        ({"kind": "folder", "folder": "/etc"}, "target.folder"),
        ({"kind": "folder", "folder": "x", "prefix": "../y"}, "target.prefix"),
    ],
)
async def test_a_target_that_cannot_be_is_refused_by_its_field(
    door: BillingDoor, target: Json, field: str
) -> None:
    answer = await door.post(PATH, {"frequency": "daily", "target": target}, as_partner())
    assert code_of(answer) == (400, "CBC.0100")
    assert field in answer.text


@pytest.mark.parametrize(
    ("frequency", "now", "due", "cycle"),
    [
        ("daily", "2026-11-23T03:59:59+00:00", "2026-11-23T04:00:00+00:00", "2026-11"),
        ("daily", "2026-11-23T04:00:00+00:00", "2026-11-24T04:00:00+00:00", "2026-11"),
        ("daily", "2026-11-30T05:00:00+00:00", "2026-12-01T04:00:00+00:00", "2026-11"),
        ("monthly", "2026-12-05T03:59:59+00:00", "2026-12-05T04:00:00+00:00", "2026-11"),
        ("monthly", "2026-12-05T04:00:00+00:00", "2027-01-05T04:00:00+00:00", "2026-12"),
    ],
)
def test_files_are_due_at_noon_in_beijing(frequency: str, now: str, due: str, cycle: str) -> None:
    at = next_due(frequency, datetime.fromisoformat(now))
    assert at == datetime.fromisoformat(due)
    assert cycle_due(frequency, at) == cycle
