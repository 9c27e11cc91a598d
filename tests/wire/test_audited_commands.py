"""Every command that is carried out leaves its line in its service's audit log."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from gateway.not_yet import NOT_YET
from tests.flows.cast import NO_CERTIFICATES, Stage
from tests.flows.deeds import ECS_MONTH
from tests.wire.answered import DEEDS, caller_of
from tests.wire.requests import body_of, target_of
from tests.wire.scene import Estate, Scene, adjustment, new_customer
from tests.wire.table import ALL, auth_class
from tests.wire.test_documented_examples import DISK
from wire.native_routes import native_routes
from wire.times import format_instant

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

COMMANDS = sorted(n for n, one in ALL.items() if one.command and n in DEEDS and n not in NOT_YET)
# A code that is sent changes nothing that is anybody's.
NOTHING_TO_AUDIT = {"send_sms_verification_code", "send_verification_message_code"}
# What is done for a customer already, by another file's test, is done no second time.
ONCE = {"change_enterprise_realname_authentication", "create_enterprise_project_auth"}
Ask = Callable[[Estate], tuple[str, Any]]


async def _audited(url: str, request_id: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(
            "SELECT action, principal FROM audit_log WHERE request_id = $1", request_id
        )
    finally:
        await connection.close()
    return [(row["action"], row["principal"]) for row in rows]


def audited(stage: Stage, service: str, answer: httpx.Response) -> list[tuple[str, str]]:
    """What was done by the request, and by whom."""
    assert answer.is_success, answer.text
    database = stage.system.databases[service]
    return asyncio.run(_audited(database.url, answer.headers["x-request-id"]))


@pytest.mark.parametrize("name", [one for one in COMMANDS if one not in NOTHING_TO_AUDIT])
def test_a_command_of_the_vendors_is_audited(stage: Stage, scene: Scene, name: str) -> None:
    one = ALL[name]
    ours = _with_somebody_new(stage, scene.ours) if name in ONCE else scene.ours
    caller = caller_of(ours, auth_class(name), name, scene.distributor)
    values = DEEDS[name](ours)
    answer = caller.call(one.http_method, target_of(one, values), body_of(one, values))
    done = audited(stage, one.service, answer)
    by_caller = [action for action, who in done if caller.domain_id in who]
    by_system = [action for action, who in done if who == "customer:system"]
    assert len(by_caller) >= 1, f"{name} left no line"
    assert len(by_caller) + len(by_system) == len(done), done
    assert by_system == (["order.pay"] if name == "renewal_resources" else [])  # is_auto_pay


def _with_somebody_new(stage: Stage, one: Estate) -> Estate:
    made = new_customer(stage, one.partner)
    named = {"customer_name": "李雷", "customer_type": 0}
    stage.admin("POST", f"/api/customers/{made.id}/verification", named)
    return replace(one, customer=made, person=made)


def test_no_command_that_moves_money_or_coupons_is_left_out() -> None:
    moving = {name for name, one in ALL.items() if one.moves_value and name not in NOT_YET}
    assert moving <= set(COMMANDS) - NOTHING_TO_AUDIT
    assert len(moving) >= 5


def _used(one: Estate) -> dict[str, Any]:
    return {
        **DISK, "record_id": uuid4().hex, "customer_id": one.customer.id, "resource_id": "disk-a",
        "measure_size": "10", "usage_value": "60", "usage_measure_id": 6,
        "used_until": format_instant(datetime.now(UTC)),
    }  # fmt: skip


# Ours that move money or coupons, or make what does.
MOVING: dict[str, tuple[str, Ask]] = {
    "POST /api/accounts/{owner_id}/top-ups": (
        "billing",
        lambda one: (f"/api/accounts/{one.partner.domain_id}/top-ups", {"amount": "1.00"}),
    ),
    "PUT /api/accounts/{owner_id}/credit-line": (
        "billing",
        lambda one: (f"/api/accounts/{one.partner.domain_id}/credit-line", {"amount": "1.00"}),
    ),
    "POST /api/adjustments": ("billing", lambda one: ("/api/adjustments", adjustment(one))),
    "POST /api/usage-records": (
        "billing",
        lambda one: ("/api/usage-records", {"records": [_used(one)]}),
    ),
    "POST /api/discounts": (
        "billing",
        lambda one: (
            "/api/discounts",
            {
                "customer_id": one.customer.id,
                "discount_type": 2,
                "discount_mode": 2,
                "discount_value": "0.01",
                "order_types": [3],
                "name": "audited",
            },
        ),
    ),
    "POST /api/settlements": (
        "billing",
        lambda one: (
            "/api/settlements",
            {"partner_id": one.partner.domain_id, "bill_cycle": "2021-02"},
        ),
    ),
    "POST /api/partner-vouchers": (
        "voucher",
        lambda one: (
            "/api/partner-vouchers",
            {
                "partner_id": one.partner.domain_id,
                "amount": "1.00",
                "origin": "poc",
                "effective_at": "2026-01-01T00:00:00Z",
                "expire_at": "2029-12-31T00:00:00Z",
            },
        ),
    ),
    "POST /api/coupons": (
        "voucher",
        lambda one: (
            "/api/coupons",
            {
                "holder_id": one.partner.domain_id,
                "coupon_type": 1,
                "origin": "activity",
                "face_value": "1.00",
                "effective_at": "2026-01-01T00:00:00Z",
                "expire_at": "2029-12-31T00:00:00Z",
            },
        ),
    ),
    "POST /api/stored-value-cards": (
        "voucher",
        lambda one: (
            "/api/stored-value-cards",
            {
                "customer_id": one.customer.id,
                "card_name": "gift",
                "face_value": "1.00",
                "effective_at": "2026-01-01T00:00:00Z",
                "expire_at": "2029-12-31T00:00:00Z",
            },
        ),
    ),
    "POST /api/quotas": (
        "voucher",
        lambda one: (
            "/api/quotas",
            {
                "partner_id": one.partner.domain_id,
                "quota_type": 0,
                "quota_value": "1.00",
                "currency": "CNY",
                "effective_at": "2026-01-01T00:00:00Z",
                "expire_at": "2029-12-31T00:00:00Z",
            },
        ),
    ),
    "PATCH /api/quotas/{quota_id}": (
        "voucher",
        lambda one: (f"/api/quotas/{one.new_adjusted_quota()}", {"quota_status": 0}),
    ),
    "POST /api/quotas/{quota_id}/adjustments": (
        "voucher",
        lambda one: (
            f"/api/quotas/{one.new_adjusted_quota()}/adjustments",
            {"amount": "-1.00", "reason": "agreed"},
        ),
    ),
}


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/batch"])
def test_an_order_that_a_partner_places_is_audited(stage: Stage, scene: Scene, path: str) -> None:
    customer, order = {"customer_id": scene.ours.customer.id}, {"lines": [ECS_MONTH]}
    content = {**customer, "orders": [order]} if path.endswith("batch") else {**customer, **order}
    done = audited(stage, "order", scene.ours.partner.call("POST", path, content))
    assert done
    assert all(scene.ours.partner.domain_id in who for _, who in done)


@pytest.mark.parametrize("name", MOVING)
def test_a_command_of_our_own_is_audited(stage: Stage, scene: Scene, name: str) -> None:
    service, ask = MOVING[name]
    path, content = ask(scene.ours)
    answer = httpx.request(
        name.split()[0],
        stage.gateway + path,
        json=content,
        headers={"X-Auth-Token": stage.system.admin_token, "Idempotency-Key": uuid4().hex},
        timeout=30,
        verify=NO_CERTIFICATES,
    )
    done = audited(stage, service, answer)
    assert [who for _, who in done] == ["administrator:administrator"]
    assert name in native_routes()
