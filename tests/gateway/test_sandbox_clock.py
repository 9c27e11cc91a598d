"""The doors of the clock, and what a moved clock leaves alone: all that proves who somebody is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from chassis.identity import Principal
from chassis.move_clock import run_on
from gateway.app import build
from gateway.settings import GatewaySettings
from testkit.databases import ServiceDatabase
from testkit.door import Door, code_of
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from tests.gateway.gate import Gate, open_gate
from tests.gateway.test_identity_tokens import BALANCES, operators_token

pytestmark = pytest.mark.postgres

CLOCK = "/api/sandbox/clock"
YEAR = timedelta(days=365)
TOLD = {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    """A gateway of a sandbox."""
    async with open_gate(gateway_store, sandbox=True) as opened:
        yield opened


async def jump(gate: Gate) -> None:
    """Business time is a year ahead from now on."""
    async with gate.app.parts.database.transaction() as session:
        await run_on(session, YEAR)


async def test_tokens_signatures_and_keys_outlive_a_jump(gate: Gate) -> None:
    """Break: give the gateway's door, or one of identity, the business clock."""
    token = await operators_token(gate)
    pair = await gate.key("p1")
    await jump(gate)
    answer = await gate.send("GET", BALANCES, headers={"X-Auth-Token": token})
    assert answer.status == 200
    assert (await gate.call(pair, "GET", BALANCES)).status == 200
    shown = await gate.admin("GET", CLOCK)
    assert shown.status == 200
    assert abs(shown.content["offset_seconds"] - YEAR.total_seconds()) < 1


async def test_a_console_session_outlives_a_jump(gate: Gate) -> None:
    sessions = gate.app.parts.console.sessions
    made = await sessions.by_token(ADMIN_TOKEN, "127.0.0.1", gate.now())
    await jump(gate)
    headers = {"Cookie": f"channelbus_ops={made}"}
    assert (await gate.send("GET", "/ops", headers=headers)).status == 200


async def test_it_is_the_administrators(gate: Gate) -> None:
    await operators_token(gate)
    pair = await gate.key("p1")
    for method, body in (("GET", None), ("POST", {"advance_seconds": 60})):
        answer = await gate.call(pair, method, CLOCK, body)
        assert (answer.status, answer.code) == (403, "CBC.0151")


async def test_only_a_sandbox_has_it(gateway_store: ServiceDatabase) -> None:
    app = build(gateway_store.settings(GatewaySettings, **TOLD))
    ops: Any = app.ops
    admin = {"X-Auth-Token": ADMIN_TOKEN}
    async with Door.of(app) as door, Door.of(ops) as inside:
        for method, body in (("GET", None), ("POST", {"advance_seconds": 60})):
            answer = await door.send_unsigned(method, CLOCK, body, headers=admin)
            assert code_of(answer) == (404, "CHB.0404"), method
        assert (await inside.get("/internal/clock")).status_code == 404
    await app.parts.database.close()


async def test_the_inner_doors_are_the_administrators(gate: Gate) -> None:
    seller = Principal("p1", "solution_provider", "p1")
    ops: Any = gate.app.ops
    async with Door.of(ops) as inside:
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/stand", {"at": "2030-01-01T00:00:00Z"}),
            ("POST", "/run-due", {}),
            ("POST", "/go-on", {"ahead_microseconds": 1}),
        ):
            answer = await inside.send(method, f"/internal/clock{path}", body, seller)
            assert code_of(answer) == (403, "CBC.0151"), path
    assert (await gate.admin("GET", CLOCK)).content["offset_seconds"] == 0.0
