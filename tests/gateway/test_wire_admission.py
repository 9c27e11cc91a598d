"""Who may call what, how often, and what is refused before it reaches a service."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network

import aiohttp
import pytest

from chassis.identity import HEADER, Principal, sign_identity
from gateway.identity.keyring import ADMINISTRATOR
from gateway.received import client_address
from testkit.databases import ServiceDatabase
from tests.gateway.gate import (
    ADMIN,
    START_SECONDS,
    AccessPair,
    Gate,
    listening,
    open_gate,
)
from tests.gateway.identity_builders import (
    acting_key,
    customer,
    operator,
    partner,
    story,
)
from wire.json import BODY_BYTES_MAX, LIST_BODY_BYTES_MAX, SIGN_IN_BYTES_MAX

ORDERS = "/v2/orders/customer-orders"
BALANCES = "/v2/accounts/partner-accounts/balances"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
CUSTOMERS = "/v2/partners/sub-customers/query"
RESELLERS = "/v2/partners/indirect-partners/query"
PAY = "/v3/orders/customer-orders/pay"
COUPONS = "/v2/promotions/benefits/partner-coupons"
UNKNOWN_KEY = "SDK-HMAC-SHA256 Access=NOBODY, SignedHeaders=x-sdk-date, Signature=00"
COSTS = "/v4/costs/cost-analysed-bills/query"


@pytest.mark.parametrize(
    ("kind", "target", "method", "allowed"),
    [
        ("solution_provider", BALANCES, "GET", True),
        ("distributor", BALANCES, "GET", True),
        ("government", COUPONS, "POST", True),
        ("reseller", BALANCES, "GET", False),
        ("distributor", RESELLERS, "POST", True),
        ("solution_provider", RESELLERS, "POST", False),
        ("solution_provider", PAY, "POST", False),
        ("solution_provider", ORDERS, "GET", True),
        ("reseller", "/api/products", "GET", True),
        ("solution_provider", "/api/quotas", "POST", False),
    ],
)
async def test_an_operation_is_for_its_kinds_of_partner(
    gate: Gate, kind: str, target: str, method: str, allowed: bool
) -> None:
    await gate.feed(partner(kind=kind))
    key = await gate.key("p1")
    answer = await gate.call(key, method, target, {} if method == "POST" else None)
    assert answer.status == (200 if allowed else 403)
    assert allowed or answer.code == "CBC.0151"
    assert len(gate.echo.seen) == int(allowed)


async def test_a_customer_may_pay_and_may_not_ask_for_its_partners_things(gate: Gate) -> None:
    await gate.feed(customer())
    key = await gate.key("c1")
    assert (await gate.call(key, "POST", PAY, {})).status == 200
    assert gate.echo.principal(gate.settings) == Principal(
        id="c1", kind="customer", partner_id="p1", site="china", login_name="c1-account"
    )
    for method, target in (("GET", BALANCES), ("POST", CUSTOMERS), ("POST", "/api/orders")):
        answer = await gate.call(key, method, target, {} if method == "POST" else None)
        assert (answer.status, answer.code) == (403, "CBC.0151")


async def test_the_administrator_has_no_wire_operations(gate: Gate) -> None:
    answer = await gate.admin("GET", BALANCES)
    assert (answer.status, answer.code) == (403, "CBC.0151")
    assert (await gate.admin("POST", "/api/quotas", {})).status == 200
    assert gate.echo.principal(gate.settings).is_administrator


async def test_an_operator_needs_one_of_the_operations_items(gate: Gate) -> None:
    await gate.feed(
        partner(),
        operator("op1", permissions=["BPC_ITEM_SUBCUSTSERV_030103"]),
        operator("op2", permissions=["BPC_ITEM_SUBCUSTSERV_010104"]),
    )
    with_item, without = await gate.key("p1", "op1"), await gate.key("p1", "op2")
    assert (await gate.call(with_item, "POST", COUPONS, {})).status == 200
    who = gate.echo.principal(gate.settings)
    assert (who.id, who.operator_id) == ("p1", "op1")
    assert who.permissions == {"BPC_ITEM_SUBCUSTSERV_030103"}
    answer = await gate.call(without, "POST", COUPONS, {})
    assert (answer.status, answer.code) == (403, "CBC.0151")
    assert (await gate.call(without, "GET", BALANCES)).status == 200  # asks for no item


async def test_an_operator_may_not_pay_not_even_by_acting_for_the_customer(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(operator("op1"))
    operators = await gate.key("p1", "op1")
    mine, theirs = await acting_key(gate, key), await acting_key(gate, operators)
    assert (await gate.call(mine, "POST", PAY, {})).status == 200
    answer = await gate.call(theirs, "POST", PAY, {})
    assert (answer.status, answer.code) == (403, "CBC.0151")
    assert (await gate.call(theirs, "GET", ORDERS)).status == 200
    assert gate.echo.principal(gate.settings).operator_id == "op1"


async def test_a_disabled_operator_is_nobody(gate: Gate) -> None:
    await gate.feed(partner(), operator("op1"))
    key = await gate.key("p1", "op1")
    assert (await gate.call(key, "GET", BALANCES)).status == 200
    await gate.feed(operator("op1", status="disabled", version=2))
    answer = await gate.call(key, "GET", BALANCES)
    assert (answer.status, answer.code) == (401, "CBC.0154")


# --- how often


async def test_the_eleventh_request_of_a_second_is_throttled_and_the_next_second_is_free(
    gate: Gate,
) -> None:
    key = await story(gate)
    gate.frozen = gate.now()
    statuses = [(await gate.call(key, "GET", BALANCES)).status for _ in range(10)]
    assert statuses == [200] * 10
    answer = await gate.call(key, "GET", BALANCES)
    assert (answer.status, answer.code) == (429, "APIGW.0308")
    assert answer.content["error_msg"] == (
        "The throttling threshold has been reached: policy user over ratelimit,"
        "limit:10,time:1 second"
    )
    assert (await gate.call(key, "GET", ORDERS)).status == 200  # another operation
    await gate.feed(partner("p2"))
    assert (await gate.call(await gate.key("p2"), "GET", BALANCES)).status == 200
    gate.ahead = timedelta(seconds=1)
    assert (await gate.call(key, "GET", BALANCES)).status == 200


async def test_an_account_may_have_a_limit_of_its_own(gate: Gate) -> None:
    key = await story(gate)
    gate.frozen = gate.now()
    answer = await gate.admin("PUT", "/api/principals/p1/rate-limit", {"requests_per_second": 3})
    assert (answer.status, answer.content) == (200, {"id": "p1", "requests_per_second": 3})
    statuses = [(await gate.call(key, "GET", BALANCES)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    mine = await gate.call(key, "PUT", "/api/principals/p1/rate-limit", {"requests_per_second": 9})
    assert (mine.status, mine.code) == (403, "CBC.0151")
    native = [await gate.call(key, "GET", "/api/products") for _ in range(4)][-1]
    assert (native.status, native.code) == (429, "APIGW.0308")
    assert native.headers["retry-after"] == "1"
    assert native.headers["ratelimit"] == '"caller";r=0;t=1'


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9:51234", "203.0.113.9"),  # a port is another each time
        ("10.0.0.1", "203.0.113.9, 10.0.0.2:80", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, _secret, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.9,", "10.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_clients_address_is_believed_only_behind_trusted_proxies(
    peer: str, forwarded: str, expected: str
) -> None:
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert client_address(scope, (ip_network("10.0.0.0/8"),)) == expected


async def test_the_limit_counts_by_the_address_behind_trusted_proxies(
    gateway_store: ServiceDatabase,
) -> None:
    """Whoever stands elsewhere has a limit of its own; nobody makes addresses up."""
    for proxies, elsewhere in (("127.0.0.0/8", 200), ("", 429), ("10.0.0.0/8", 429)):
        async with open_gate(gateway_store, trusted_proxies=proxies) as gate:
            key = await story(gate)
            gate.frozen = gate.now()

            async def ask(address: str, gate: Gate = gate, key: AccessPair = key) -> int:
                told = {"X-Forwarded-For": address}
                return (await gate.call(key, "GET", BALANCES, headers=told)).status

            assert [await ask("203.0.113.9") for _ in range(10)] == [200] * 10
            assert await ask("203.0.113.9") == 429
            assert await ask("203.0.113.10") == elsewhere
            anonymous = {"X-Forwarded-For": "203.0.113.11"}
            statuses = [
                (await gate.send("POST", "/v3/auth/tokens", body=b"{}", headers=anonymous)).status
                for _ in range(11)
            ]
            assert statuses == [400] * 10 + [429]
            anonymous = {"X-Forwarded-For": "203.0.113.12"}
            other = await gate.send("POST", "/v3/auth/tokens", body=b"{}", headers=anonymous)
            assert other.status == (400 if elsewhere == 200 else 429)


# --- for whom somebody acts


async def test_who_acts_is_told_inside_and_may_only_what_the_customer_may(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(operator("op1", role="administrator"))
    acting = [await acting_key(gate, key), await acting_key(gate, await gate.key("p1", "op1"))]
    for one, operator_id in zip(acting, (None, "op1"), strict=True):
        assert (await gate.call(one, "GET", ORDERS)).status == 200
        who = gate.echo.principal(gate.settings)
        assert (who.id, who.kind, who.partner_id) == ("c1", "customer", "p1")
        assert (who.acting_for_partner, who.operator_id) == ("p1", operator_id)
        for method, target in (("GET", BALANCES), ("POST", "/api/orders"), ("POST", TRANSFER)):
            refused = await gate.call(one, method, target, {} if method == "POST" else None)
            assert (refused.status, refused.code) == (403, "CBC.0151")
    assert (await gate.call(await gate.key("c1"), "GET", ORDERS)).status == 200
    assert gate.echo.principal(gate.settings).acting_for_partner is None


# --- what is not there


async def test_what_no_service_answers_yet_is_said_so(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every operation is answered by now: one of them stands for the next that the SDK brings."""
    monkeypatch.setattr("gateway.forwarding.admit.NOT_YET", frozenset({"list_costs"}))
    await gate.feed(customer())
    answer = await gate.call(await gate.key("c1"), "POST", COSTS, {})
    assert (answer.status, answer.code) == (501, "CHB.0003")


