"""On our own paths, too, somebody else's object looks like one that does not exist."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chassis.copies import WAIT_SECONDS
from tests.flows.cast import Caller
from tests.wire.scene import Estate, Scene, issue_coupon
from tests.wire.test_foreign_objects import like

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

ATTEMPTS = 3
KINDS = (
    "order", "request", "job", "issue", "campaign", "settlement", "quota", "coupon", "customer",
    "resource", "discount",
)  # fmt: skip
DISK = {
    "service_type_code": "hws.service.type.ebs", "resource_type_code": "hws.resource.type.volume",
    "resource_spec_code": "SSD", "region_code": "cn-north-4", "charging_mode": 1,
    "period_type": 2, "period_num": 1, "quantity": 1, "measure_size": 40,
}  # fmt: skip
RENEWED = {"resource_ids": ["{resource}"], "period_type": 2, "period_num": 1}
# Path → who asks, what is sent; a parameter of the one or the other names the object.
ASKED: dict[str, tuple[str, Any]] = {
    "GET /api/orders/{order}": ("partner", None),
    "GET /api/orders/{order}/history": ("partner customer", None),
    "GET /api/orders/{order}/actions": ("partner customer", None),
    "GET /api/orders/{order}/payment-options": ("partner customer", None),
    "POST /api/orders/{order}/price-adjustment": (
        "partner",
        {"amount_after_discount": "1.00", "reason": "no"},
    ),
    "POST /api/orders of": ("partner", {"customer_id": "{customer}", "lines": [DISK]}),
    "POST /api/orders about": ("partner", {"customer_id": "OURS", "order_type": 2, **RENEWED}),
    "POST /api/orders/quotes about": (
        "partner customer",
        {"customer_id": "OURS", "order_type": 2, **RENEWED},
    ),
    "GET /api/resources/{resource}": ("partner customer", None),
    "GET /api/resources/{resource}/history": ("partner customer", None),
    "POST /api/resources/{resource}/closing": ("partner customer", None),
    "POST /api/resources/refund-quotes": (
        "partner customer",
        {"resource_ids": ["{resource}"], "unsubscribe_type": 1},
    ),
    "POST /api/resources/renewal-quotes": ("partner customer", RENEWED),
    "DELETE /api/discounts/{discount}": ("partner", None),
    "POST /api/orders/{order}/payment-request": ("customer", None),
    "DELETE /api/orders/{order}/payment-request": ("customer", None),
    "POST /api/payment-requests/{request}/pay": ("partner", None),
    "POST /api/payment-requests/{request}/reject": ("partner", {"reason": "no"}),
    "GET /api/order-jobs/{job}": ("partner", None),
    "GET /api/order-jobs/{job}/items": ("partner", None),
    "POST /api/order-jobs/{job}/stop": ("partner", None),
    "GET /api/coupon-issues/{issue}": ("partner", None),
    "GET /api/coupon-issues/{issue}/items": ("partner", None),
    "POST /api/coupon-issues/{issue}/stop": ("partner", None),
    "GET /api/recall-campaigns/{campaign}": ("partner", None),
    "GET /api/recall-campaigns/{campaign}/items": ("partner", None),
    "POST /api/recall-campaigns/{campaign}/start": ("partner", {"preview": "seen"}),
    "POST /api/recall-campaigns/{campaign}/stop": ("partner", None),
    "GET /api/settlements/{settlement}": ("partner", None),
    "GET /api/quotas/{quota}": ("partner", None),
    "GET /api/quotas/{quota}/statement": ("partner", None),
    "GET /api/coupons/{coupon}/history": ("partner customer", None),
    "GET /api/coupons/{coupon}/explanation": ("partner customer", None),
    "POST /api/coupons/{coupon}/activation": ("partner customer", None),
}
CASES = [(name, who) for name, (kinds, _) in ASKED.items() for who in kinds.split()]


def a_job(of: Estate) -> str:
    """A job of the partner that does nothing: there is no such order."""
    wanted = {"kind": "cancel", "items": [{"order_id": "CS0"}]}
    return str(of.partner.post("/api/order-jobs", wanted)["job_id"])


def an_issue(of: Estate) -> str:
    """A job of the partner that does nothing: there is no such customer."""
    items = [{"customer_id": "nobody", "face_value": "1.00"}]
    wanted = {"quota_id": of.quota_id, "items": items}
    return str(of.partner.post("/api/coupon-issues", wanted)["job_id"])


def a_campaign(of: Estate) -> str:
    """A campaign of the partner that is never started."""
    wanted = {"filter": {"quota_id": of.quota_id}}
    return str(of.partner.post("/api/recall-campaigns", wanted)["campaign_id"])


def a_settlement(scene: Scene, of: Estate) -> str:
    """The partner's bill for a month without lines."""
    wanted = {"partner_id": of.partner.domain_id, "bill_cycle": "2021-03"}
    return str(scene.stage.admin("POST", "/api/settlements", wanted)["settlement_id"])


