"""A signature moves money or coupons once (decision 0016)."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.types import Scope, Send

from gateway.identity.models import UsedSignature
from gateway.identity.prune_credentials import prune_credentials
from tests.gateway.gate import Gate, answer_json
from tests.gateway.identity_builders import story

BALANCES = "/v2/accounts/partner-accounts/balances"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
CUSTOMERS = "/v2/partners/sub-customers/query"


async def test_a_repeated_signature_moves_nothing_and_names_the_first_request(gate: Gate) -> None:
    key = await story(gate)
    body = b'{"customer_id": "c1", "amount": 1.00}'
    signed = gate.signed(key, "POST", TRANSFER, body)
    answers = await asyncio.gather(
        *(gate.send("POST", TRANSFER, body=body, headers=signed) for _ in range(5))
    )
    first = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(first) == len(gate.echo.seen) == 1
    assert {(a.status, a.code) for a in refused} == {(409, "CHB.0001")}
    assert all(first[0].headers["x-request-id"] in a.content["error_msg"] for a in refused)


@pytest.mark.parametrize(
    ("status", "is_free"), [(400, True), (404, True), (409, True), (500, False)]
)
async def test_a_command_that_was_refused_leaves_its_signature_free(
    gate: Gate, status: int, is_free: bool
) -> None:
    """After a failure nobody knows whether it was carried out."""
    key = await story(gate)

    async def refuse(_scope: Scope, send: Send) -> None:
        await answer_json(send, status, {"error_code": "CBC.99000035", "error_msg": "No."})

    gate.echo.answer = refuse
    signed = gate.signed(key, "POST", TRANSFER, b"{}")
    assert (await gate.send("POST", TRANSFER, body=b"{}", headers=signed)).status == status
    gate.echo.answer = None
    second = await gate.send("POST", TRANSFER, body=b"{}", headers=signed)
    third = await gate.send("POST", TRANSFER, body=b"{}", headers=signed)
    assert (second.status, third.status) == ((200, 409) if is_free else (409, 409))
    assert "in the next second" in third.content["error_msg"]


async def test_reads_and_other_posts_may_repeat_their_signature(gate: Gate) -> None:
    key = await story(gate)
    for method, target in (("GET", BALANCES), ("POST", CUSTOMERS)):
        body = b"{}" if method == "POST" else b""
        signed = gate.signed(key, method, target, body)
        for _ in range(2):
            assert (await gate.send(method, target, body=body, headers=signed)).status == 200


async def test_a_throttled_or_forbidden_command_does_not_use_its_signature_up(gate: Gate) -> None:
    key = await story(gate)
    gate.frozen = gate.now().replace(microsecond=0)  # all ten within one second
    for _ in range(10):
        gate.ahead += timedelta(microseconds=1)
        await gate.call(key, "POST", TRANSFER, {"n": gate.ahead.microseconds})
    signed = gate.signed(key, "POST", TRANSFER, b"{}")
    assert (await gate.send("POST", TRANSFER, body=b"{}", headers=signed)).status == 429
    gate.ahead += timedelta(seconds=1)
    assert (await gate.send("POST", TRANSFER, body=b"{}", headers=signed)).status == 200


async def used_signatures(gate: Gate) -> set[str]:
    async with gate.app.parts.database.transaction() as session:
        return set(await session.scalars(select(UsedSignature.signature)))


async def test_used_signatures_are_forgotten_a_day_after_their_stamp_is_stale(gate: Gate) -> None:
    ages = {"stale": timedelta(days=1, minutes=32), "kept": timedelta(days=1, minutes=30)}
    async with gate.app.parts.database.transaction() as session:
        for name, age in {**ages, "new": timedelta()}.items():
            row = {"access": "a", "request_id": "r", "used_at": gate.now() - age}
            session.add(UsedSignature(signature=name, **row))
    await prune_credentials(gate.app.parts.database, gate.now())
    assert await used_signatures(gate) == {"kept", "new"}


async def test_a_clock_that_leaps_forgets_no_signature(gate: Gate) -> None:
    key = await story(gate)
    signed = gate.signed(key, "POST", TRANSFER, b"{}")
    assert (await gate.send("POST", TRANSFER, body=b"{}", headers=signed)).status == 200
    for leap in (timedelta(hours=25), timedelta(days=400)):
        await prune_credentials(gate.app.parts.database, gate.now() + leap)
    again = await gate.send("POST", TRANSFER, body=b"{}", headers=signed)
    assert (again.status, again.code) == (409, "CHB.0001")
    assert len(gate.echo.seen) == 1
