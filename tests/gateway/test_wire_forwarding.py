"""What reaches the service is what was sent, and what comes back is what it answered."""

import asyncio

import pytest
from starlette.types import Scope, Send

from testkit.databases import ServiceDatabase
from testkit.embedded.ports import free_port
from tests.gateway.gate import AccessPair, Gate, answer_json, open_gate
from tests.gateway.identity_builders import story

ORDERS = "/v2/orders/customer-orders"
CUSTOMERS = "/v2/partners/sub-customers/query"
COUPONS = "/v2/promotions/benefits/partner-coupons"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
CANCEL = "/v2/orders/customer-orders/cancel"
REGISTER = "/v2/partners/sub-customers"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"


async def test_method_raw_path_query_and_body_arrive_byte_for_byte(gate: Gate) -> None:
    key = await story(gate)
    target = "/v2/orders/customer-orders/details/a%20%20c?x=%e4%B8%AD&y=&z=1+2"
    assert (await gate.call(key, "GET", target)).status == 200
    seen = gate.echo.seen[-1]
    assert (seen["method"], f"{seen['path']}?{seen['query']}") == ("GET", target)
    assert gate.echo.principal(gate.settings).id == "p1"  # signed over exactly that

    body = '{"customer_id": "客户", "amount": 100.10, "n":  1E+2}'.encode()
    assert (await gate.call(key, "POST", TRANSFER, body=body)).status == 200
    assert gate.echo.body() == body
    assert gate.echo.principal(gate.settings).partner_id == "p1"

    large = b'{"a": "%s"}' % (b"x" * 1_000_000)
    assert (await gate.call(key, "POST", COUPONS, body=large)).status == 200
    assert gate.echo.body() == large


async def test_ids_trace_and_language_arrive_and_credentials_do_not(gate: Gate) -> None:
    key = await story(gate)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = {
        "X-Request-Id": "mine-1",
        "traceparent": trace,
        "X-Language": "zh_CN",
        "Idempotency-Key": "k1",
        "If-Match": '"3"',
        "Cookie": "a=b",
    }
    answer = await gate.call(key, "GET", ORDERS, headers=sent)
    arrived = gate.echo.seen[-1]["headers"]
    assert answer.headers["x-request-id"] == arrived["x-request-id"] == "mine-1"
    assert arrived["traceparent"][3:35] == trace[3:35]
    assert (arrived["x-language"], arrived["idempotency-key"]) == ("zh_CN", "k1")
    assert arrived["if-match"] == '"3"'
    assert not {"authorization", "x-sdk-date", "cookie", "x-auth-token"} & set(arrived)


async def test_status_body_and_content_type_come_back_as_they_are(gate: Gate) -> None:
    key = await story(gate)
    refusal = {"error_code": "CBC.99000050", "error_msg": "late", "domain_id": "d"}

    async def refuse(_scope: Scope, send: Send) -> None:
        await answer_json(send, 500, refusal, {"x-secret": "inner", "etag": '"7"'})

    gate.echo.answer = refuse
    answer = await gate.call(key, "POST", REGISTER, {})
    assert (answer.status, answer.content) == (500, refusal)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"7"'
    assert "x-secret" not in answer.headers
    assert answer.headers["x-request-id"]


