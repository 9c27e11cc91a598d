"""Granting quotas, and the proof that finds what was planted."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text

from chassis.settings import ServiceSettings
from testkit.databases import ServiceDatabase
from tests.voucher.builders import (
    ADMINISTRATOR,
    DISTRIBUTOR,
    ISSUE,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    RECLAIM,
    RESERVE,
    Door,
    customer,
    hear,
    joined,
    rows_of,
    settle_in,
    stated,
    wire,
)
from voucher.app import build
from voucher.ledger.models import Movement
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres

GRANT = {
    "partner_id": "sp",
    "quota_value": 100.5,
    "currency": "CNY",
    "effective_at": wire(NOW),
    "expire_at": wire(LATER),
}


async def test_a_grant_is_stated_posted_and_repeated_by_its_key_once(door: Door) -> None:
    await settle_in(door)
    limits = {"face_value_min": 1, "min_consume_discount": "0.9", "customer_ids": ["c1"]}
    body = GRANT | {"limits": limits}
    first = await door.post("/api/quotas", body, ADMINISTRATOR, key="k")
    again = await door.post("/api/quotas", body, ADMINISTRATOR, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["limits"] == {
        "face_value_min": "1.00", "min_consume_discount": "0.9", "customer_ids": ["c1"],
    }  # fmt: skip
    assert await rows_of(door.database, Quota) == 1
    [event] = await stated(door.database, "voucher.quota_granted")
    assert (event["quota_value"], event["balance"], event["partner_id"]) == (
        "100.50", "100.50", "sp",
    )  # fmt: skip
    assert (await door.proof())["totals"][0]["granted"] == 100.5


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"partner_id": "nobody"}, 404, "CHB.0404"),
        ({"currency": "USD"}, 400, "CBC.0100"),
        ({"quota_value": 0}, 400, "CBC.0100"),
        ({"quota_value": 1.001}, 400, "CBC.0100"),
        ({"quota_type": 2}, 400, "CBC.0101"),
        ({"expire_at": wire(NOW - timedelta(days=9))}, 400, "CBC.0100"),
        ({"limits": {"no_such_limit": 1}}, 400, "CBC.0100"),
        ({"limits": {"min_consume_discount": "1.1"}}, 400, "CBC.0100"),
        ({"limits": {"face_value_min": 2, "face_value_max": 1}}, 400, "CBC.0100"),
        ({"unknown": 1}, 400, "CBC.0100"),
    ],
)
async def test_a_bad_grant_is_refused_and_writes_nothing(
    door: Door, fields: dict[str, Any], status: int, code: str
) -> None:
    await hear(door.database, joined("sp"))
    answer = await door.post("/api/quotas", GRANT | fields, ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await rows_of(door.database, Quota) == 0
    assert await rows_of(door.database, Movement) == 0


@pytest.mark.parametrize("by", [PARTNER, customer("c1")])
async def test_only_the_administrator_grants_and_proves(door: Door, by: Any) -> None:
    await settle_in(door)
    assert (await door.post("/api/quotas", GRANT, by)).json()["code"] == "CBC.0151"
    assert (await door.get("/api/vouchers/proof", by)).json()["code"] == "CBC.0151"
    assert await rows_of(door.database, Quota) == 0


async def test_the_native_list_goes_on_after_the_last_one(door: Door) -> None:
    await hear(door.database, joined("sp"), joined("other"))
    quotas = sorted([await door.grant() for _ in range(3)])
    foreign = await door.grant(partner_id="other")
    first = (await door.get("/api/quotas?limit=2&partner_id=sp", ADMINISTRATOR)).json()
    assert [quota["quota_id"] for quota in first["quotas"]] == quotas[:2]
    rest = await door.get(f"/api/quotas?limit=2&after={first['next']}", ADMINISTRATOR)
    assert [quota["quota_id"] for quota in rest.json()["quotas"]] == [quotas[2], foreign]
    assert rest.json()["next"] is None


async def test_the_native_list_shows_a_partner_its_own_and_its_resellers(door: Door) -> None:
    reseller = joined("mine", "reseller", distributor_id="dist")
    await hear(door.database, joined("sp"), joined("dist", "distributor"), reseller)
    own = await door.grant()
    below = await door.grant(partner_id="mine")
    seen = {
        by.id: [q["quota_id"] for q in (await door.get("/api/quotas", by)).json()["quotas"]]
        for by in (PARTNER, DISTRIBUTOR, OTHER)
    }
    assert seen == {"sp": [own], "dist": [below], "other": []}
    assert (await door.get("/api/quotas", customer("c1"))).json()["code"] == "CBC.0151"


async def test_in_connected_mode_no_command_is_carried_out_here(
    service_store: ServiceDatabase,
) -> None:
    settings = service_store.settings(ServiceSettings, upstream_url="http://upstream.test")
    app = build(settings)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://voucher") as client:
        door = Door(client, settings, app.state.database)
        for path, by in (
            ("/api/quotas", ADMINISTRATOR), (ISSUE, PARTNER), (RECLAIM, PARTNER),
            (RESERVE, customer("c1")),
        ):  # fmt: skip
            answer = await door.post(path, {}, by)
            known = answer.json()
            assert (answer.status_code, known.get("code", known.get("error_code"))) == (
                501, "CHB.0002",
            )  # fmt: skip
        assert (await door.get(ISSUE)).json()["total_count"] == 0
    await app.state.database.close()


async def test_an_untouched_ledger_balances(door: Door) -> None:
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id)
    await door.coupon(quota_id, "c2", "0.01")
    await door.reserve("a1", [coupon_id])
    proof = await door.proof()
    assert proof["balanced"], proof
    assert proof["differences"] == []


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("UPDATE quotas SET balance = balance + 0.01", 2),
        ("UPDATE coupons SET balance = balance + 0.01", 1),
        ("UPDATE coupons SET reserved_amount = reserved_amount - 0.01", 1),
        ("UPDATE reservations SET amount = amount + 0.01", 1),
        ("UPDATE attempts SET state = 'released'", 1),
        ("UPDATE postings SET amount = amount + 0.01 WHERE account_kind = 'coupon'", 3),
        ("DELETE FROM postings WHERE account_kind = 'vendor'", 2),
        ("UPDATE quotas SET quota_value = quota_value + 1", 1),
        ("UPDATE postings SET currency = 'USD' WHERE account_kind = 'coupon'", 3),
        ("UPDATE postings SET account_id = 'lost' WHERE account_kind = 'coupon'", 2),
    ],
)
async def test_the_proof_tells_what_was_planted(door: Door, planted: str, told: int) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    await door.reserve("a1", [coupon_id])
    assert await door.is_balanced()
    async with door.database.transaction() as session:
        await session.execute(text(planted))
    proof = await door.proof()
    assert not proof["balanced"]
    assert len(proof["differences"]) == told, proof["differences"]