def a_discount(of: Estate) -> str:
    """What the partner grants its customer."""
    wanted = {
        "customer_id": of.customer.id, "discount_type": 3, "discount_mode": 0,
        "discount_value": "0.99", "name": "theirs",
    }  # fmt: skip
    return str(of.partner.post("/api/discounts", wanted)["discount_id"])


@pytest.fixture(scope="module")
def theirs(scene: Scene) -> dict[str, str]:
    """What another partner and its customer have."""
    other = scene.theirs
    return {
        "order": other.new_order(), "request": other.new_request(), "job": a_job(other),
        "issue": an_issue(other), "campaign": a_campaign(other),
        "settlement": a_settlement(scene, other),
        "quota": other.quota_id, "customer": other.customer.id, "resource": other.resource_id,
        "discount": a_discount(other),
        "coupon": issue_coupon(other.partner, other.quota_id, other.customer.id),
    }  # fmt: skip


def caller(of: Estate, who: str) -> Caller:
    return of.partner if who == "partner" else of.customer.caller


def kind_of(name: str) -> str:
    """What the path names, or the body."""
    text = name + json.dumps(ASKED[name][1])
    (kind,) = {one for one in KINDS if f"{{{one}}}" in text}
    return kind


def asked(one: Caller, name: str, kind: str, *ids: str, ours: str = "") -> Iterator[httpx.Response]:
    """Each id at once: a service waits 2 s for what it has not heard of."""
    method, path = name.split()[:2]
    body = json.dumps(ASKED[name][1]).replace("OURS", ours)

    def ask(named: str) -> httpx.Response:
        told = json.loads(body.replace(f"{{{kind}}}", named))
        return one.call(method, path.replace(f"{{{kind}}}", named), told)

    with ThreadPoolExecutor(len(ids)) as side_by_side:
        yield from side_by_side.map(ask, ids)


def told(answer: httpx.Response, named: str) -> tuple[int, Any]:
    said = json.loads(answer.text.replace(named, "ID"))
    return answer.status_code, {name: said[name] for name in said if name != "instance"}


def is_refused(answer: httpx.Response) -> bool:
    """A path's object is not there; a body's is refused, and a quote of an order says why."""
    quoted = answer.status_code == 200 and bool(answer.json().get("refusals"))
    return quoted or answer.status_code in (400, 403, 404)


@pytest.mark.parametrize(("name", "who"), CASES)
def test_a_foreign_object_is_answered_like_one_that_does_not_exist(
    scene: Scene, theirs: dict[str, str], name: str, who: str
) -> None:
    one, kind = caller(scene.ours, who), kind_of(name)
    foreign, nowhere = theirs[kind], like(theirs[kind])
    for attempt in range(ATTEMPTS):
        answers = list(asked(one, name, kind, foreign, nowhere, ours=scene.ours.customer.id))
        assert told(answers[0], foreign) == told(answers[1], nowhere)
        assert is_refused(answers[0]), answers[0].text
        took = [answer.elapsed.total_seconds() for answer in answers]
        if abs(took[0] - took[1]) <= WAIT_SECONDS / 2:
            return
        assert attempt < ATTEMPTS - 1, took


@pytest.mark.parametrize("name", [one for one in ASKED if one.startswith("GET")])
def test_ones_own_object_is_answered(scene: Scene, theirs: dict[str, str], name: str) -> None:
    """Else the comparison above would compare nothing."""
    owner, kind = caller(scene.theirs, "partner"), kind_of(name)
    (answer,) = asked(owner, name, kind, theirs[kind])
    assert answer.status_code == 200, answer.text


def test_no_list_shows_what_is_anothers(scene: Scene, theirs: dict[str, str]) -> None:
    for one in (scene.ours.partner, scene.ours.customer.caller, scene.distributor):
        page = one.get("/api/payment-requests?limit=100")
        assert theirs["request"] not in {shown["request_id"] for shown in page["payment_requests"]}
