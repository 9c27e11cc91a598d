"""What comes around a request is bounded and checked, and no failure costs the next request."""

import json
import logging
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import aiohttp
import httpx
import pytest
from fastapi import APIRouter, Response

from chassis import logs
from chassis.app import basic_parts, service_app
from chassis.errors import BadFieldError
from chassis.identity import CurrentPrincipal, Principal
from chassis.logs import trace_parent
from chassis.parts import Parts, ServiceApp
from chassis.request_context import REQUEST_ID_CHARACTERS_MAX
from chassis.routes import Route
from chassis.settings import ServiceSettings
from testkit.door import Door
from tests.gateway.gate import listening

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SERVED = Principal("p1", "distributor", "p1", operator_id="o1")
router = APIRouter(route_class=Route)


@router.get("/api/trace")
async def tell_the_trace() -> Response:
    return Response(trace_parent())


@router.post("/api/failing")
async def fail() -> Response:
    raise ZeroDivisionError


@router.post("/api/trace")
async def act() -> Response:
    return Response(status_code=204)


@router.get("/api/mine/{name}")
async def tell_whose(principal: CurrentPrincipal, token: str | None = None) -> Response:
    assert token != ""
    return Response(principal.id)


@router.get("/api/refused")
async def refuse(_principal: CurrentPrincipal) -> Response:
    raise BadFieldError("name", "too odd")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a service writes that is configured as services are."""
    output = StringIO()
    monkeypatch.setattr("sys.stdout", output)
    logs.configure("tally", "INFO")
    return output


def lines(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
def app(settings: ServiceSettings) -> ServiceApp[Parts]:
    quiet = settings.model_copy(update={"bus_enabled": False})
    return service_app(basic_parts("tally", quiet), routers=[router])


@pytest.fixture
async def client(app: ServiceApp[Parts]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as found:
        yield found


@pytest.mark.parametrize(
    "given", ["mine-1", "a" * REQUEST_ID_CHARACTERS_MAX, "Root=1-67891233-abcdef012345678912345678"]
)
async def test_a_request_id_is_echoed(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/trace", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given",
    ["", "a" * (REQUEST_ID_CHARACTERS_MAX + 1), "a" * 30_000, "a b", "a\tb", "é", "'\"<x>", "-a"],
)
async def test_what_is_no_request_id_gets_a_fresh_one(
    client: httpx.AsyncClient, given: str
) -> None:
    answer = await client.get("/api/trace", headers={b"X-Request-Id": given.encode("latin-1")})
    assert len(answer.headers["x-request-id"]) == 32
    both = [("X-Request-Id", "mine-1"), ("X-Request-Id", "mine-2")]
    answer = await client.get("/api/trace", headers=both)
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        (PARENT, "01"),
        (PARENT[:-2] + "00", "00"),
        (PARENT[:-2] + "ff", "01"),
        ("01" + PARENT[2:] + "-more", "01"),
    ],
)
async def test_a_trace_goes_on(client: httpx.AsyncClient, given: str, flags: str) -> None:
    said = (await client.get("/api/trace", headers={"traceparent": given})).text
    assert said.startswith(f"00-{TRACE}-")
    assert said.endswith(f"-{flags}")
    assert said[36:52] != given[36:52]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00-" + "g" * 32 + "-" + "h" * 16 + "-01",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        PARENT.upper(),
        "ff" + PARENT[2:],
        PARENT + "-more",
        PARENT[:-1],
        PARENT[:-1] + "é",
        '00-"},{"x":1,"y":"aaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-"}',
    ],
)
async def test_what_is_no_trace_begins_one(client: httpx.AsyncClient, given: str) -> None:
    headers = {b"traceparent": given.encode("latin-1")}
    said = (await client.get("/api/trace", headers=headers)).text
    assert TRACE not in said
    assert set(said) <= set("0123456789abcdef-")
    assert len(said) == 55


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"Host": "a:b:c"}, 400, "Host"),
        ({"Host": "[::1"}, 400, "Host"),
        ({"Host": "a/b"}, 400, "Host"),
        ({"Host": "[::1]:80"}, 200, ""),
        ({"Host": "channelbus.example.com"}, 200, ""),
        ({"Expect": "200-ok"}, 417, "Expect"),
        ({"Expect": "100-Continue"}, 200, ""),
    ],
)
async def test_what_a_head_asks_is_known_or_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, field: str
) -> None:
    answer = await client.get("/api/trace", headers=headers)
    assert answer.status_code == status
    if field:
        assert answer.json()["code"] == "CBC.0100"
        assert answer.json()["detail"].endswith(f" {field}")


async def test_one_host_is_needed_since_http_1_1(client: httpx.AsyncClient) -> None:
    twice = [("Host", "a"), ("Host", "a")]
    assert (await client.get("/api/trace", headers=twice)).status_code == 400
    request = client.build_request("GET", "/api/trace")
    del request.headers["Host"]
    assert (await client.send(request)).status_code == 400


async def test_options_and_405_say_what_a_path_can_do(client: httpx.AsyncClient) -> None:
    told = await client.options("/api/trace")
    refused = await client.put("/api/trace")
    assert (told.status_code, refused.status_code) == (204, 405)
    assert refused.json()["code"] == "APIGW.0101"
    for answer in (told, refused):
        assert set(answer.headers["allow"].split(", ")) == {"GET", "POST", "OPTIONS"}
    assert (await client.options("/api/nothing")).status_code == 404


async def test_a_failure_costs_the_next_request_of_the_connection_nothing(
    app: ServiceApp[Parts], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    connector = aiohttp.TCPConnector(limit=1)
    async with listening(app) as url, aiohttp.ClientSession(connector=connector) as one_connection:
        one_connection._retry_connection = False
        for _ in range(20):
            async with one_connection.post(f"{url}/api/failing") as failed:
                content = await failed.json(content_type=None)
                assert (failed.status, content["code"]) == (500, "CBC.0999")
            async with one_connection.post(f"{url}/api/trace") as innocent:
                assert innocent.status == 204


async def test_each_request_leaves_one_line_that_says_who_what_and_how(
    app: ServiceApp[Parts], written: StringIO
) -> None:
    named = {"X-Request-Id": "mine-1", "traceparent": PARENT}
    async with Door.of(app, SERVED) as door:
        await door.get("/api/mine/secret?token=secret", headers=named)
        await door.get("/api/refused", headers=named)
        await door.send_unsigned("GET", "/api/refused")
        await door.send_unsigned("GET", "/api/unknown")
    done, refused, nobody, unknown = (line for line in lines(written) if line["event"] == "request")
    assert next(iter(done)) == "time"
    known = {"event": "request", "method": "GET", "service": "tally", "address": "127.0.0.1"}
    whom = {"principal": "p1", "operator": "o1", "request_id": "mine-1", "trace_id": TRACE}
    assert done.items() >= {**known, **whom, "route": "/api/mine/{name}", "status": 200}.items()
    assert done["ms"] >= 0
    assert "secret" not in str(done)
    why = {"code": "CBC.0100", "detail": "name: too odd", "status": 400}
    assert refused.items() >= {**known, **whom, **why, "route": "/api/refused"}.items()
    assert nobody.items() >= {"status": 401, "code": "CBC.0154", "route": "/api/refused"}.items()
    assert unknown.items() >= {"status": 404, "route": "unrouted", "path": "/api/unknown"}.items()


@pytest.mark.parametrize(
    ("share", "trace", "is_kept"),
    [
        (0.0, "0" * 31 + "1", False),
        (1.0, "f" * 32, True),
        (0.5, "7" * 32, True),
        (0.5, "8" * 32, False),
    ],
)
async def test_successes_are_sampled_by_their_trace_and_nothing_else_is(
    settings: ServiceSettings, written: StringIO, share: float, trace: str, is_kept: bool
) -> None:
    told = {"bus_enabled": False, "request_log_share": share}
    app = service_app(basic_parts("tally", settings.model_copy(update=told)), routers=[router])
    transport = httpx.ASGITransport(app=app)
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        await client.post("/api/trace", headers=parent)
        await client.get("/api/unknown", headers=parent)
        await client.post("/api/failing", headers=parent)
    seen = [line["status"] for line in lines(written) if line["event"] == "request"]
    assert seen == ([204] if is_kept else []) + [404, 500]
    assert all(next(iter(line)) == "time" for line in lines(written))


async def test_a_request_is_answered_whose_line_cannot_be_written(
    client: httpx.AsyncClient, written: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output's disk is full, or its reader is gone. Break: let `write_request` raise."""
    written.close()
    answer = await client.get("/api/refused")
    assert answer.status_code == 401
    assert "I/O operation on closed file" in capsys.readouterr().err
