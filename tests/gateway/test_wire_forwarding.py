"""What reaches the service is what was sent, and what comes back is what it answered."""

import asyncio
import json

import pytest
from sqlalchemy import select
from starlette.types import Scope, Send

from gateway.identity.models import Password
from testkit.databases import ServiceDatabase
from testkit.embedded.ports import free_port
from tests.gateway.gate import ADMIN, AccessPair, Gate, answer_json, open_gate
from tests.gateway.identity_builders import customer, partner, registered, story

ORDERS = "/v2/orders/customer-orders"
CUSTOMERS = "/v2/partners/sub-customers/query"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
CANCEL = "/v2/orders/customer-orders/cancel"
REGISTER = "/v2/partners/sub-customers"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"


async def test_method_raw_path_query_and_body_arrive_byte_for_byte(gate: Gate) -> None:
    key = await story(gate)
    target = "/v2/orders/customer-orders/details/a%2Fb%20c?x=%e4%B8%AD&y=&z=1+2"
    assert (await gate.call(key, "GET", target)).status == 200
    seen = gate.echo.seen[-1]
    assert (seen["method"], f"{seen['path']}?{seen['query']}") == ("GET", target)
    assert gate.echo.principal(gate.settings).id == "p1"  # signed over exactly that

    body = '{"customer_id": "客户", "amount": 100.10, "n":  1E+2}'.encode()
    assert (await gate.call(key, "POST", TRANSFER, body=body)).status == 200
    assert gate.echo.body() == body
    assert gate.echo.principal(gate.settings).partner_id == "p1"

    large = b'{"a": "%s"}' % (b"x" * 3_000_000)
    assert (await gate.call(key, "POST", CUSTOMERS, body=large)).status == 200
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


# --- passwords stay


