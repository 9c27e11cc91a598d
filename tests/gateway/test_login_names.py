"""A login name is of one kind: partner, customer or operator, whoever is quicker."""

import asyncio
import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import select

from gateway.identity.models import LoginNameClaim
from gateway.identity.prune_credentials import prune_credentials
from tests.gateway.gate import Answer, Gate, answer_json
from tests.gateway.identity_builders import customer, operator, partner, story

PASSWORD = "Geheim#2026"


async def make(gate: Gate, kind: str, name: str) -> Answer:
    """Ask for somebody of that name; the echo stands for the service that makes it."""
    if kind == "partner":
        return await gate.admin("POST", "/api/partners", {"account_name": name})
    key = await gate.key("p1")
    if kind == "operator":
        return await gate.call(key, "POST", "/api/partners/p1/operators", {"account_name": name})
    if kind == "imported customer":
        brought = {"customers": [{"domain_name": "somebody"}, {"domain_name": name}]}
        return await gate.call(key, "POST", "/api/customers", brought)
    return await gate.call(key, "POST", "/v2/partners/sub-customers", {"domain_name": name})


async def claims(gate: Gate) -> list[tuple[str, str, int]]:
    row = LoginNameClaim
    async with gate.app.parts.database.transaction() as session:
        found = await session.execute(select(row.name, row.kind, row.claims).order_by(row.name))
        return [(name, kind, number) for name, kind, number in found]


@pytest.mark.parametrize("kind", ["partner", "customer", "imported customer", "operator"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [("partner", "P2-Account"), ("customer", "C1-account"), ("operator", "op1-NAME")],
)
async def test_a_name_of_another_kind_is_refused_whatever_its_case(
    gate: Gate, kind: str, owner: str, name: str
) -> None:
    await story(gate)
    await gate.feed(partner("p2"), operator("op1", "p2"))
    answer = await make(gate, kind, name)
    if kind.endswith(owner):  # its own kind's service knows, and says it in its own words
        assert answer.status == 200
        return
    assert (answer.status, answer.code) == (400, "CBC.99000038")
    assert gate.echo.seen == []
    assert await claims(gate) == []


async def test_a_member_of_an_enterprise_is_a_customer_too(gate: Gate) -> None:
    await story(gate)
    body = {"new_sub_customer": {"customer_name": "p1-account", "password": PASSWORD}}
    path = "/v2/enterprises/multi-accounts/sub-customers"
    answer = await gate.call(await gate.key("c1"), "POST", path, body)
    assert (answer.status, answer.code) == (400, "CBC.99000038")


@pytest.mark.parametrize("kinds", [("partner", "customer"), ("customer", "operator")])
async def test_of_two_kinds_at_once_one_gets_the_name(gate: Gate, kinds: tuple[str, str]) -> None:
    await story(gate)
    for number in range(5):
        gate.echo.seen.clear()
        name = f"both-{number}"
        answers = await asyncio.gather(*(make(gate, kind, name) for kind in kinds))
        assert sorted(answer.status for answer in answers) == [200, 400]
        assert len(gate.echo.seen) == 1


async def test_a_refused_command_gives_the_name_back_and_an_unanswered_one_does_not(
    gate: Gate,
) -> None:
    await story(gate)

    async def say(status: int) -> Answer:
        async def answer(_scope: Any, send: Any) -> None:
            await answer_json(send, status, {"error_code": "CBC.0100", "error_msg": "no"})

        gate.echo.answer = answer
        return await make(gate, "customer", "Yunfan")

    assert (await say(400)).status == 400
    assert await claims(gate) == []
    assert (await say(500)).status == 500
    assert await claims(gate) == [("yunfan", "customer", 1)]
    gate.echo.answer = None
    refused = await make(gate, "partner", "yunfan")
    assert (refused.status, refused.code) == (400, "CBC.99000038")
    weak = {"domain_name": "wolke", "password": "x"}
    answer = await gate.call(await gate.key("p1"), "POST", "/v2/partners/sub-customers", weak)
    assert answer.code == "CBC.99000036"
    assert await claims(gate) == [("yunfan", "customer", 1)]


async def test_two_commands_of_a_kind_claim_a_name_twice_and_free_it_once_each(
    gate: Gate,
) -> None:
    """Else the refusal of the second would free what the first has just got."""
    await story(gate)
    assert (await make(gate, "customer", "yunfan")).status == 200

    async def taken(_scope: Any, send: Any) -> None:
        await answer_json(send, 400, {"error_code": "CBC.99000038", "error_msg": "in use"})

    gate.echo.answer = taken
    assert (await make(gate, "customer", "yunfan")).status == 400
    assert await claims(gate) == [("yunfan", "customer", 1)]


async def test_what_is_no_name_is_left_for_its_service_to_refuse(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("p1")
    bodies: list[Any] = [{}, {"domain_name": None}, {"domain_name": 7}, {"domain_name": "x" * 129}]
    for body in bodies:
        assert (await gate.call(key, "POST", "/v2/partners/sub-customers", body)).status == 200
    for body in ({"customers": [7, None, {"domain_name": {"a": 1}}]}, {"customers": {}}):
        assert (await gate.call(key, "POST", "/api/customers", body)).status == 200
    assert await claims(gate) == []
    assert json.loads(gate.echo.body()) == {"customers": {}}


async def test_a_claim_ends_when_its_event_has_long_come(gate: Gate) -> None:
    await story(gate)
    await make(gate, "customer", "yunfan")
    database = gate.app.parts.database
    await prune_credentials(database, gate.now() + timedelta(days=6))
    assert len(await claims(gate)) == 1
    await prune_credentials(database, gate.now() + timedelta(days=8))
    assert await claims(gate) == []


async def test_the_migration_tells_who_shares_a_name(gate: Gate) -> None:
    await gate.feed(
        partner("p1", account_name="Wolke"),
        partner("p2"),
        customer("c1", account_name="wolke"),
        customer("c2"),
        operator("op1", account_name="c2-account"),
    )
    migration = import_module("gateway.migrations.versions.0010_login_names")
    async with gate.app.parts.database.transaction() as session:
        told = await (await session.connection()).run_sync(migration.shared_names)
    assert told == [
        "login name c2-account is shared by customer c2, operator op1: rename one",
        "login name wolke is shared by customer c1, partner p1: rename one",
    ]
