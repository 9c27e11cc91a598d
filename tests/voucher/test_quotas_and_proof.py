"""Granting quotas, and the proof that finds what was planted."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from testkit import outbox
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    ISSUE,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    RECLAIM,
    RESERVE,
    VoucherDoor,
    customer,
    hear,
    joined,
    paid,
    rows_of,
    settle_in,
    wire,
)
from voucher.app import build
from voucher.ledger.models import Movement
from voucher.ledger.prove_ledger import look_at_ledger, prove_ledger
from voucher.quotas.models import Quota
from voucher.settings import VoucherSettings

pytestmark = pytest.mark.postgres

GRANT = {
    "partner_id": "sp",
    "quota_value": 100.5,
    "currency": "CNY",
    "effective_at": wire(NOW),
    "expire_at": wire(LATER),
}


async def test_a_grant_is_stated_posted_and_repeated_by_its_key_once(door: VoucherDoor) -> None:
    await settle_in(door)
    limits = {"face_value_min": 1, "min_consume_discount": "0.9", "customer_ids": ["c1"]}
    body = GRANT | {"limits": limits}
    first = await door.post("/api/quotas", body, ADMINISTRATOR, key="k")
    again = await door.post("/api/quotas", body, ADMINISTRATOR, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    shown = first.json()["limits"]
    assert shown | {
        "currency": "CNY", "face_value_min": "1.00", "face_value_max": None,
        "min_consume_discount": "0.9", "customer_ids": ["c1"],
    } == shown  # fmt: skip
    assert (first.json()["quota_value"], first.json()["balance"]) == ("100.50", "100.50")
    again = await door.post("/api/quotas", body | {"limits": shown}, ADMINISTRATOR)
    assert (again.status_code, again.json()["limits"]) == (201, shown)
    assert await rows_of(door.database, Quota) == 2
    event, _of_the_second = await outbox.bodies(door.database, "voucher.quota_granted")
    assert (event["quota_value"], event["balance"], event["partner_id"]) == (
        "100.50", "100.50", "sp",
    )  # fmt: skip
    assert (await door.proof())["totals"][0]["granted"] == "201.00"


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
        ({"limits": {"currency": "USD", "face_value_min": "1.00"}}, 400, "CBC.0100"),
        ({"limits": {"min_consume_discount": "1.1"}}, 400, "CBC.0100"),
        ({"limits": {"face_value_min": 2, "face_value_max": 1}}, 400, "CBC.0100"),
        ({"unknown": 1}, 400, "CBC.0100"),
    ],
)
async def test_a_bad_grant_is_refused_and_writes_nothing(
    door: VoucherDoor, fields: dict[str, Any], status: int, code: str
) -> None:
    await hear(door.database, joined("sp"))
    answer = await door.post("/api/quotas", GRANT | fields, ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await rows_of(door.database, Quota) == 0
    assert await rows_of(door.database, Movement) == 0


@pytest.mark.parametrize("by", [PARTNER, customer("c1")])
async def test_only_the_administrator_grants_and_proves(door: VoucherDoor, by: Any) -> None:
    await settle_in(door)
    assert (await door.post("/api/quotas", GRANT, by)).json()["code"] == "CBC.0151"
    assert (await door.get("/api/vouchers/proof", by)).json()["code"] == "CBC.0151"
    assert await rows_of(door.database, Quota) == 0


async def test_the_native_list_goes_on_after_the_last_one(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"), joined("other"))
    quotas = sorted([await door.grant() for _ in range(3)])
    foreign = await door.grant(partner_id="other")
    first = (await door.get("/api/quotas?limit=2&partner_id=sp", ADMINISTRATOR)).json()
    assert [quota["quota_id"] for quota in first["quotas"]] == quotas[:2]
    rest = await door.get(f"/api/quotas?limit=2&after={first['next']}", ADMINISTRATOR)
    assert [quota["quota_id"] for quota in rest.json()["quotas"]] == [quotas[2], foreign]
    assert rest.json()["next"] is None


async def test_the_native_list_shows_a_partner_its_own_and_its_resellers(door: VoucherDoor) -> None:
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
    settings = service_store.settings(VoucherSettings, upstream_url="http://upstream.test")
    app = build(settings)
    async with VoucherDoor.of(app, PARTNER) as door:
        for path, by in (
            ("/api/quotas", ADMINISTRATOR), (ISSUE, PARTNER), (RECLAIM, PARTNER),
            (RESERVE, customer("c1")),
        ):  # fmt: skip
            answer = await door.post(path, {}, by)
            assert code_of(answer) == (501, "CHB.0002")
        assert (await door.get("/api/quotas")).json()["quotas"] == []
    await door.database.close()


async def test_an_untouched_ledger_balances(door: VoucherDoor) -> None:
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
        ("UPDATE quotas SET balance = balance + 0.01", 3),
        ("UPDATE coupons SET balance = balance + 0.01", 2),
        ("UPDATE coupons SET reserved_amount = reserved_amount - 0.01", 1),
        ("UPDATE reservations SET amount = amount + 0.01", 1),
        ("UPDATE attempts SET state = 'released'", 1),
        ("UPDATE postings SET amount = amount + 0.01 WHERE account_kind = 'coupon'", 3),
        ("DELETE FROM postings WHERE account_kind = 'vendor'", 2),
        ("UPDATE quotas SET quota_value = quota_value + 1", 3),
        ("UPDATE postings SET currency = 'USD' WHERE account_kind = 'coupon'", 3),
        ("UPDATE postings SET account_id = 'lost' WHERE account_kind = 'coupon'", 2),
    ],
)
async def test_the_proof_tells_what_was_planted(door: VoucherDoor, planted: str, told: int) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    await door.reserve("a1", [coupon_id])
    assert await door.is_balanced()
    async with door.database.transaction() as session:
        await session.execute(text(planted))
    proof = await door.proof()
    assert not proof["balanced"]
    assert len(proof["differences"]) == told, proof["differences"]


async def test_sums_by_weight_see_what_plain_sums_do_not(door: VoucherDoor) -> None:
    """Cents that went from one to another; what was planted is taken back.

    Break: have each weight be 1.
    """
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    first, second = await door.coupon(quota_id), await door.coupon(quota_id, "c2", 30)
    for planted, told in (
        ("UPDATE coupons SET balance = balance + CASE id WHEN :first THEN 0.01 ELSE -0.01 END", 2),
        ("UPDATE postings SET account_id = :second WHERE account_id = :first", 2),
        ("UPDATE postings SET movement_id = (SELECT min(movement_id) FROM postings)"
         " WHERE account_id IN (:first, :second)", 3),
        ("UPDATE postings SET amount = amount + CASE account_id WHEN :first THEN 0.01 ELSE -0.01"
         " END WHERE account_id IN (:first, :second)", 4),
    ):  # fmt: skip
        async with door.database.transaction() as session:
            coupons = {"first": first, "second": second}
            known = {name: one for name, one in coupons.items() if f":{name}" in planted}
            await session.execute(text(planted), known)
            proof = await prove_ledger(session, NOW)
            assert len(proof.differences) == told, (planted, proof.differences)
            await session.rollback()
    assert await door.is_balanced()


async def test_what_adds_up_to_nothing_is_still_somebodys(door: VoucherDoor) -> None:
    """What went in and out of an account of nobody, and a movement of another quota's coupon.

    Break: weigh the coupons that postings are of against nothing; count no stranger.
    """
    await settle_in(door)
    quota_id, other = await door.grant(), await door.grant()
    used = await door.coupon(quota_id, face=80)
    await door.reserve("a1", [used])
    await hear(door.database, paid("a1", {used: "80.00"}))
    async with door.database.transaction() as session:
        assert not [row.doubt for row in await look_at_ledger(session) if row.doubt]
    for planted, rule in (
        ("UPDATE postings SET account_id = 'lost' WHERE account_kind = 'coupon'",
         "an account of the ledger belongs to no quota or coupon"),
        (f"UPDATE movements SET quota_id = '{other}' WHERE kind = 'redeemed'",
         "a movement of a coupon is of another quota than the coupon"),
    ):  # fmt: skip
        async with door.database.transaction() as session:
            await session.execute(text(planted))
            proof = await prove_ledger(session, NOW)
            assert rule in [one.rule for one in proof.differences], planted
            await session.rollback()
    assert await door.is_balanced()


async def test_the_proof_blocks_no_writer(door: VoucherDoor) -> None:
    """While its transaction is open, others issue, reserve and redeem.

    Break: lock a table `IN SHARE MODE` in the proof.
    """
    await settle_in(door)
    quota_id = await door.grant()
    async with door.database.transaction() as looking:
        assert (await prove_ledger(looking, NOW)).balanced
        async with asyncio.timeout(5):
            coupon_id = await door.coupon(quota_id)
            await door.reserve("a1", [coupon_id])
            await hear(door.database, paid("a1", {coupon_id: "80.00"}))
        locks = await looking.scalars(
            text("SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid()"
                 " AND relation IS NOT NULL")
        )  # fmt: skip
        assert locks.all() == ["AccessShareLock"]
        assert (await prove_ledger(looking, NOW)).totals[0].redeemed == 80


async def test_what_moves_nothing_is_weighed_by_its_currency(door: VoucherDoor) -> None:
    """Break: leave out what asks for postings of nought."""
    await settle_in(door)
    await door.coupon(await door.grant())
    async with door.database.transaction() as session:
        await session.execute(text("UPDATE coupons SET balance = 0, face_value = 0"))
        await session.execute(
            text("UPDATE postings SET amount = 0 WHERE movement_id IN"
                 " (SELECT id FROM movements WHERE kind = 'issued')")
        )  # fmt: skip
        await session.execute(text("UPDATE quotas SET balance = quota_value"))
        assert (await prove_ledger(session, NOW)).balanced
        await session.execute(
            text("UPDATE postings SET currency = 'USD' WHERE account_kind = 'coupon'")
        )
        assert not (await prove_ledger(session, NOW)).balanced
