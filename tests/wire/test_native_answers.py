"""What our own paths promise of an answer: the same again under a key, and 304 to who has it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from chassis import idempotency
from gateway.forwarding.destinations import Service
from tests.flows.cast import NO_CERTIFICATES, eventually
from tests.flows.deeds import ECS_MONTH
from tests.gateway.test_wire_not_yet import OTHERS, built
from tests.wire.scene import Scene, new_customer

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

Ask = Callable[..., httpx.Response]
QUOTA = {
    "quota_type": 0, "quota_value": "10.00", "currency": "CNY",
    "effective_at": "2026-01-01T00:00:00Z", "expire_at": "2029-12-31T00:00:00Z",
}  # fmt: skip


def as_administrator(scene: Scene) -> Ask:
    def ask(method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        token = {"X-Auth-Token": scene.stage.system.admin_token}
        url = scene.stage.gateway + path
        return httpx.request(
            method, url, headers=token | headers, json=content, timeout=30, verify=NO_CERTIFICATES
        )

    return ask


def a_partner() -> dict[str, Any]:
    name = f"partner_{uuid4().hex[:12]}"
    return {"account_name": name, "name": name, "kind": "solution_provider", "site": "china"}


def commands(scene: Scene) -> dict[str, tuple[Ask, str, str, Any, set[str]]]:
    """One of each service: who asks, for what, and which headers the answer has."""
    ours, root = scene.ours, as_administrator(scene)
    placed = {"customer_id": ours.customer.id, "lines": [ECS_MONTH]}
    named = {"customer_name": "李雷", "customer_type": 0}
    quota = QUOTA | {"partner_id": ours.partner.domain_id}
    money = f"/api/accounts/{ours.partner.domain_id}"
    fresh = new_customer(scene.stage, ours.partner).id
    return {
        "order": (ours.partner.call, "POST", "/api/orders", placed, {"location", "etag"}),
        "partner": (root, "POST", "/api/partners", a_partner(), {"location", "etag"}),
        "customer-sync": (
            root, "POST", f"/api/customers/{fresh}/verification", named, {"etag"},
        ),
        "voucher": (root, "POST", "/api/quotas", quota, set()),
        "billing": (root, "POST", f"{money}/top-ups", {"amount": "1.00"}, set()),
        "billing's line": (root, "PUT", f"{money}/credit-line", {"amount": "1.00"}, set()),
    }  # fmt: skip


@pytest.mark.parametrize(
    "which", ["order", "partner", "customer-sync", "voucher", "billing", "billing's line"]
)
def test_the_answer_under_a_key_is_the_same_again_with_its_headers(
    scene: Scene, which: str
) -> None:
    ask, method, path, content, named = commands(scene)[which]
    key = {"Idempotency-Key": uuid4().hex}
    first, again = ask(method, path, content, **key), ask(method, path, content, **key)
    assert first.is_success, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("location", "etag", "content-type"):
        assert again.headers.get(name) == first.headers.get(name)
    assert {name for name in ("location", "etag") if name in first.headers} == named
    if "location" in named:
        assert ask("GET", first.headers["location"]).headers["etag"] == first.headers["etag"]


def singles(scene: Scene, which: str) -> tuple[Ask, str]:
    ours, root = scene.ours, as_administrator(scene)
    return {
        "order": (ours.partner.call, f"/api/orders/{ours.paid_order_id}"),
        "partner": (root, f"/api/partners/{ours.partner.domain_id}"),
        "customer": (ours.partner.call, f"/api/customers/{ours.master.id}"),
    }[which]


@pytest.mark.parametrize("which", ["order", "partner", "customer"])
def test_who_has_a_thing_already_is_told_so(scene: Scene, which: str) -> None:
    ask, path = singles(scene, which)
    first = eventually(lambda: ask("GET", path), lambda answer: answer.status_code == 200)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    known = [tag, f"W/{tag}", "*", f'"x", {tag}', f'W/"1",{tag} , "y"']
    for header in known:
        for method in ("GET", "HEAD"):
            answer = ask(method, path, **{"If-None-Match": header})
            assert (answer.status_code, answer.content) == (304, b""), header
            assert answer.headers["etag"] == tag
            assert answer.headers["x-request-id"]
    for header in ('"x"', tag.strip('"'), '"x", "y"'):
        answer = ask("GET", path, **{"If-None-Match": header})
        assert (answer.status_code, answer.headers["etag"]) == (200, tag), header
    assert ask("HEAD", path).headers["etag"] == tag


def test_a_changed_customer_has_another_tag_and_a_change_may_name_the_old_one(
    scene: Scene,
) -> None:
    ask = scene.ours.partner.call
    path = f"/api/customers/{new_customer(scene.stage, scene.ours.partner).id}"
    shown = eventually(lambda: ask("GET", path), lambda answer: answer.status_code == 200)
    tag = {"If-Match": shown.headers["etag"]}
    changed = eventually(
        # Until the read model knows of the association, its tag is the one before.
        lambda: ask("PATCH", path, {"label": "gold"},
                    **{"If-Match": ask("GET", path).headers["etag"]}),
        lambda answer: answer.status_code == 200,
    )  # fmt: skip
    assert changed.headers["etag"] != tag["If-Match"]
    refused = ask("PATCH", path, {"label": "silver"}, **tag)
    assert (refused.status_code, refused.json()["code"]) == (412, "CHB.0412")
    told = {"If-None-Match": tag["If-Match"]}
    seen = eventually(
        lambda: ask("GET", path, **told),
        lambda answer: answer.status_code == 200 and answer.json()["profile"]["label"] == "gold",
    )
    assert seen.headers["etag"].startswith(changed.headers["etag"].rstrip('"'))


def test_nothing_of_the_vendors_is_answered_304(scene: Scene) -> None:
    path = f"/v2/orders/customer-orders/details/{scene.ours.paid_order_id}"
    answer = scene.ours.customer.caller.call("GET", path, **{"If-None-Match": "*"})
    assert answer.status_code == 200


@pytest.mark.parametrize("service", OTHERS)
def test_every_command_on_our_own_paths_takes_a_key(service: Service) -> None:
    """And so does each PUT and DELETE of the vendor's, which the SDK repeats."""
    without = {
        f"{method} {route.path}"
        for route in built(service).routes
        if isinstance(route, APIRoute) and not route.path.startswith("/internal/")
        for method in route.methods or ()
        if method in ("PUT", "DELETE") or (method == "POST" and route.path.startswith("/api/"))
        if not _takes_a_key(route.dependant)
    }
    assert without == set()


def _takes_a_key(dependant: Dependant) -> bool:
    return any(
        inner.call is idempotency._idempotency or _takes_a_key(inner)
        for inner in dependant.dependencies
    )