@pytest.mark.parametrize(
    ("target", "bytes_max"),
    [
        (CUSTOMERS, BODY_BYTES_MAX),
        (COUPONS, LIST_BODY_BYTES_MAX),  # for many customers
        ("/api/face-tickets", BODY_BYTES_MAX),
        ("/api/usage-records", LIST_BODY_BYTES_MAX),
        ("/v3.0/OS-CREDENTIAL/credentials", BODY_BYTES_MAX),
        ("/v3/auth/tokens", SIGN_IN_BYTES_MAX),
    ],
)
async def test_a_body_may_be_as_large_as_its_operation_can_need(
    gate: Gate, target: str, bytes_max: int
) -> None:
    key = await story(gate)
    for size, is_too_large in ((bytes_max, False), (bytes_max + 1, True)):
        body = b" " * size
        headers = gate.signed(key, "POST", target, body)
        if target.startswith("/api/"):
            headers = ADMIN
        answer = await gate.send("POST", target, body=body, headers=headers)
        assert (answer.status == 413) is is_too_large
        if is_too_large:
            assert answer.code == "CBC.0100"
    assert len(gate.echo.seen) == (1 if target[:5] in ("/v2/p", "/api/") else 0)


@pytest.mark.parametrize("credential", [{}, {"X-Auth-Token": "x"}, {"Authorization": UNKNOWN_KEY}])
async def test_who_is_not_believed_is_refused_before_a_body_is_read(
    gate: Gate, credential: dict[str, str]
) -> None:
    """The connection is open, and of the body that is announced not one byte was sent."""
    host, port = gate.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    named = "".join(f"{name}: {value}\r\n" for name, value in credential.items())
    head = f"POST {CUSTOMERS} HTTP/1.1\r\nHost: x\r\n{named}Content-Length: 9\r\n\r\n"
    writer.write(head.encode())
    try:
        async with asyncio.timeout(START_SECONDS):
            assert b" 401 " in await reader.readline()
    finally:
        writer.close()


