"""Association that takes its time.

See docs/domain/customers.md B.2, docs/domain/worked-examples.md F.7.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from chassis.database import Database
from customer_sync.association import associate_pending as module
from customer_sync.association.associate_pending import associate_pending
from customer_sync.customers.models import PendingAssociation
from customer_sync.settings import CustomerSyncSettings
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import code_of
from tests.customer_sync.builders import CREATE, NOW, CustomerDoor, a_customer, running

DELAY_SECONDS, WAIT_SECONDS = 60.0, 0.3
DUE = NOW + timedelta(seconds=DELAY_SECONDS)


@pytest.fixture
def slow(settings: CustomerSyncSettings) -> CustomerSyncSettings:
    """Associations take a minute, and nobody waits that long."""
    told = {
        "association_delay_seconds": DELAY_SECONDS, "association_wait_seconds": WAIT_SECONDS,
    }  # fmt: skip
    return settings.model_copy(update=told)


@pytest.fixture
async def slow_door(
    slow: CustomerSyncSettings, clock: StandingClock
) -> AsyncIterator[CustomerDoor]:
    async with running(slow, clock) as door:
        yield door


async def _pending(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(PendingAssociation)) or 0


async def test_late_beyond_the_wait_the_answer_names_the_account_that_exists(
    slow_door: CustomerDoor, database: Database
) -> None:
    body = a_customer(include_association_result=True, domain_name="late_one")
    answer = await slow_door.post(CREATE, body, headers={"X-Language": "en_US"})
    assert answer.status_code == 500
    told = answer.json()
    assert told["error_code"] == "CBC.99000050"
    assert told["error_msg"]
    assert told["domain_name"] == "late_one"
    assert [kind for kind, _ in await outbox.stated(slow_door.database)] == ["customer.registered"]
    assert (await slow_door.listed())["count"] == 0

    await associate_pending(database, DUE)
    page = await slow_door.listed()
    assert [row["customer_id"] for row in page["customer_infos"]] == [told["domain_id"]]
    assert page["count"] == 1
    stated = await outbox.stated(slow_door.database)
    assert [kind for kind, _ in stated] == ["customer.registered", "customer.associated"]
    assert [body["version"] for _, body in stated] == [1, 2]
    assert stated[1][1]["associated_on"] == "2026-11-23T03:01:00Z"


async def test_a_retry_of_the_same_request_hears_that_the_account_exists(
    slow_door: CustomerDoor,
) -> None:
    mobile = "13900001234"
    code = await slow_door.code(mobile)
    body = a_customer(
        include_association_result=True, domain_name="late_two", mobile_phone=mobile,
        verification_code=code,
    )  # fmt: skip
    assert code_of(await slow_door.post(CREATE, body)) == (500, "CBC.99000050")
    before = await slow_door.written()
    assert code_of(await slow_door.post(CREATE, body)) == (400, "CBC.99000039")
    without = {**body, "mobile_phone": None, "verification_code": None}
    assert code_of(await slow_door.post(CREATE, without)) == (400, "CBC.99000039")
    assert await slow_door.written() == before


async def test_who_did_not_ask_is_answered_at_once(slow_door: CustomerDoor) -> None:
    answer = await slow_door.post(CREATE, a_customer())
    assert answer.status_code == 200
    assert set(answer.json()) == {"domain_id", "domain_name"}


async def test_an_association_within_the_wait_is_a_success(
    slow: CustomerSyncSettings, database: Database, clock: StandingClock
) -> None:
    patient = slow.model_copy(update={"association_wait_seconds": 30.0})  # it comes before
    async with running(patient, clock) as door:
        await _associated_meanwhile(door, database)


async def _associated_meanwhile(door: CustomerDoor, database: Database) -> None:
    async def meanwhile() -> None:
        while not await _pending(database):
            await asyncio.sleep(0.01)
        await associate_pending(database, DUE)

    body = a_customer(include_association_result=True)
    answer, _ = await asyncio.gather(door.post(CREATE, body), meanwhile())
    assert answer.status_code == 200, answer.text
    assert (await door.listed())["count"] == 1


async def test_nobody_is_associated_before_its_time(
    slow_door: CustomerDoor, database: Database
) -> None:
    await slow_door.create()
    before = await slow_door.written()
    await associate_pending(database, DUE - timedelta(microseconds=1))
    assert await slow_door.written() == before
    assert await _pending(database) == 1


async def test_while_pending_a_partner_can_do_nothing_with_the_customer(
    slow_door: CustomerDoor,
) -> None:
    customer = await slow_door.create()
    before = await slow_door.written()
    for command in ("authorizations", "unlinking"):
        refused = await slow_door.post(f"/api/customers/{customer}/{command}")
        assert code_of(refused) == (409, "CHB.0409")
    assert await slow_door.written() == before


async def test_customers_brought_many_at_once_wait_too(
    slow_door: CustomerDoor, database: Database
) -> None:
    brought = {"customers": [a_customer() for _ in range(3)]}
    made = (await slow_door.post("/api/customers", brought)).json()["customers"]
    assert {one["association_status"] for one in made} == {"pending"}
    await associate_pending(database, DUE)
    assert (await slow_door.listed())["count"] == 3


async def test_replicas_share_the_work_and_make_each_association_once(
    slow_door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CUSTOMERS_MAX", 2)
    for _ in range(9):
        await slow_door.create()
    await asyncio.gather(*(associate_pending(database, DUE) for _ in range(4)))
    await associate_pending(database, DUE)
    stated = [body["customer_id"] for kind, body in await outbox.stated(slow_door.database)
              if kind == "customer.associated"]  # fmt: skip
    assert len(stated) == len(set(stated)) == 9
    assert (await slow_door.listed())["count"] == 9
    assert await _pending(database) == 0


async def test_what_fails_half_way_is_made_at_the_next_turn(
    slow_door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await slow_door.create()

    def fail(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as killed, pytest.raises(RuntimeError):
        killed.setattr("chassis.database.write_kept", fail)  # just before the commit
        await associate_pending(database, DUE)
    assert [kind for kind, _ in await outbox.stated(slow_door.database)] == ["customer.registered"]
    await associate_pending(database, DUE)
    assert (await slow_door.listed())["count"] == 1
