"""Every command that is carried out leaves its line in its service's audit log."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from gateway.forwarding.destinations import native_routes
from gateway.not_yet import NOT_YET
from tests.flows.cast import Stage
from tests.flows.deeds import ECS_MONTH
from tests.wire.answered import DEEDS, caller_of
from tests.wire.requests import body_of, target_of
from tests.wire.scene import Estate, Scene
from tests.wire.table import ALL, auth_class
from tests.wire.test_documented_examples import DISK
from wire.times import format_instant

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

COMMANDS = sorted(n for n, one in ALL.items() if one.command and n in DEEDS and n not in NOT_YET)
# A code that is sent changes nothing that is anybody's.
NOTHING_TO_AUDIT = {"send_sms_verification_code", "send_verification_message_code"}
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
    caller = caller_of(scene.ours, auth_class(name), name, scene.distributor)
    values = DEEDS[name](scene.ours)
    answer = caller.call(one.http_method, target_of(one, values), body_of(one, values))
    done = audited(stage, one.service, answer)
    assert len(done) >= 1, f"{name} left no line"
    assert all(caller.domain_id in who for _, who in done), done


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
    "POST /api/accounts/{id}/top-ups": (
        "billing",
        lambda one: (f"/api/accounts/{one.partner.domain_id}/top-ups", {"amount": "1.00"}),
    ),
    "PUT /api/accounts/{id}/credit-line": (
        "billing",
        lambda one: (f"/api/accounts/{one.partner.domain_id}/credit-line", {"amount": "1.00"}),
    ),
    "POST /api/usage-records": (
        "billing",
        lambda one: ("/api/usage-records", {"records": [_used(one)]}),
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
    )
    done = audited(stage, service, answer)
    assert [who for _, who in done] == ["administrator:administrator"]
    assert name in {f"{method} {path}" for method, path in native_routes()}
