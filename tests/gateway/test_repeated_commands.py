"""A signed PUT or DELETE that comes again, byte for byte, gets its first answer again."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select, update
from starlette.types import Scope, Send

from gateway.forwarding import kept_answers as module
from gateway.forwarding.destinations import Service, destination_of
from gateway.forwarding.kept_answers import KEPT_BYTES_MAX, REPEATABLE
from gateway.identity import api as identity_api
from gateway.identity.keyring import ADMINISTRATOR
from gateway.identity.models import KeptAnswer
from gateway.identity.prune_credentials import prune_credentials
from gateway.not_yet import NOT_YET
from testkit.databases import ServiceDatabase
from tests.gateway.gate import AccessPair, Answer, Gate, answer_json, open_gate
from tests.gateway.identity_builders import acting_key, story
from wire.native_routes import native_routes
from wire.operations import everything

CANCEL = "/v2/orders/customer-orders/cancel"
KEYS = "/v3.0/OS-CREDENTIAL/credentials"
BODY = b'{"order_id": "CS1"}'
WIRE = {
    name: one
    for name, one in everything().items()
    if one.http_method in REPEATABLE and name not in NOT_YET
}
UNSIGNED = "/api/principals/{account_id}/rate-limit"  # the administrator's, who has a token
OWN = {
    (method, route.path)
    for route in identity_api.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
    if method in REPEATABLE and route.path != UNSIGNED
}
ANSWERS: list[tuple[int, dict[str, Any] | None]] = [
    (204, None),
    (200, {"is_review": 1}),
    (400, {"error_code": "CBC.99005010", "error_msg": "It cannot be cancelled."}),
    (404, {"error_code": "CBC.99000010", "error_msg": "There is none."}),
    (409, {"error_code": "CHB.0409", "error_msg": "Not now."}),
    (500, {"error_code": "CBC.0999", "error_msg": "It failed."}),
]


class Once:
    """A service that answers otherwise each time."""

    def __init__(self, gate: Gate, status: int = 204, content: dict[str, Any] | None = None):
        self.gate, self.status, self.content = gate, status, content
        self.free = asyncio.Event()
        self.free.set()
        gate.echo.answer = self

    async def __call__(self, _scope: Scope, send: Send) -> None:
        """ASGI."""
        number = len(self.gate.echo.seen)
        await self.free.wait()
        headers = {"etag": f'"{number}"', "location": f"/api/orders/{number}"}
        if self.content is None:
            pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
            start = {"type": "http.response.start", "status": self.status, "headers": pairs}
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        await answer_json(send, self.status, {**self.content, "number": number}, headers)


def shown(answer: Answer) -> tuple[Any, ...]:
    names = ("content-type", "content-length", "etag", "location")
    return answer.status, answer.raw, *(answer.headers.get(name) for name in names)


async def again(
    gate: Gate, method: str, target: str, body: bytes, signed: dict[str, str]
) -> Answer:
    return await gate.send(method, target, body=body, headers=signed)


async def sent_once(
    gate: Gate, key: AccessPair, method: str = "PUT", target: str = CANCEL, count: int = 3
) -> list[Answer]:
    """The answers to one signed request that is sent so often."""
    signed = gate.signed(key, method, target, BODY)
    return [await again(gate, method, target, BODY, signed) for _ in range(count)]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)


async def kept(gate: Gate) -> int:
    async with gate.app.parts.database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(KeptAnswer)) or 0)


def unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def natives() -> Iterator[tuple[str, str]]:
    """Of the services' own paths, those that a signature may reach."""
    for one in native_routes().values():
        if one.service != Service.GATEWAY and one.method in REPEATABLE:
            destination = destination_of(one.method, unnamed(one.path))
            assert destination is not None
            if destination.kinds != {ADMINISTRATOR.kind}:  # who has a token, and signs nothing
                yield one.method, unnamed(one.path)


FORWARDED = {name: (one.http_method, unnamed(one.path)) for name, one in WIRE.items()}
FORWARDED |= {f"{method} {path}": (method, path) for method, path in natives()}


def test_every_put_and_delete_there_is_stands_in_one_of_these_tables() -> None:
    assert {"cancel_customer_order", "change_enterprise_realname_authentication"} <= set(WIRE)
    assert ("DELETE", f"{KEYS}/{{access}}") in OWN
    assert ("DELETE", "/api/orders/x/payment-request") in FORWARDED.values()


@pytest.mark.parametrize("name", sorted(FORWARDED))
@pytest.mark.parametrize(("status", "content"), ANSWERS)
async def test_each_forwarded_command_is_carried_out_once(
    gate: Gate, name: str, status: int, content: dict[str, Any] | None
) -> None:
    partners = await story(gate)
    method, path = FORWARDED[name]
    destination = destination_of(method, path)
    assert destination is not None
    key = await gate.key("c1") if "customer" in destination.kinds else partners
    Once(gate, status, content)
    first, *others = await sent_once(gate, key, method, path)
    assert first.status == status
    assert "idempotency-replayed" not in first.headers
    for other in others:
        assert shown(other) == shown(first)
        assert other.headers["idempotency-replayed"] == "true"
        assert other.headers["x-request-id"] != first.headers["x-request-id"]
    (seen,) = gate.echo.seen
    # Also its service hears a name by which it knows the request again.
    assert seen["headers"]["idempotency-key"].startswith("signed:")


