"""Methods, ids and headers: what is answered, echoed and passed on of them."""

import asyncio

import pytest
from starlette.types import Scope, Send

from tests.gateway.gate import ADMIN, Gate, answer_json
from tests.gateway.identity_builders import story

ORDERS = "/v2/orders/customer-orders"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
TRANSFER_BODY = {"customer_id": "c1", "amount": "1.00"}


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        (TRANSFER, {"POST"}),
        (f"{ORDERS}/details/o1", {"GET", "HEAD"}),
        ("/api/orders/o1", {"GET", "HEAD"}),
        ("/api/customers", {"GET", "HEAD", "POST"}),  # two services share it
        ("/api/events", {"GET", "HEAD"}),
        ("/api/orders/batch", {"GET", "HEAD", "POST"}),
        ("/v3/auth/tokens", {"GET", "HEAD", "POST", "DELETE"}),
    ],
)
async def test_options_tells_what_a_path_can_do(gate: Gate, target: str, allowed: set[str]) -> None:
    answer = await gate.send("OPTIONS", target)
    assert (answer.status, answer.raw) == (204, b"")
    assert set(answer.headers["allow"].split(", ")) == {*allowed, "OPTIONS"}


async def test_options_of_the_server_as_a_whole(gate: Gate) -> None:
    host, port = gate.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = (await asyncio.wait_for(reader.read(), 30)).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 204 ")
    assert "allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" in answer


async def test_head_of_the_vendors_reads_is_answered_as_options_says(gate: Gate) -> None:
    key = await story(gate)
    got = await gate.call(key, "GET", f"{ORDERS}?limit=1")
    head = await gate.call(key, "HEAD", f"{ORDERS}?limit=1")
    assert (head.status, head.raw) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert [one["method"] for one in gate.echo.seen] == ["GET", "GET"]
    unknown = await gate.call(key, "HEAD", TRANSFER)  # a command has no head
    assert unknown.status == 404
    assert len(gate.echo.seen) == 2


@pytest.mark.parametrize("target", ["/api/nothing", "/nothing", "/v2/nothing"])
async def test_options_of_what_is_not_there(gate: Gate, target: str) -> None:
    answer = await gate.send("OPTIONS", target)
    assert (answer.status, answer.code) == (404, "APIGW.0101")


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("PUT", "/api/orders", {"POST"}),
        ("GET", "/api/orders", {"POST"}),
        ("DELETE", "/api/customers", {"GET", "HEAD", "POST"}),
        ("PUT", "/api/customers/c1", {"GET", "HEAD", "PATCH"}),
        ("TRACE", "/api/products", {"GET", "HEAD"}),
    ],
)
async def test_another_method_of_our_paths_is_405(
    gate: Gate, method: str, target: str, allowed: set[str]
) -> None:
    answer = await gate.send(method, target, headers=ADMIN)
    assert (answer.status, answer.code) == (405, "APIGW.0101")
    assert set(answer.headers["allow"].split(", ")) == {*allowed, "OPTIONS"}
    assert gate.echo.seen == []


async def test_the_vendor_has_one_answer_for_paths_and_methods(gate: Gate) -> None:
    key = await story(gate)
    answer = await gate.call(key, "GET", TRANSFER)
    assert (answer.status, answer.code) == (404, "APIGW.0101")


async def test_a_command_is_answered_whatever_its_request_id_is(gate: Gate) -> None:
    key = await story(gate)
    for given in ("x" * 8_200, "x" * 30_000, "a\tb", "<script>"):
        headers = {"X-Request-Id": given}
        answer = await gate.call(key, "POST", TRANSFER, TRANSFER_BODY, headers)
        assert answer.status == 200
        told = answer.headers["x-request-id"]
        assert (len(told), gate.echo.seen[-1]["headers"]["x-request-id"]) == (32, told)


async def test_a_commands_answer_is_not_lost_to_a_header_of_its_service(gate: Gate) -> None:
    key = await story(gate)

    async def long_winded(_scope: Scope, send: Send) -> None:
        await answer_json(send, 200, {}, {"location": "/x" * 10_000, "link": "<\xe9>"})

    gate.echo.answer = long_winded
    answer = await gate.call(key, "POST", TRANSFER, TRANSFER_BODY)
    assert (answer.status, answer.content) == (200, {})
    assert answer.headers["location"] == "/x" * 10_000


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match", "X-Language", "Accept"])
@pytest.mark.parametrize("value", ["a" * 1_001, "caf\xe9", "a\tb"])
async def test_what_is_passed_on_is_printable_and_short(gate: Gate, name: str, value: str) -> None:
    await story(gate)
    headers = {**ADMIN, name: value}
    answer = await gate.send("POST", "/api/quotas", body=b"{}", headers=headers)
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert name.lower() in answer.content["detail"]
    assert gate.echo.seen == []
