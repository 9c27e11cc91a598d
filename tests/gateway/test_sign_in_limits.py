"""Signing in stays possible whoever else tries, and whoever was made a moment ago gets in."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.pool import QueuePool
from structlog.testing import capture_logs

from contracts.partner import PartnerOperatorChanged
from gateway.identity.keep_password import keep_password
from gateway.identity.models import Password
from gateway.identity.sign_in_limits import WAITING_MAX
from testkit.databases import ServiceDatabase
from tests.gateway.gate import Answer, Gate, open_gate
from tests.gateway.identity_builders import operator, partner, registered
from tests.gateway.ops_browser import Browser
from tests.gateway.test_identity_tokens import PASSWORD, by_password, with_password

TOKENS = "/v3/auth/tokens"
WRONG = "Falsch#2026"
OWNER, STRANGER = "198.51.100.1", "203.0.113.1"


async def probe(gate: Gate, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=gate.app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://ops") as ops:
        return await ops.get(path)


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    """A gateway that believes whom requests say they are from, so that a test can be many."""
    async with open_gate(gateway_store, trusted_proxies="127.0.0.0/8") as opened:
        yield opened


async def try_as(
    gate: Gate, address: str, name: str = "op1-name", password: str = PASSWORD,
    domain: str = "p1-account",
) -> Answer:  # fmt: skip
    body = by_password(name, domain, password)
    return await gate.post(TOKENS, body, {"X-Forwarded-For": address})


async def with_operator(gate: Gate) -> None:
    await gate.feed(partner(), operator(credential_ref=await with_password(gate)))


async def taking_every_turn(gate: Gate, stack: AsyncExitStack) -> None:
    for _ in range(gate.settings.password_hashes_at_once):
        await stack.enter_async_context(gate.app.parts.keyring.passwords.turn("somebody"))


def waiting(gate: Gate) -> int:
    number: int = gate.app.parts.keyring.passwords._waiting
    return number


async def until_waiting(gate: Gate, number: int) -> None:
    async with asyncio.timeout(30):
        while waiting(gate) != number:
            await asyncio.sleep(0.01)


# --- the queue


async def test_more_than_may_wait_are_refused_at_once_and_readiness_tells(
    gateway_store: ServiceDatabase,
) -> None:
    async with (
        open_gate(gateway_store, trusted_proxies="127.0.0.0/8", passwords_waiting_max=6) as gate,
        AsyncExitStack() as stack,
    ):
        await with_operator(gate)
        await taking_every_turn(gate, stack)
        trying = [asyncio.create_task(try_as(gate, f"203.0.113.{n}")) for n in range(6)]
        await until_waiting(gate, 6)
        refused = await try_as(gate, STRANGER)
        assert (refused.status, refused.code) == (503, "CHB.0503")
        ready = await probe(gate, "/readyz")
        assert ready.status_code == 200  # it is no worse than any other replica
        assert ready.json()["warnings"] == ["sign-in is busy: 6 wait for their turn"]
        assert "channelbus_passwords_waiting 6.0" in (await probe(gate, "/metrics")).text
        await stack.aclose()
        assert {answer.status for answer in await asyncio.gather(*trying)} == {201}
        assert (await try_as(gate, STRANGER)).status == 201
        assert (await probe(gate, "/readyz")).json()["warnings"] == []


async def test_one_address_has_few_places_in_the_queue(gate: Gate) -> None:
    await with_operator(gate)
    async with AsyncExitStack() as stack:
        await taking_every_turn(gate, stack)
        of_one = gate.settings.passwords_of_an_address_max
        gate.frozen = gate.now().replace(microsecond=0)
        trying = [asyncio.create_task(try_as(gate, STRANGER)) for _ in range(of_one)]
        await until_waiting(gate, of_one)
        refused = await try_as(gate, STRANGER)
        assert (refused.status, refused.code) == (429, "APIGW.0308")
        other = asyncio.create_task(try_as(gate, OWNER))
        await until_waiting(gate, of_one + 1)
    assert (await other).status == 201
    await asyncio.gather(*trying)


async def test_who_goes_leaves_the_queue(gate: Gate) -> None:
    await with_operator(gate)
    async with AsyncExitStack() as stack:
        await taking_every_turn(gate, stack)
        async with aiohttp.ClientSession() as client:
            body = by_password("op1-name", "p1-account")
            going = [
                asyncio.create_task(
                    client.post(gate.url + TOKENS, json=body, headers={"X-Forwarded-For": OWNER})
                )
                for _ in range(5)
            ]
            await until_waiting(gate, 5)
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
        await until_waiting(gate, 0)
    assert (await try_as(gate, OWNER)).status == 201


async def test_after_a_flood_by_strangers_sign_in_works_within_a_second_or_so(
    gateway_store: ServiceDatabase,
) -> None:
    """As shipped: real hashes, a hundred requests a second, each of another address and name."""
    shipped = {"argon2_time_cost": 2, "argon2_memory_kib": 19_456}
    async with open_gate(gateway_store, trusted_proxies="127.0.0.0/8", **shipped) as gate:
        await with_operator(gate)
        flood: list[asyncio.Task[Answer]] = []
        for number in range(300):
            address, name = f"203.0.{number // 250}.{number % 250}", f"name-{number}"
            flood.append(asyncio.create_task(try_as(gate, address, name, WRONG, name)))
            await asyncio.sleep(0.01)
        assert waiting(gate) <= gate.settings.passwords_waiting_max
        began = time.monotonic()
        async with asyncio.timeout(60):
            while (await try_as(gate, OWNER)).status != 201:
                await asyncio.sleep(0.05)
        took = time.monotonic() - began
        statuses = Counter(answer.status for answer in await asyncio.gather(*flood))
        assert set(statuses) <= {401, 503}, statuses
        assert took < 20, f"{took:.1f} s"  # 1.6 s where two cores were shared by several suites


# --- how often


async def test_no_stranger_locks_an_account_out_by_its_name(gate: Gate) -> None:
    await with_operator(gate)
    gate.frozen = gate.now().replace(second=1, microsecond=0)
    for _ in range(25):
        gate.frozen = gate.frozen.replace(second=gate.frozen.second + 1)
        last = await try_as(gate, STRANGER, password=WRONG)
    assert (last.status, last.code) == (429, "APIGW.0308")
    assert (await try_as(gate, STRANGER)).status == 429
    assert (await try_as(gate, OWNER)).status == 201


async def test_many_strangers_are_stopped_and_the_owners_address_goes_on(
    gateway_store: ServiceDatabase,
) -> None:
    async with open_gate(
        gateway_store, trusted_proxies="127.0.0.0/8", sign_ins_per_minute_of_account=10
    ) as gate:
        await with_operator(gate)
        assert (await try_as(gate, OWNER)).status == 201
        gate.frozen = (gate.now() + timedelta(minutes=1)).replace(second=1, microsecond=0)
        tried = [await try_as(gate, f"203.0.113.{n}", password=WRONG) for n in range(12)]
        assert [answer.status for answer in tried] == [401] * 10 + [429] * 2
        assert (await try_as(gate, STRANGER)).status == 429
        assert (await try_as(gate, OWNER, password=WRONG)).status == 401
        assert (await try_as(gate, OWNER)).status == 201


async def test_a_refused_sign_in_is_logged_with_its_address_and_without_the_password(
    gate: Gate,
) -> None:
    await with_operator(gate)
    with capture_logs() as logs:
        await try_as(gate, STRANGER, password=WRONG)
        await Browser(gate).sign_in(way="token", token="not-the-token")
    refused = [entry for entry in logs if entry["event"] == "sign-in refused"]
    assert [(entry["account"], entry.get("user")) for entry in refused] == [
        ("p1-account", "op1-name"),
        ("administrator", None),
    ]
    assert refused[0]["address"] == STRANGER
    assert refused[0]["code"] == "CHB.0401"
    assert refused[1]["address"] == "127.0.0.1"
    assert WRONG not in str(logs)


# --- made a moment ago


async def unbound(gate: Gate, expected: str | None, password: str = PASSWORD) -> str:
    """A password that no event has bound; its reference."""
    hashed = await gate.app.parts.keyring.passwords.hash(password)
    async with gate.app.parts.database.transaction() as session:
        await keep_password(session, "r-new", hashed, expected)
    return "r-new"


@pytest.mark.usefixtures("long_waits")
async def test_an_operator_made_a_moment_ago_signs_in(gate: Gate) -> None:
    await gate.feed(partner())
    ref = await unbound(gate, "op1-name")
    signing_in = asyncio.create_task(try_as(gate, OWNER))
    done, _ = await asyncio.wait([signing_in], timeout=0.5)
    assert not done
    pool = gate.app.parts.database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() <= 1  # it holds no connection
    await gate.feed(operator(credential_ref=ref))
    assert (await signing_in).status == 201


@pytest.mark.usefixtures("long_waits")
@pytest.mark.parametrize("expected", ["c1-account", None])
async def test_a_customer_made_a_moment_ago_signs_in(gate: Gate, expected: str | None) -> None:
    ref = await unbound(gate, expected)
    account = "c1-account"
    signing_in = asyncio.create_task(try_as(gate, OWNER, account, domain=account))
    done, _ = await asyncio.wait([signing_in], timeout=0.3)
    assert not done
    await gate.feed(registered(credential_ref=ref))
    assert (await signing_in).status == 201


@pytest.mark.usefixtures("long_waits")
async def test_a_password_changed_a_moment_ago_counts(gate: Gate) -> None:
    await with_operator(gate)
    ref = await unbound(gate, "op1", "Anders#2027")
    signing_in = asyncio.create_task(try_as(gate, OWNER, password="Anders#2027"))
    done, _ = await asyncio.wait([signing_in], timeout=0.3)
    assert not done
    told = operator(version=2).model_dump() | {"credential_ref": ref}
    await gate.feed(PartnerOperatorChanged.model_validate(told))
    assert (await signing_in).status == 201


@pytest.mark.usefixtures("long_waits")
async def test_nobody_is_waited_for_whom_nothing_announces(gate: Gate) -> None:
    await with_operator(gate)
    await unbound(gate, "somebody-else")
    async with asyncio.timeout(20):
        for name in ("nobody", "op1-name"):
            answer = await try_as(gate, OWNER, name, WRONG)
            assert (answer.status, answer.code) == (401, "CHB.0401")


@pytest.mark.usefixtures("long_waits")
async def test_few_wait_at_once_for_somebody_who_may_come(gate: Gate) -> None:
    await gate.feed(partner())
    await unbound(gate, "op1-name")
    limits = gate.app.parts.keyring.sign_ins
    async with AsyncExitStack() as stack:
        for _ in range(WAITING_MAX):
            await stack.enter_async_context(limits.waiting())
        answer = await try_as(gate, OWNER)
        assert (answer.status, answer.code) == (503, "CHB.0503")


async def test_the_name_for_which_a_password_waits_is_kept_with_it(gate: Gate) -> None:
    """As the forwarded request names it: by name in a body, by id in the path of a change."""
    await gate.feed(partner())
    sent: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/partners/p1/operators", {"account_name": "wang", "password": PASSWORD}),
        ("PATCH", "/api/partners/p1/operators/op7", {"password": PASSWORD}),
    ]
    for method, path, body in sent:
        assert (await gate.admin(method, path, body)).status == 200
        assert b"credential_ref" in gate.echo.body()
        assert PASSWORD.encode() not in gate.echo.body()

    async with gate.app.parts.database.transaction() as session:
        expected = await session.scalars(select(Password.expected).order_by(Password.created_at))
        assert list(expected) == ["wang", "op7"]
