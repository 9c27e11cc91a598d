"""One reading of a JSON body at every door: whatever is no plain JSON is refused, and by its field.

The vendor's operations: `test_malformed_requests.py`.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.forwarding.destinations import destination_of
from tests.flows.cast import Caller
from tests.wire.hostile import NO_JSON
from tests.wire.scene import COUPONS, TRANSFERS, Scene
from tests.wire.test_published import openapi
from wire.callers import ADMINISTRATOR, PARTNER_KINDS
from wire.signature import sign_headers

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

__all__ = ["openapi"]

EXACT = b"100.100000000000000000000000000001"  # a float makes 100.1 of it
KEYS = b"{" + b",".join(b'"k%06d":1' % number for number in range(900_000)) + b"}"
SIGN_IN = "/v3/auth/tokens"
AT_ONCE_SECONDS = 1.0  # on a machine that does other things; reading it would take five
ATTEMPTS = 3  # a machine that stands still for a second does not do so each time


@pytest.fixture(scope="module")
def http(scene: Scene) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=scene.stage.gateway, timeout=30) as client:
        yield client


def send(
    scene: Scene, http: httpx.Client, caller: Caller | None, method: str, path: str, body: bytes
) -> httpx.Response:
    """As the caller; as the administrator when there is none."""
    headers = {"Content-Type": "application/json"}
    if caller is None:
        headers["X-Auth-Token"] = scene.stage.system.admin_token
    else:
        url, now = caller.gateway + path, datetime.now(UTC)
        headers = sign_headers(method, url, headers, body, caller.access, caller.secret, now)
    return http.request(method, path, content=body, headers=headers)


def caller_for(scene: Scene, method: str, path: str) -> Caller | None:
    found = destination_of(method, path)
    assert found is not None, path
    if found.kinds >= ADMINISTRATOR:
        return None
    return scene.ours.partner if found.kinds >= PARTNER_KINDS else scene.ours.customer.caller


def taking_a_body(openapi: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of each operation that is not the vendor's and takes JSON."""
    return [
        (method.upper(), "/".join("x" if part[:1] == "{" else part for part in path.split("/")))
        for path, methods in openapi["paths"].items()
        for method, said in methods.items()
        if path.startswith(("/api/", "/v3.0/", "/v3/auth/")) and "requestBody" in said
    ]


def test_no_door_takes_what_is_no_json(
    scene: Scene, http: httpx.Client, openapi: dict[str, Any]
) -> None:
    doors = taking_a_body(openapi)
    assert len(doors) >= 20
    found = {}
    for method, path in doors:
        caller = caller_for(scene, method, path)
        for body in NO_JSON:
            answer = send(scene, http, caller, method, path, body)
            said = answer.json()
            code = said.get("code") or said["error_code"]
            words = said.get("detail") or said["error_msg"]
            if (answer.status_code, code) != (400, "CBC.0100") or "body" not in words:
                found[method, path, body[:24]] = f"{answer.status_code} {words}"
    assert found == {}


def test_no_door_books_an_amount_as_another(scene: Scene, http: httpx.Client) -> None:
    ours = scene.ours
    doors: list[tuple[Caller | None, str, str, bytes, str]] = [
        (None, "POST", f"/api/accounts/{ours.customer.id}/top-ups", b"{", "amount"),
        (None, "PUT", f"/api/accounts/{ours.partner.domain_id}/credit-line", b"{", "amount"),
        (ours.partner, "POST", TRANSFERS, b'{"customer_id":"%s",', "amount"),
        (ours.partner, "POST", COUPONS, b'{"customer_ids":["%s"],"quota_id":"q",', "face_value"),
        (
            None, "POST", "/api/quotas",
            b'{"partner_id":"x","quota_type":0,"currency":"CNY",'
            b'"effective_at":"2026-01-01T00:00:00Z","expire_at":"2029-12-31T00:00:00Z",',
            "quota_value",
        ),
    ]  # fmt: skip
    for caller, method, path, begin, field in doors:
        known = begin.replace(b"%s", ours.customer.id.encode())
        body = known + b'"%s":%s}' % (field.encode(), EXACT)
        answer = send(scene, http, caller, method, path, body)
        assert answer.status_code == 400, (path, answer.text)
        assert field in answer.text, (path, answer.text)


def test_a_body_of_very_many_names_holds_nobody(
    scene: Scene, http: httpx.Client, openapi: dict[str, Any]
) -> None:
    for method, path in taking_a_body(openapi):
        caller = None if path == SIGN_IN else caller_for(scene, method, path)
        took: list[float] = []
        while not took or (min(took) >= AT_ONCE_SECONDS and len(took) < ATTEMPTS):
            started = time.monotonic()
            answer = send(scene, http, caller, method, path, KEYS)
            took.append(time.monotonic() - started)
            assert answer.status_code == 413, (path, answer.text)
        assert min(took) < AT_ONCE_SECONDS, path
