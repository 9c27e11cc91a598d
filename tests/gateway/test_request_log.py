"""What the gateway's log says of a request: who asked from where and what came of it, no secret."""

import json
from io import StringIO
from typing import Any

import pytest
from starlette.types import Scope, Send

from chassis import logs
from testkit.databases import ServiceDatabase
from tests.gateway.gate import ADMIN, answer_json, open_gate
from tests.gateway.identity_builders import acting_key, customer, operator, story

CUSTOMERS = "/v2/partners/sub-customers/query"
REGISTER = "/v2/partners/sub-customers"
PASSWORD = "Geheim#2026"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    output = StringIO()
    monkeypatch.setattr("sys.stdout", output)
    logs.configure("gateway", "INFO")
    return output


def last(written: StringIO) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [json.loads(line) for line in written.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "request"][-1]


async def test_a_line_says_who_asked_from_where_and_what_came_of_it(
    gateway_store: ServiceDatabase, written: StringIO
) -> None:
    async with open_gate(gateway_store, trusted_proxies="127.0.0.0/8") as gate:
        key = await story(gate)
        headers = {"X-Request-Id": "mine-1", "X-Forwarded-For": "203.0.113.7"}
        await gate.call(key, "POST", CUSTOMERS, {}, headers)
        who = {"principal": "p1", "access": key.access, "address": "203.0.113.7"}
        told = {"method": "POST", "route": CUSTOMERS, "status": 200, "request_id": "mine-1"}
        assert last(written).items() >= {**who, **told}.items()

        async def refuse(_scope: Scope, send: Send) -> None:
            await answer_json(send, 400, {"error_code": "CBC.99000035", "error_msg": "no"})

        gate.echo.answer = refuse
        await gate.call(key, "POST", CUSTOMERS, {}, headers)
        assert last(written).items() >= {**who, "status": 400, "code": "CBC.99000035"}.items()

        await gate.send("GET", "/api/orders/o1", headers=headers)
        nobody = {"status": 401, "code": "APIGW.0301", "address": "203.0.113.7"}
        assert last(written).items() >= {**nobody, "route": "/api/orders/{order_id}"}.items()
        assert "principal" not in last(written)

        await gate.feed(operator())
        by_operator = await gate.key("p1", "op1")
        await gate.call(by_operator, "POST", CUSTOMERS, {})
        assert last(written).items() >= {"principal": "p1", "operator": "op1"}.items()


async def test_no_secret_reaches_the_log(gateway_store: ServiceDatabase, written: StringIO) -> None:
    async with open_gate(gateway_store) as gate:
        key = await story(gate)
        acting = await acting_key(gate, key)
        await gate.feed(customer())
        await gate.call(acting, "GET", "/api/orders/o1?token=abcdef")
        await gate.call(key, "POST", REGISTER, {"password": PASSWORD, "domain_name": "new_one"})
        await gate.call(key, "POST", REGISTER, {"password": [PASSWORD]})
        user = {"name": "p1", "password": PASSWORD, "domain": {"name": "p1"}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        await gate.post("/v3/auth/tokens", body)
        await gate.admin("GET", "/api/products")
        shown = written.getvalue()
        assert shown.count("request_id") >= 5
        for secret in (
            PASSWORD,
            key.secret,
            acting.secret,
            acting.security_token,
            "abcdef",
            ADMIN["X-Auth-Token"],
            "Signature=",
        ):
            assert str(secret) not in shown
