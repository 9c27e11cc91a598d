"""A request is believed only as it was signed, and refused with the documented code and body."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.gate import AccessPair, Gate
from tests.gateway.identity_builders import acting_token, partner, story

ORDERS = "/v2/orders/customer-orders?limit=10&order_id=CS%201%25"
TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"
BODY = b'{"customer_id": "c", "amount": 100.10}'
HEADERS = "content-type;host;x-domain-id;x-sdk-date"


@pytest.mark.parametrize(
    ("method", "target", "body", "signature"),
    [
        (
            "GET",
            "/v2/orders/customer-orders?limit=10&offset=0&order_by=-createTime&order_id=CS%201%25",
            b"",
            "56b3f58ae83ef916f97c4e2cc5451a33922d82f047a791545c9cef369530b6fa",
        ),
        (
            "POST",
            TRANSFER,
            BODY,
            "803ccd1b5289658a56d426e2f79b07d12647b06ffea3762f0224defb3c339734",
        ),
    ],
)
async def test_the_published_vectors_pass_the_running_gateway(
    gate: Gate, method: str, target: str, body: bytes, signature: str
) -> None:
    gate.frozen = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)
    await gate.feed(partner("domain123"))
    await gate.key("domain123", access="AKEXAMPLE", secret="SKEXAMPLE")
    headers = {
        "Content-Type": "application/json",
        "Host": "bss.myhuaweicloud.com",
        "X-Domain-Id": "domain123",
        "X-Sdk-Date": "20261123T030000Z",
        "Authorization": f"SDK-HMAC-SHA256 Access=AKEXAMPLE, SignedHeaders={HEADERS},"
        f" Signature={signature}",
    }
    answer = await gate.send(method, target, body=body, headers=headers)
    assert answer.status == 200
    assert gate.echo.body() == body
    assert gate.echo.seen[0]["path"] + "?" + gate.echo.seen[0]["query"] in (target, f"{target}?")

    forged = {
        **headers,
        "Authorization": headers["Authorization"].replace("Signature=", "Signature=0"),
    }
    refused = await gate.send(method, target, body=body, headers=forged)
    assert (refused.status, refused.code) == (401, "APIGW.0301")


async def test_another_secret_or_an_unknown_key_is_refused_and_nothing_is_forwarded(
    gate: Gate,
) -> None:
    key = await story(gate)
    for wrong in (AccessPair(key.access, "x" * 40), AccessPair("A" * 20, key.secret)):
        answer = await gate.call(wrong, "GET", ORDERS)
        assert (answer.status, answer.code) == (401, "APIGW.0301")
        assert answer.content["request_id"] == answer.headers["x-request-id"]
    assert gate.echo.seen == []


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_stale_stamp_is_refused(gate: Gate, minutes: int) -> None:
    key = await story(gate)
    signed = gate.signed(key, "GET", ORDERS)
    gate.ahead = timedelta(minutes=minutes)
    answer = await gate.send("GET", ORDERS, headers=signed)
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    assert "15 minutes" in answer.content["error_msg"]


async def test_a_changed_byte_of_body_path_query_or_header_is_refused(gate: Gate) -> None:
    key = await story(gate)
    signed = gate.signed(key, "POST", TRANSFER, BODY, {"X-Language": "zh_CN"})
    changed = [
        (TRANSFER, BODY.replace(b"100.10", b"100.1"), signed),
        ("/v2/accounts/partner-accounts/reclaim", BODY, signed),
        (TRANSFER + "?a=1", BODY, signed),
        (TRANSFER, BODY, {**signed, "X-Language": "en_US"}),
        (TRANSFER, BODY, {**signed, "Host": "elsewhere"}),
    ]
    for target, body, headers in changed:
        answer = await gate.send("POST", target, body=body, headers=headers)
        assert (answer.status, answer.code) == (401, "APIGW.0301"), target
    assert gate.echo.seen == []
    assert (await gate.send("POST", TRANSFER, body=BODY, headers=signed)).status == 200


@pytest.mark.parametrize(
    "algorithm", ["SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "V11-HMAC-SHA256", "Bearer"]
)
async def test_another_algorithm_is_refused_and_the_spoken_one_named(
    gate: Gate, algorithm: str
) -> None:
    key = await story(gate)
    signed = gate.signed(key, "GET", ORDERS)
    signed["Authorization"] = signed["Authorization"].replace("SDK-HMAC-SHA256", algorithm)
    answer = await gate.send("GET", ORDERS, headers=signed)
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    assert "SDK-HMAC-SHA256" in answer.content["error_msg"]


async def test_a_body_that_claims_another_hash_is_refused(gate: Gate) -> None:
    key = await story(gate)
    for claimed in ("UNSIGNED-PAYLOAD", "0" * 64):
        signed = gate.signed(key, "POST", TRANSFER, BODY, {"X-Sdk-Content-Sha256": claimed})
        answer = await gate.send("POST", TRANSFER, body=BODY, headers=signed)
        assert (answer.status, answer.code) == (401, "APIGW.0301")


async def test_x_project_id_is_believed_as_signed_and_chooses_nothing(gate: Gate) -> None:
    key = await story(gate)
    signed = gate.signed(key, "GET", ORDERS, headers={"X-Project-Id": "of-some-region"})
    assert (await gate.send("GET", ORDERS, headers=signed)).status == 200
    forged = {**signed, "X-Project-Id": "of-another"}
    answer = await gate.send("GET", ORDERS, headers=forged)
    assert (answer.status, answer.code) == (401, "APIGW.0301")


async def test_x_domain_id_must_be_the_keys_owner_and_may_be_missing(gate: Gate) -> None:
    key = await story(gate)
    await gate.feed(partner("p2"))
    other = await gate.key("p2")
    mine = {"X-Domain-Id": "p1"}
    assert (await gate.call(key, "GET", ORDERS, headers=mine)).status == 200
    assert (await gate.call(key, "GET", ORDERS)).status == 200
    answer = await gate.call(other, "GET", ORDERS, headers=mine)
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    assert len(gate.echo.seen) == 2


async def test_a_request_without_any_identity_is_refused(gate: Gate) -> None:
    answer = await gate.send("GET", ORDERS)
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    native = await gate.send("GET", "/api/products")
    assert (native.status, native.code) == (401, "APIGW.0301")
    assert native.headers["content-type"] == "application/problem+json"


async def test_a_token_beside_a_signature_must_be_the_same_principals(gate: Gate) -> None:
    key = await story(gate)
    token = await acting_token(gate, key)
    answer = await gate.call(key, "GET", ORDERS, headers={"X-Auth-Token": token})
    assert (answer.status, answer.code) == (401, "CBC.0154")
    customers = await gate.key("c1")
    answer = await gate.call(customers, "GET", ORDERS, headers={"X-Auth-Token": token})
    assert answer.status == 401  # the customer itself is not the partner that acts for it
    assert gate.echo.seen == []


async def test_an_identity_header_from_outside_says_nothing(gate: Gate) -> None:
    key = await story(gate)
    signed = gate.signed(key, "GET", ORDERS)
    signed["X-Channelbus-Identity"] = "test.e30.00"
    assert (await gate.send("GET", ORDERS, headers=signed)).status == 200
    assert gate.echo.principal(gate.settings).id == "p1"
    answer = await gate.send("GET", "/api/customers", headers={"X-Channelbus-Identity": "x.y.z"})
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    inside = await gate.send("GET", "/internal/parked", headers={"X-Channelbus-Identity": "x.y.z"})
    assert (inside.status, inside.code) == (404, "APIGW.0101")


@pytest.mark.parametrize(
    "target",
    [
        "/v2/orders/customer-orders/",
        "/v2//orders/customer-orders",
        "/V2/orders/customer-orders",
        "/v2/unknown",
        "/",
        "/internal2/x",
    ],
)
async def test_an_unknown_path_is_refused_without_a_redirect(gate: Gate, target: str) -> None:
    key = await story(gate)
    answer = await gate.call(key, "GET", target)
    assert (answer.status, answer.code) == (404, "APIGW.0101")
    assert "location" not in answer.headers


async def test_a_known_path_with_another_method_is_unknown(gate: Gate) -> None:
    key = await story(gate)
    answer = await gate.call(key, "DELETE", "/v2/orders/customer-orders")
    assert (answer.status, answer.code) == (404, "APIGW.0101")
    native = await gate.call(key, "DELETE", "/api/orders/1")
    assert (native.status, native.code) == (405, "APIGW.0101")