@pytest.mark.parametrize(("method", "path"), sorted(OWN))
async def test_each_operation_of_the_gateway_is_carried_out_once(
    gate: Gate, method: str, path: str
) -> None:
    key, other = await story(gate), await gate.key("p1")
    target = path.replace("{access}", other.access).replace("{account_id}", "c1")
    target = target.replace("{credential_id}", (await acting_key(gate, key)).access)
    body = b"{}" if method == "DELETE" else b'{"credential": {"description": "mine"}}'
    signed = gate.signed(key, method, target, body, {"X-Subject-Token": "none"})
    first, second = [await gate.send(method, target, body=body, headers=signed) for _ in range(2)]
    assert shown(second) == shown(first)
    assert second.headers["idempotency-replayed"] == "true"
    if path.startswith(KEYS):
        assert first.status == (204 if method == "DELETE" else 200)


async def test_what_the_gateway_itself_failed_at_is_answered_alike(gate: Gate) -> None:
    """The service hung up: whether it acted is not known, and the same bytes do not ask again."""
    await story(gate)
    once = Once(gate)

    async def hang_up(_scope: Scope, send: Send) -> None:
        pairs = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": pairs})

    gate.echo.answer = hang_up
    key = await gate.key("c1")
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    first = await again(gate, "PUT", CANCEL, BODY, signed)
    assert (first.status, first.code) == (500, "CBC.0999")
    gate.echo.answer = once
    second = await again(gate, "PUT", CANCEL, BODY, signed)
    assert shown(second) == shown(first)
    assert len(gate.echo.seen) == 1
    gate.ahead += timedelta(seconds=1)  # signed anew
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 204


async def test_another_replica_and_one_that_was_started_since_answer_alike(
    gateway_store: ServiceDatabase,
) -> None:
    async with open_gate(gateway_store) as one, open_gate(gateway_store) as two:
        await story(one)
        key = await one.key("c1")
        Once(one, 200, {"is_review": 1})
        Once(two, 200, {"is_review": 2})
        signed = one.signed(key, "PUT", CANCEL, BODY, {"Host": "channelbus"})
        first = await again(one, "PUT", CANCEL, BODY, signed)
        assert shown(await again(two, "PUT", CANCEL, BODY, signed)) == shown(first)
        assert two.echo.seen == []
    async with open_gate(gateway_store) as restarted:
        Once(restarted, 200, {"is_review": 3})
        assert shown(await again(restarted, "PUT", CANCEL, BODY, signed)) == shown(first)
        assert restarted.echo.seen == []


async def test_nobody_else_and_no_other_bytes_get_it(gate: Gate) -> None:
    """Two keys of one secret sign alike; what is not signed may differ."""
    partners = await story(gate)
    secret = "S" * 40
    own = await gate.key("c1", access="OWN", secret=secret)
    other = await gate.key("c1", access="OTHER", secret=secret)
    acting = await acting_key(gate, partners)
    Once(gate, 200, {"is_review": 1})
    target = "/v2/orders/customer-orders/cancel"
    signed = gate.signed(own, "PUT", target, BODY)
    requests = [
        (target, BODY, signed),
        (
            target,
            BODY,
            {**signed, "Authorization": signed["Authorization"].replace("OWN", "OTHER")},
        ),
        (target, BODY, {**signed, "X-Language": "zh_CN"}),
        (target, BODY, {**signed, "Idempotency-Key": "k"}),
        (target, BODY, {**signed, "If-Match": '"1"'}),
        (f"{target}/", BODY, signed),
        (target, BODY, gate.signed(acting, "PUT", target, BODY)),
        (target, BODY + b" ", gate.signed(own, "PUT", target, BODY + b" ")),
        (f"{target}?a=1", BODY, gate.signed(own, "PUT", f"{target}?a=1", BODY)),
    ]
    assert other.secret == own.secret
    answers = [await again(gate, "PUT", *one) for one in requests]
    replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
    assert replayed == []
    (changed,) = [await again(gate, "PUT", target, b"{}", signed)]
    assert (changed.status, changed.code) == (401, "APIGW.0301")
    keys = [one["headers"]["idempotency-key"] for one in gate.echo.seen]
    assert len(set(keys)) == len(keys)


async def test_a_credential_that_ended_gets_no_answer_again(gate: Gate) -> None:
    key, other = await story(gate), await gate.key("p1")
    signed = gate.signed(other, "DELETE", f"{KEYS}/{other.access}")
    assert (await again(gate, "DELETE", f"{KEYS}/{other.access}", b"", signed)).status == 204
    refused = await again(gate, "DELETE", f"{KEYS}/{other.access}", b"", signed)
    assert (refused.status, refused.code) == (401, "APIGW.0301")
    assert (await gate.call(key, "GET", KEYS)).status == 200