async def test_an_empty_204_and_a_long_stream_come_back_whole(gate: Gate) -> None:
    key = await story(gate)

    async def nothing(_scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def stream(_scope: Scope, send: Send) -> None:
        kind = (b"content-type", b"application/json")
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        for number in range(50):
            piece = (b"{" if number == 0 else b" ") * 20_000
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gate.echo.answer = nothing
    answer = await gate.call(key, "GET", ORDERS)
    assert (answer.status, answer.raw) == (204, b"")
    gate.echo.answer = stream
    answer = await gate.call(key, "GET", ORDERS)
    assert (answer.status, len(answer.raw)) == (200, 1_000_000)


@pytest.mark.parametrize("status", [301, 302, 304, 307])
async def test_a_redirect_never_leaves_the_gateway(gate: Gate, status: int) -> None:
    key = await story(gate)

    async def redirect(_scope: Scope, send: Send) -> None:
        location = (b"location", b"/elsewhere")
        await send({"type": "http.response.start", "status": status, "headers": [location]})
        await send({"type": "http.response.body", "body": b""})

    gate.echo.answer = redirect
    answer = await gate.call(key, "POST", CUSTOMERS, {})
    assert (answer.status, answer.code) == (500, "CBC.0999")
    assert len(gate.echo.seen) == 1


async def test_an_array_never_leaves_the_gateway(gate: Gate) -> None:
    key = await story(gate)

    async def array(_scope: Scope, send: Send) -> None:
        await answer_json(send, 200, [{"a": 1}])

    gate.echo.answer = array
    answer = await gate.call(key, "POST", CUSTOMERS, {})
    assert (answer.status, answer.code) == (500, "CBC.0999")


async def test_head_is_answered_like_get_without_a_body(gate: Gate) -> None:
    key = await story(gate)
    answer = await gate.call(key, "HEAD", "/api/products")
    assert (answer.status, answer.raw) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert gate.echo.seen[-1]["method"] == "GET"
    own = await gate.call(key, "HEAD", "/api/customers")
    assert (own.status, own.raw) == (200, b"")
    assert int(own.headers["content-length"]) > 0


async def test_native_answers_say_how_many_requests_are_left(gate: Gate) -> None:
    key = await story(gate)
    gate.frozen = gate.now()
    for left in (9, 8):
        answer = await gate.call(key, "GET", "/api/customers")
        assert answer.headers["ratelimit"] == f'"caller";r={left};t=1'
        assert answer.headers["ratelimit-policy"] == '"caller";q=10;w=1'
        forwarded = await gate.call(key, "GET", "/api/products")
        assert forwarded.headers["ratelimit"] == f'"caller";r={left};t=1'
    assert "ratelimit" not in (await gate.call(key, "GET", ORDERS)).headers


async def test_a_service_that_is_away_is_said_in_the_vendors_shape(
    gateway_store: ServiceDatabase,
) -> None:
    async with open_gate(gateway_store, order_url="http://127.0.0.1:1") as gate:
        key = await story(gate)
        answer = await gate.call(key, "GET", ORDERS)
        assert (answer.status, answer.code) == (500, "CBC.0999")
        native = await gate.call(key, "POST", "/api/orders", {})
        assert (native.status, native.code) == (503, "CHB.0503")


async def test_a_database_that_is_away_is_said_as_a_service_would_be(
    gateway_store: ServiceDatabase,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    nowhere = f"postgresql://a:b@127.0.0.1:{free_port()}"
    async with open_gate(gateway_store, database_url=nowhere) as gate:
        key = AccessPair("AKWITHOUTDATABASE", "a secret")
        answer = await gate.call(key, "GET", ORDERS)
        assert (answer.status, answer.code) == (500, "CBC.0999")
        native = await gate.call(key, "GET", "/api/customers")
        assert (native.status, native.code) == (503, "CHB.0503")
    written = capsys.readouterr().out + caplog.text  # wherever logs go in this session
    assert "database away" in written
    assert "Traceback" not in written


async def test_a_service_that_does_not_answer_is_given_up(gateway_store: ServiceDatabase) -> None:
    async with open_gate(gateway_store, forward_timeout_seconds=1.0) as gate:
        key = await story(gate)

        async def sleep(_scope: Scope, send: Send) -> None:
            await asyncio.sleep(2)
            await answer_json(send, 200, {})

        gate.echo.answer = sleep
        for method, target in (("GET", ORDERS), ("POST", TRANSFER)):
            answer = await gate.call(key, method, target, {} if method == "POST" else None)
            assert (answer.status, answer.code) == (500, "CBC.0999")
        assert len(gate.echo.seen) == 2  # a time-out is not tried again


async def test_a_file_is_read_for_as_long_as_some_of_it_comes(
    gateway_store: ServiceDatabase,
) -> None:
    async with open_gate(gateway_store, forward_timeout_seconds=1.0) as gate:

        async def trickle(_scope: Scope, send: Send) -> None:
            head = [(b"content-length", b"3"), (b"content-type", b"application/gzip")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            for piece in (b"a", b"b", b"c"):
                await asyncio.sleep(0.5)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        gate.echo.answer = trickle
        answer = await gate.call(await story(gate), "GET", "/api/exports/e1/parts/1")
        assert (answer.status, answer.raw) == (200, b"abc")


async def test_a_service_that_speaks_no_http_is_said_in_the_vendors_shape(
    gateway_store: ServiceDatabase,
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_gate(gateway_store, order_url=url) as gate:
            answer = await gate.call(await story(gate), "GET", ORDERS)
            assert (answer.status, answer.code) == (500, "CBC.0999")


async def test_a_dropped_connection_is_tried_again_for_reads_and_never_for_commands(
    gateway_store: ServiceDatabase,
) -> None:
    dropped: list[bytes] = []

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        dropped.append(head.split(b"\r\n")[0])
        writer.close()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_gate(gateway_store, order_url=url) as gate:
            key = await story(gate)
            customers = await gate.key("c1")
            assert (await gate.call(key, "GET", ORDERS)).code == "CBC.0999"
            assert len(dropped) == 2
            dropped.clear()
            answer = await gate.call(customers, "PUT", CANCEL, {"order_id": "1"})
            assert (answer.status, answer.code) == (500, "CBC.0999")
            assert len(dropped) == 1


@pytest.mark.parametrize(
    ("target", "expected"), [(ORDERS, (500, "CBC.0999")), ("/api/orders/1", (503, "CHB.0503"))]
)
async def test_a_service_that_ends_while_it_answers_did_not_answer(
    gateway_store: ServiceDatabase,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    target: str,
    expected: tuple[int, str],
) -> None:
    """Break: let what the first look into the body raises out as it is."""

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 100\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_gate(gateway_store, order_url=url) as gate:
            answer = await gate.call(await story(gate), "GET", target)
            assert (answer.status, answer.code) == expected
    assert "Traceback" not in capsys.readouterr().out + caplog.text