async def test_connected_mode_answers_what_is_mirrored_and_carries_nothing_out(
    gateway_store: ServiceDatabase,
) -> None:
    async with open_gate(gateway_store, upstream_url="http://127.0.0.1:1") as gate:
        key = await story(gate)
        assert (await gate.call(key, "POST", CUSTOMERS, {})).status == 200
        assert (await gate.call(key, "GET", "/api/products")).status == 200
        assert (await gate.admin("POST", "/api/sweeps", {})).status == 200
        assert await acting_key(gate, key)
        seen = len(gate.echo.seen)
        for method, target in (
            ("POST", TRANSFER),
            ("GET", BALANCES),
            ("POST", COUPONS),
            ("POST", "/api/orders"),
            ("PATCH", "/api/customers/c1"),
        ):
            answer = await gate.call(key, method, target, {} if method != "GET" else None)
            assert (answer.status, answer.code) == (501, "CHB.0002"), target
        topped = await gate.admin("POST", "/api/accounts/p1/top-ups", {})
        assert (topped.status, topped.code) == (501, "CHB.0002")
        assert len(gate.echo.seen) == seen


@pytest.mark.parametrize(
    "target",
    [
        "/livez",
        "/readyz",
        "/metrics",
        "/internal/holds",
        "/internal/parked",
        "/%69nternal/parked",
        "/internal/restatements",
    ],
)
async def test_nothing_of_ours_alone_is_public(gate: Gate, target: str) -> None:
    settings = gate.settings
    for method in ("GET", "POST", "OPTIONS"):
        signed = sign_identity(settings.keys, ADMINISTRATOR, method, target, b"")
        answer = await gate.send(method, target, headers={**ADMIN, HEADER: signed})
        assert (answer.status, answer.code) == (404, "APIGW.0101")
    assert gate.echo.seen == []


async def test_health_and_what_is_internal_have_a_listener_of_their_own(gate: Gate) -> None:
    parked = "/internal/parked"
    signed = {HEADER: sign_identity(gate.settings.keys, ADMINISTRATOR, "GET", parked, b"")}
    async with listening(gate.app.ops) as url, aiohttp.ClientSession(url) as ops:
        for path in ("/livez", "/readyz", "/metrics"):
            async with ops.get(path) as told:
                assert told.status == 200
        for headers, status in ((signed, 200), (ADMIN, 401), ({}, 401)):
            async with ops.get(parked, headers=headers) as answer:
                assert answer.status == status
        async with ops.get("/api/customers", headers=ADMIN) as answer:
            assert answer.status == 404