async def test_what_is_refused_before_it_is_forwarded_uses_nothing_up(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    gate.frozen = gate.now().replace(microsecond=0)  # all within one second
    Once(gate)
    for number in range(10):
        await gate.call(key, "PUT", CANCEL, {"n": number})
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 429
    gate.ahead += timedelta(seconds=1)
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 204
    assert len(gate.echo.seen) == 11


async def test_an_answer_that_asks_to_send_the_same_again_is_not_kept(gate: Gate) -> None:
    """The SDK repeats a 429 with the same signature."""
    await story(gate)
    key = await gate.key("c1")
    once = Once(gate, 429, {"error_code": "APIGW.0308", "error_msg": "Too many."})
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 429
    assert await kept(gate) == 0
    once.status, once.content = 204, None
    assert [(await again(gate, "PUT", CANCEL, BODY, signed)).status for _ in range(2)] == [204, 204]
    assert len(gate.echo.seen) == 2


async def test_who_asks_while_the_first_is_under_way_waits_for_its_answer(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    once = Once(gate, 200, {"is_review": 1})
    once.free.clear()
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    asked = [asyncio.create_task(again(gate, "PUT", CANCEL, BODY, signed)) for _ in range(4)]
    await until(lambda: len(gate.echo.seen) == 1)
    once.free.set()
    answers = await asyncio.gather(*asked)
    assert len({shown(answer) for answer in answers}) == 1
    assert len(gate.echo.seen) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 3


async def test_the_wait_is_bounded_and_says_which_request_is_under_way(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS_MAX", 0.2)
    await story(gate)
    key = await gate.key("c1")
    once = Once(gate)
    once.free.clear()
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    first = asyncio.create_task(again(gate, "PUT", CANCEL, BODY, signed))
    await until(lambda: len(gate.echo.seen) == 1)
    late = await again(gate, "PUT", CANCEL, BODY, signed)
    once.free.set()
    name = (await first).headers["x-request-id"]
    assert (late.status, late.code) == (409, "CHB.0001")
    assert f"{name}, is still under way" in late.content["error_msg"]
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 204


async def test_those_who_wait_are_bounded(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_PER_ACCOUNT_MAX", 1)
    await story(gate)
    key = await gate.key("c1")
    once = Once(gate)
    once.free.clear()
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    asked = [asyncio.create_task(again(gate, "PUT", CANCEL, BODY, signed)) for _ in range(3)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result().code for task in done] == ["CHB.0001"]
    once.free.set()
    statuses = sorted(answer.status for answer in await asyncio.gather(*asked))
    assert statuses == [204, 204, 409]


async def test_a_gateway_that_died_on_the_way_holds_nobody_up(gate: Gate) -> None:
    """Its service knows by the key whether it was carried out."""
    await story(gate)
    key = await gate.key("c1")
    Once(gate)
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    await again(gate, "PUT", CANCEL, BODY, signed)
    async with gate.app.parts.database.transaction() as session:
        unanswered = {"status": None, "headers": None, "body": None}
        await session.execute(update(KeptAnswer).values(unanswered))
        await session.execute(
            update(KeptAnswer).values(
                claimed_at=func.now() - timedelta(seconds=module.TAKEN_OVER_AFTER_SECONDS + 1)
            )
        )
    assert (await again(gate, "PUT", CANCEL, BODY, signed)).status == 204
    names = {one["headers"]["idempotency-key"] for one in gate.echo.seen}
    assert (len(gate.echo.seen), len(names)) == (2, 1)


async def test_a_caller_that_hung_up_finds_the_answer_when_it_comes_again(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    once = Once(gate, 200, {"is_review": 1})
    once.free.clear()
    signed = gate.signed(key, "PUT", CANCEL, BODY)
    first = asyncio.create_task(again(gate, "PUT", CANCEL, BODY, signed))
    await until(lambda: len(gate.echo.seen) == 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    once.free.set()
    second = await again(gate, "PUT", CANCEL, BODY, signed)
    assert (second.status, second.content) == (200, {"is_review": 1, "number": 1})
    assert len(gate.echo.seen) == 1


async def test_an_answer_too_large_to_be_kept_is_sent_whole_and_not_made_again(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    Once(gate, 200, {"text": "x" * KEPT_BYTES_MAX})
    first, second = await sent_once(gate, key, count=2)
    assert len(first.raw) > KEPT_BYTES_MAX
    assert (second.status, second.code) == (409, "CHB.0001")
    assert first.headers["x-request-id"] in second.content["error_msg"]
    assert len(gate.echo.seen) == 1


async def test_answers_are_forgotten_when_no_signature_is_believed_any_more(gate: Gate) -> None:
    async with gate.app.parts.database.transaction() as session:
        for name, minutes in {"stale": 32, "kept": 30}.items():
            at = gate.now() - timedelta(minutes=minutes)
            session.add(KeptAnswer(fingerprint=name, request_id="r", claimed_at=at, status=204))
    await prune_credentials(gate.app.parts.database, gate.now())
    async with gate.app.parts.database.transaction() as session:
        assert list(await session.scalars(select(KeptAnswer.fingerprint))) == ["kept"]
