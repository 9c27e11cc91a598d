"""The internal header proves one request of one principal, and nothing else."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import asdict

import httpx
import pytest
from fastapi import APIRouter, Response

from chassis import identity
from chassis.app import basic_parts, service_app
from chassis.identity import (
    CLOCK_LEEWAY_SECONDS,
    HEADER,
    LIFETIME_SECONDS,
    CurrentPrincipal,
    IdentityRefusedError,
    Principal,
    read_identity,
    sign_identity,
)
from chassis.metrics import CLOCK_SKEW
from chassis.routes import Route
from chassis.settings import ServiceSettings

PARTNER = Principal("p1", "distributor", "p1", permissions=frozenset({"item"}), caller="order")
KEYS = {"k2": b"new" * 11, "k1": b"old" * 11}
REQUEST = ("POST", "/api/orders?x=1", b'{"a": 1}')
router = APIRouter(route_class=Route)


@router.post("/api/orders")
@router.post("/v2/orders")
async def tell(principal: CurrentPrincipal) -> Response:
    return Response(principal.id)


def signed(keys: dict[str, bytes] = KEYS) -> str:
    return sign_identity(keys, PARTNER, *REQUEST)


def test_a_signed_request_is_the_principals() -> None:
    assert read_identity(KEYS, signed(), *REQUEST) == PARTNER


def test_keys_rotate() -> None:
    old, new = {"k1": KEYS["k1"]}, {"k3": b"newest" * 6, **KEYS}
    assert read_identity(new, signed(old), *REQUEST) == PARTNER  # the reader has the new key first
    with pytest.raises(IdentityRefusedError):
        read_identity(old, signed(), *REQUEST)  # the signer has it first
    with pytest.raises(IdentityRefusedError):
        read_identity({"k2": b"another" * 5}, signed(), *REQUEST)  # one name, two secrets


@pytest.mark.parametrize(
    "other",
    [
        ("PUT", REQUEST[1], REQUEST[2]),
        ("post", REQUEST[1], REQUEST[2]),
        ("POST", "/api/orders", REQUEST[2]),
        ("POST", "/api/orders?x=2", REQUEST[2]),
        ("POST", "/api/%6Frders?x=1", REQUEST[2]),
        ("POST", REQUEST[1], b'{"a": 2}'),
        ("POST", REQUEST[1], b""),
        ("POST", REQUEST[1] + "\n", REQUEST[2]),
    ],
)
def test_it_is_good_for_no_other_request(other: tuple[str, str, bytes]) -> None:
    with pytest.raises(IdentityRefusedError):
        read_identity(KEYS, signed(), *other)


def test_nobody_makes_himself_another() -> None:
    key_id, claims, mac = signed().split(".")
    told = json.loads(urlsafe_b64decode(claims))
    for change in ({"id": "p2"}, {"kind": "administrator"}, {"expires": told["expires"] + 1}):
        forged = urlsafe_b64encode(json.dumps({**told, **change}).encode()).decode()
        with pytest.raises(IdentityRefusedError):
            read_identity(KEYS, f"{key_id}.{forged}.{mac}", *REQUEST)


@pytest.mark.parametrize(
    "header", ["", ".", "..", "k2", "k2..", "k2.e30=.00", "k9.e30=.00", "é.é.é", "k2.e30=.é", "\0"]
)
def test_what_is_no_identity_is_refused(header: str) -> None:
    with pytest.raises(IdentityRefusedError):
        read_identity(KEYS, header, *REQUEST)


@pytest.mark.parametrize(
    ("ahead", "is_believed"),
    [
        (0, True),
        (-CLOCK_LEEWAY_SECONDS + 1, True),
        (-CLOCK_LEEWAY_SECONDS - 1, False),
        (LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS, True),
        (LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS + 1, False),
    ],
)
def test_clocks_may_differ_by_two_minutes_and_their_difference_is_told(
    monkeypatch: pytest.MonkeyPatch, ahead: int, is_believed: bool
) -> None:
    now = 1_800_000_000
    monkeypatch.setattr(identity, "time", lambda: now)
    header = signed()
    monkeypatch.setattr(identity, "time", lambda: now + ahead)
    if is_believed:
        assert read_identity(KEYS, header, *REQUEST) == PARTNER
    else:
        with pytest.raises(IdentityRefusedError):
            read_identity(KEYS, header, *REQUEST)
    assert CLOCK_SKEW.labels("order")._value.get() == ahead


def test_a_newer_gateway_may_say_more(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**asdict(PARTNER), "mood": "new"}
    monkeypatch.setattr("chassis.identity.asdict", lambda _: dict(told))
    assert read_identity(KEYS, signed(), *REQUEST) == PARTNER


@pytest.fixture
async def client(settings: ServiceSettings) -> AsyncIterator[httpx.AsyncClient]:
    app = service_app(basic_parts("tally", settings), routers=[router])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as found:
        yield found


@pytest.mark.parametrize("path", ["/api/orders", "/v2/orders"])
@pytest.mark.parametrize("header", ["k2.e30=.00", "é.é.é", "k1." + "a" * 5000])
async def test_an_identity_that_fails_is_our_fault_and_none_is_the_callers(
    client: httpx.AsyncClient, path: str, header: str
) -> None:
    answer = await client.post(path, headers={HEADER.encode(): header.encode("latin-1")})
    code = "code" if path.startswith("/api/") else "error_code"
    assert (answer.status_code, answer.json()[code]) == (500, "CBC.0999")
    answer = await client.post(path)
    assert (answer.status_code, answer.json()[code]) == (401, "CBC.0154")