async def test_a_new_customers_password_stays_and_signs_it_in_later(gate: Gate) -> None:
    key = await story(gate)
    asked = {"domain_name": "new_one", "password": "Geheim#2026", "xaccount_id": "x", "n": 1.50}
    assert (await gate.call(key, "POST", REGISTER, asked)).status == 200
    forwarded = json.loads(gate.echo.body())
    ref = forwarded.pop("credential_ref")
    assert forwarded == {"domain_name": "new_one", "xaccount_id": "x", "n": 1.5}
    assert b"Geheim" not in gate.echo.body()
    assert gate.echo.principal(gate.settings).id == "p1"  # signed over the body as forwarded

    user = {"name": "n-account", "password": "Geheim#2026", "domain": {"name": "n-account"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    assert (await gate.post("/v3/auth/tokens", body)).status == 401
    await gate.feed(registered("n", credential_ref=ref))
    assert (await gate.post("/v3/auth/tokens", body)).status == 201


async def test_a_body_without_password_is_passed_on_unparsed(gate: Gate) -> None:
    key = await story(gate)
    for body in (b'{"domain_name" : "a", "n":1E+2}', b"no json", b"[1]", b""):
        assert (await gate.call(key, "POST", REGISTER, body=body)).status == 200
        assert gate.echo.body() == body


@pytest.mark.parametrize("key_name", ["password", "pass\\u0077ord"])
async def test_a_password_is_found_however_its_key_is_written(gate: Gate, key_name: str) -> None:
    key = await story(gate)
    body = b'{"%s": "Geheim#2026", "credential_ref": "stolen"}' % key_name.encode()
    assert (await gate.call(key, "POST", REGISTER, body=body)).status == 200
    assert b"Geheim" not in gate.echo.body()
    assert json.loads(gate.echo.body())["credential_ref"] != "stolen"


async def test_a_reference_of_the_callers_own_is_taken_out(gate: Gate) -> None:
    key = await story(gate)
    await gate.call(key, "POST", REGISTER, {"credential_ref": "stolen", "password": None})
    assert json.loads(gate.echo.body()) == {}


@pytest.mark.parametrize(
    "password",
    ["", "short1#", "x" * 33 + "1", "lettersonly", "New_One12", "21enO_weN", "a13800000000b"],
)
async def test_a_password_against_the_rules_is_refused_and_nothing_is_kept(
    gate: Gate, password: str
) -> None:
    key = await story(gate)
    asked = {"domain_name": "New_One12", "mobile_phone": "13800000000", "password": password}
    answer = await gate.call(key, "POST", REGISTER, asked)
    assert (answer.status, answer.code) == (400, "CBC.99000036")
    assert gate.echo.seen == []
    async with gate.app.state.database.transaction() as session:
        assert (await session.scalars(select(Password))).all() == []


async def test_a_password_that_is_no_text_is_a_malformed_field(gate: Gate) -> None:
    key = await story(gate)
    answer = await gate.call(key, "POST", REGISTER, {"password": 12345678})
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert "password" in answer.content["error_msg"]


async def test_a_members_password_stays_though_it_lies_deeper(gate: Gate) -> None:
    await story(gate)
    key = await gate.key("c1")
    account = {"customer_name": "branch", "password": "Geheim#2026", "credential_ref": "stolen"}
    asked = {"party_id": "1", "new_sub_customer": account}
    assert (await gate.call(key, "POST", MEMBERS, asked)).status == 200
    forwarded = json.loads(gate.echo.body())
    ref = forwarded["new_sub_customer"].pop("credential_ref")
    assert ref != "stolen"
    assert forwarded == {"party_id": "1", "new_sub_customer": {"customer_name": "branch"}}
    await gate.feed(registered("branch", credential_ref=ref, enterprise_master_id="c1"))
    user = {
        "name": "branch-account", "password": "Geheim#2026", "domain": {"name": "branch-account"},
    }  # fmt: skip
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    assert (await gate.post("/v3/auth/tokens", body)).status == 201


@pytest.mark.parametrize("password", ["lettersonly", "Branch_12", "21_hcnarB", "a13800000000b"])
async def test_a_members_password_must_not_give_its_name_or_phone_away(
    gate: Gate, password: str
) -> None:
    await story(gate)
    key = await gate.key("c1")
    account = {"customer_name": "Branch_12", "mobile_phone": "13800000000", "password": password}
    answer = await gate.call(key, "POST", MEMBERS, {"new_sub_customer": account})
    assert (answer.status, answer.code) == (400, "CBC.99000036")
    assert gate.echo.seen == []


@pytest.mark.parametrize("content", [b"[1]", b'{"new_sub_customer": 1}', b"{}", b"x", b""])
async def test_what_holds_no_account_is_passed_on_for_its_service_to_refuse(
    gate: Gate, content: bytes
) -> None:
    await story(gate)
    key = await gate.key("c1")
    assert (await gate.call(key, "POST", MEMBERS, body=content)).status == 200
    assert gate.echo.body() == content


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (b'"display_name": "\\ud800"', "display_name"),
        (b'"financial_custody": %d' % 10**400, "financial_custody"),
        (b'"other": {"deep": ["\\udfff"]}', "other"),
        (b'"password": "Geheim#2026\\ud800"', "password"),
        (b'"\\ud800": "\\ud800"', "body"),
    ],
)
async def test_what_beside_a_password_cannot_be_written_again_is_refused_by_its_name(
    gate: Gate, wrong: bytes, field: str
) -> None:
    key = await story(gate)
    body = b'{"password": "Geheim#2026", %s}' % wrong
    answer = await gate.call(key, "POST", REGISTER, body=body)
    assert (answer.status, answer.code) == (400, "CBC.0100")
    assert answer.content["error_msg"].rpartition(". ")[2].startswith(f"{field}:")
    assert gate.echo.seen == []
    async with gate.app.state.database.transaction() as session:
        assert (await session.scalars(select(Password))).all() == []


async def test_a_repeated_idempotency_key_forwards_the_same_bytes(gate: Gate) -> None:
    await gate.feed(partner(), customer())
    headers = {**ADMIN, "Idempotency-Key": "once"}
    asked = {"account_name": "op", "password": "Geheim#2026"}
    for _ in range(2):
        assert (await gate.post("/api/partners/p1/operators", asked, headers)).status == 200
    assert gate.echo.body(0) == gate.echo.body(1)
    other = {"account_name": "op", "password": "Anders#2026"}
    await gate.post("/api/partners/p1/operators", other, headers)
    assert gate.echo.body(2) != gate.echo.body(1)
    async with gate.app.state.database.transaction() as session:
        assert len((await session.scalars(select(Password))).all()) == 2
