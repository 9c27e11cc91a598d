"""Codes are sent to a phone with a pause between them, and new ones allow no more guesses."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from chassis.identity import Principal
from customer_sync.codes import prune_code_pauses
from customer_sync.codes.models import CodePause
from customer_sync.settings import CustomerSyncSettings
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import code_of
from tests.customer_sync.builders import (
    ABROAD,
    CREATE,
    OTHER_SELLER,
    SELLER,
    SEND,
    CustomerDoor,
    a_customer,
)
from tests.customer_sync.enterprise_builders import NAMED, SEND_SMS, a_master

MOBILE, OTHER = "13900001111", "13900002222"
TOO_SOON = (429, "APIGW.0308")


@pytest.fixture
def settings(service_store: ServiceDatabase, tmp_path: Path) -> CustomerSyncSettings:
    """The pause as shipped."""
    return service_store.settings(
        CustomerSyncSettings, verification_sender="file", verification_file=str(tmp_path / "codes")
    )


async def _send(door: CustomerDoor, mobile: str, by: Principal = SELLER) -> tuple[int, str | None]:
    answer = await door.post(SEND, {"receiver_type": 1, "mobile_phone": mobile}, by)
    return (204, None) if answer.status_code == 204 else code_of(answer)


async def _guess(door: CustomerDoor, code: str) -> str | None:
    wrong = f"{(int(code) + 1) % 10**6:06}"
    body = a_customer(mobile_phone=MOBILE, verification_code=wrong)
    return code_of(await door.post(CREATE, body))[1]


async def test_a_phone_rests_for_a_minute_whoever_asks(
    door: CustomerDoor, clock: StandingClock
) -> None:
    assert await _send(door, MOBILE) == (204, None)
    clock.forward(seconds=59)
    assert await _send(door, MOBILE) == TOO_SOON
    assert await _send(door, MOBILE, OTHER_SELLER) == TOO_SOON
    assert await _send(door, OTHER) == (204, None)
    clock.forward(seconds=1)
    assert await _send(door, MOBILE, OTHER_SELLER) == (204, None)


async def test_of_many_at_once_one_is_sent(door: CustomerDoor) -> None:
    answers = await asyncio.gather(*(_send(door, MOBILE) for _ in range(6)))
    assert sorted(answers, key=str) == [(204, None)] + [TOO_SOON] * 5


async def test_a_code_for_a_member_and_one_for_a_mailbox_pause_too(
    door: CustomerDoor, clock: StandingClock
) -> None:
    master = await a_master(door)
    body = {"mobile_phone": MOBILE, "sm_template_args": NAMED}
    assert (await door.post(SEND_SMS, body, master)).status_code == 204
    assert code_of(await door.post(SEND_SMS, body, master)) == TOO_SOON
    assert await _send(door, MOBILE) == TOO_SOON
    mailbox = {"receiver_type": 2, "email": "Boss@acme.com"}
    assert (await door.post(SEND, mailbox, ABROAD)).status_code == 204
    again = {"receiver_type": 2, "email": "boss@acme.com"}
    assert code_of(await door.post(SEND, again, ABROAD)) == TOO_SOON
    clock.forward(seconds=60)
    assert (await door.post(SEND, again, ABROAD)).status_code == 204


async def test_a_refused_request_starts_no_pause(door: CustomerDoor) -> None:
    body = {"receiver_type": 1, "mobile_phone": MOBILE, "scene": 18, "customer_id": "nobody"}
    assert code_of(await door.post(SEND, body))[1] == "CBC.99000035"
    assert await _send(door, MOBILE) == (204, None)


async def test_a_new_code_allows_no_new_guesses(door: CustomerDoor, clock: StandingClock) -> None:
    first = await door.code(MOBILE)
    assert [await _guess(door, first) for _ in range(2)] == ["CBC.99004010"] * 2
    clock.forward(seconds=60)
    second = await door.code(MOBILE)
    assert await _guess(door, second) == "CBC.99004010"
    assert await _guess(door, second) == "CBC.99004009"
    right = a_customer(mobile_phone=MOBILE, verification_code=second)
    assert code_of(await door.post(CREATE, right)) == (400, "CBC.99004009")
    clock.forward(minutes=9, seconds=59)
    assert await _send(door, MOBILE) == TOO_SOON
    clock.forward(seconds=1)
    third = await door.code(MOBILE)
    assert await _guess(door, third) == "CBC.99004010"
    await door.create(mobile_phone=MOBILE, verification_code=third)


async def test_after_a_right_code_guesses_are_counted_from_the_beginning(
    door: CustomerDoor, clock: StandingClock
) -> None:
    first = await door.code(MOBILE)
    assert [await _guess(door, first) for _ in range(3)] == ["CBC.99004010"] * 3
    await door.create(mobile_phone=MOBILE, verification_code=first)
    clock.forward(seconds=60)
    second = await door.code(MOBILE)
    assert [await _guess(door, second) for _ in range(3)] == ["CBC.99004010"] * 3


async def test_what_has_long_rested_is_forgotten_in_portions_and_a_pause_is_kept(
    door: CustomerDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let `prune_code_pauses` end after one portion, or go by another instant."""
    monkeypatch.setattr(prune_code_pauses, "PORTION_ROWS", 2)
    for number in range(5):
        assert await _send(door, f"1390000000{number}") == (204, None)
    clock.forward(seconds=prune_code_pauses.KEPT.total_seconds() + 1)
    assert await _send(door, MOBILE) == (204, None)
    await prune_code_pauses.prune_code_pauses(door.database, clock())
    async with door.database.transaction() as session:
        assert list(await session.scalars(select(CodePause.receiver))) == [MOBILE]
    assert await _send(door, MOBILE) == TOO_SOON
