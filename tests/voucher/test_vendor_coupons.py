"""The vendor's own coupons, which come from no quota, through their whole life (decision 0119)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from contracts.event import Event
from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.restating import differences, restated
from tests.voucher.builders import (
    ISSUE,
    LATER,
    NOW,
    ORDER_COUPONS,
    OTHER,
    OWN,
    PARTNER,
    RECORDS,
    RESERVE,
    VoucherDoor,
    associated,
    created,
    customer,
    failed,
    hear,
    joined,
    paid,
    reservation,
    settle_in,
    switched,
    unlinked,
    wire,
)
from tests.voucher.test_restore_coupons import refunded
from voucher.coupons.expire_coupons import expire_coupons
from voucher.coupons.restate_coupons import COUPONS as RESTATED
from voucher.ledger.prove_ledger import prove_ledger

pytestmark = pytest.mark.postgres

COUPONS = "/api/coupons"
CHANGES = (
    "/v2/promotions/benefits/account-change-records?balance_type=BALANCE_TYPE_COUPON"
    "&trade_time_begin=2020-01-01&trade_time_end=2035-01-01"
)


async def issued(door: VoucherDoor, **fields: Any) -> Response:
    """A usable cash coupon of 100.00 for c1, unless told otherwise."""
    body = {
        "holder_id": "c1", "coupon_type": 1, "origin": "activity", "face_value": "100.00",
        "effective_at": wire(NOW), "expire_at": wire(LATER),
    }  # fmt: skip
    body = {name: value for name, value in (body | fields).items() if value is not None}
    return await door.post(COUPONS, body, ADMINISTRATOR)


async def made(door: VoucherDoor, **fields: Any) -> str:
    """Its id."""
    answer = await issued(door, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["coupon_id"])


async def discount(door: VoucherDoor, **fields: Any) -> str:
    """A discount coupon of 10 % off."""
    less = {"coupon_type": 2, "face_value": None, "discount_ratio": "0.9"}
    return await made(door, **less | fields)


async def activate(door: VoucherDoor, coupon_id: str, by: Any) -> Response:
    return await door.post(f"{COUPONS}/{coupon_id}/activation", None, by)


async def totals(door: VoucherDoor) -> dict[str, Any]:
    """Of the proof, which must be empty."""
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]
    assert proof["differences"] == []
    return dict(proof["totals"][0])


async def test_it_is_issued_activated_paid_with_and_shown_to_its_holder(door: VoucherDoor) -> None:
    """Break: issue it as usable, let its holder's partner activate it, or post nothing."""
    await settle_in(door)
    answer = await issued(door, activated=False)
    shown = answer.json()
    coupon_id = shown["coupon_id"]
    assert (answer.status_code, shown["status"], shown["quota_id"], shown["origin"]) == (
        201, 1, None, "activity",
    )  # fmt: skip
    assert code_of(await door.reserve("a0", [coupon_id])) == (400, "CBC.99003112")
    for by in (PARTNER, OTHER, customer("c2")):
        assert code_of(await activate(door, coupon_id, by)) == (404, "CHB.0404")
    done = await activate(door, coupon_id, customer("c1"))
    assert (done.status_code, done.json()) == (200, shown | {"status": 2})
    assert code_of(await activate(door, coupon_id, customer("c1"))) == (409, "CHB.0409")
    assert (await door.reserve("a1", [coupon_id])).status_code == 200
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    found = await totals(door)
    assert (found["granted"], found["in_coupons"], found["redeemed"]) == (
        "100.00", "20.00", "80.00",
    )  # fmt: skip

    [own] = (await door.get(OWN, customer("c1"))).json()["user_coupons"]
    assert (own["coupon_id"], own["balance"], "source_id" in own) == (coupon_id, 20, False)
    assert (await door.get(f"{OWN}?source_id=sp", customer("c1"))).json()["count"] == 0
    assert (await door.get(ISSUE)).json()["total_count"] == 0
    assert (await door.get(RECORDS)).json()["total_count"] == 0
    assert code_of(await door.reclaim(coupon_id)) == (403, "CBC.0150")
    assert (await door.get(f"{COUPONS}/{coupon_id}/history")).status_code == 404
    history = (await door.get(f"{COUPONS}/{coupon_id}/history", customer("c1"))).json()["history"]
    told = [(one["event"], one["by"], one["balance_after"]) for one in history]
    assert [one for one in told if one[0] != "refused"] == [
        ("issued", "administrator", "100.00"), ("activated", "holder", "100.00"),
        ("held", "holder", "100.00"), ("redeemed", "system", "20.00"),
    ]  # fmt: skip
    facts = [one for one in await outbox.bodies(door.database) if one.get("coupon_id")]
    assert {(one["quota_id"], one["origin"]) for one in facts} == {(None, "activity")}
    assert await outbox.types(door.database) == [
        "voucher.issued", "voucher.activated", "voucher.reserved", "voucher.redeemed",
    ]  # fmt: skip
    assert differences(await restated(door.database, RESTATED), facts[-1:]) == {}
    deeds = await audit.deeds(door.database)
    assert {("coupon.issue_own", coupon_id), ("coupon.activate", coupon_id)} <= set(deeds)


LEAVES: list[tuple[Event, int]] = [
    (unlinked("c1"), 3),
    (associated("c1", 2, partner_id="other"), 7),
    (switched("c1"), 8),
    (associated("c1", 2, partner_id="sibling", distributor_id="dist"), 9),
]


@pytest.mark.parametrize(("event", "operation"), LEAVES, ids=["3", "7", "8", "9"])
async def test_what_is_recalled_goes_back_to_the_vendor(
    door: VoucherDoor, event: Event, operation: int
) -> None:
    """Usable, not activated, and held, which waits; a discount coupon, too, which has no money.

    Break: recall only what has a balance, or leave out the coupons of another association.
    """
    mine: dict[str, Any] = {"distributor_id": "dist"} if operation == 9 else {}
    await hear(
        door.database, joined("sp", **mine), joined("other"), joined("sibling", **mine),
        associated("c1", **mine),
    )  # fmt: skip
    usable, waiting = await made(door), await made(door, face_value="5.00", activated=False)
    held, ratio = await made(door, face_value="90.00"), await discount(door)
    await door.reserve("a1", [held])
    body = reservation("a2", [], "10.00", "CS2")
    body["coupons"] = [{"coupon_id": ratio, "type": 300}]
    assert (await door.post(RESERVE, body, customer("c1"))).status_code == 200
    await hear(door.database, event)
    assert [(await door.held(one)).status for one in (usable, waiting)] == [5, 5]
    assert (await totals(door))["in_coupons"] == "90.00"
    await hear(door.database, failed("a1"), failed("a2", "CS2"))
    recalled = await outbox.bodies(door.database, "voucher.recalled")
    assert {one["coupon_id"]: one["amount"] for one in recalled} == {
        usable: "100.00", waiting: "5.00", held: "90.00", ratio: "0.00",
    }  # fmt: skip
    assert {(one["operation_type"], one["quota_balance"]) for one in recalled} == {
        (operation, None),
    }  # fmt: skip
    found = await totals(door)
    assert (found["granted"], found["in_coupons"], found["redeemed"]) == ("0.00", "0.00", "0.00")


async def test_a_recalled_or_expired_one_is_shown_as_such_and_returns_to_the_vendor(
    door: VoucherDoor,
) -> None:
    """H.17: only what a partner took back is hidden. Break: hide it, or expire into a quota."""
    await settle_in(door)
    end = NOW + timedelta(hours=1)
    ended = await made(door, expire_at=wire(end), face_value="7.00")
    unused = await made(door, expire_at=wire(end), activated=False)
    ratio = await discount(door, expire_at=wire(end))
    await expire_coupons(door.database, end)
    expired = await outbox.bodies(door.database, "voucher.expired")
    assert {one["coupon_id"]: one["amount"] for one in expired} == {
        ended: "7.00", unused: "100.00", ratio: "0.00",
    }  # fmt: skip
    assert (await totals(door))["granted"] == "0.00"
    recalled = await made(door)
    await hear(door.database, unlinked("c1"))
    listed = (await door.get(OWN, customer("c1"))).json()["user_coupons"]
    assert {one["coupon_id"]: one["status"] for one in listed} == {
        ended: 4, unused: 4, ratio: 4, recalled: 5,
    }  # fmt: skip
    changes = (await door.get(CHANGES, customer("c1"))).json()["records"]
    assert {one["coupon_id"] for one in changes} == {ended, unused, recalled}
    path = f"{COUPONS}/{recalled}/explanation"
    said = (await door.get(path, customer("c1"))).json()["sentences"]
    assert [one["code"] for one in said] == [
        "issued", "returned_to_vendor", "reclaimed_unlinked",
    ]  # fmt: skip


@pytest.mark.parametrize("ends", [None, unlinked("c1"), associated("c1", 2, partner_id="other")])
async def test_a_refund_gives_it_back_or_in_its_place_the_vendor(
    door: VoucherDoor, ends: Event | None
) -> None:
    """Break: pass the amount on without a posting, or restore it to who has left."""
    await hear(door.database, joined("other"))
    await settle_in(door)
    coupon_id = await made(door)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    if ends is not None:
        await hear(door.database, ends)
    for _ in range(2):
        await hear(door.database, refunded("f1", {coupon_id: "80.00"}))
    [fact] = await outbox.bodies(door.database, "voucher.restored")
    passed_on = ends is not None
    assert (fact["amount"], fact["to_quota"], fact["quota_balance"]) == ("80.00", passed_on, None)
    found = await totals(door)
    left = "0.00" if passed_on else "100.00"
    assert (found["granted"], found["in_coupons"], found["redeemed"]) == (left, left, "0.00")


async def test_the_proof_finds_a_cent_that_was_planted_at_the_vendors_coupons(
    door: VoucherDoor,
) -> None:
    """Each rule tells it; what was planted is taken back. Break: leave out `vendor_rules`."""
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await made(door)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    await made(door, holder_id="sp", face_value="3.00")
    paid_by = "account_kind = 'redeemed'"
    for planted, told in (
        ("UPDATE coupons SET balance = balance + 0.01", 4),  # two rules, two coupons
        ("UPDATE coupons SET face_value = face_value + 0.01 WHERE customer_id = 'c1'", 2),
        ("UPDATE coupons SET returned_amount = 0.01 WHERE customer_id = 'c1'", 2),
        (f"UPDATE postings SET amount = amount + 0.01 WHERE {paid_by}", 3),
        ("UPDATE postings SET account_id = 'x' WHERE account_kind = 'vendor' AND amount = -100", 1),
        (f"UPDATE movements SET quota_id = '{quota_id}' WHERE kind = 'redeemed'", 3),
        ("UPDATE customers SET association_status = 'unlinked'", 1),
    ):
        async with door.database.transaction() as session:
            assert (await prove_ledger(session, NOW)).balanced
            await session.execute(text(planted))
            found = (await prove_ledger(session, NOW)).differences
            assert len(found) == told, (planted, found)
            await session.rollback()


async def test_groups_say_which_coupons_go_together(door: VoucherDoor) -> None:
    """One of a type and group; groups 1 and 2 exclude each other.

    Break: count types alone, or leave out the two groups.
    """
    await settle_in(door)
    await hear(door.database, created("CS1"))
    cloud, market, dedicated = [
        await made(door, group=group, face_value="30.00") for group in (0, 1, 2)
    ]
    second = await made(door, group=1, face_value="30.00")
    listed = (await door.get(f"{ORDER_COUPONS}?order_id=CS1", customer("c1"))).json()
    groups = {one["coupon_id"]: one["coupon_group"] for one in listed["user_coupons"]}
    assert groups == {cloud: 0, market: 1, dedicated: 2, second: 1}
    assert [
        (one["coupon_group"], one["use_quantity_value"])
        for one in listed["coupon_max_use_quantity"]
    ] == [(0, 1), (1, 1), (2, 1)]
    for attempt, named, code in (
        ("a1", [market, dedicated], "CBC.99003156"),
        ("a2", [market, second], "CBC.99003112"),
    ):
        assert code_of(await door.reserve(attempt, named)) == (400, code)
    both = (await door.reserve("a3", [cloud, market])).json()["coupons"]
    assert {one["coupon_id"]: one["amount"] for one in both} == {cloud: "30.00", market: "30.00"}
    assert await door.is_balanced()


async def test_a_discount_coupon_is_issued_and_used_once(door: VoucherDoor) -> None:
    """Break: give it a balance."""
    await settle_in(door)
    coupon_id = await discount(door)
    body = reservation("a1", [], "80.00")
    body["coupons"] = [{"coupon_id": coupon_id, "type": 300}]
    reserved = (await door.post(RESERVE, body, customer("c1"))).json()["coupons"]
    assert [(one["coupon_id"], one["amount"]) for one in reserved] == [(coupon_id, "8.00")]
    await hear(door.database, paid("a1", {coupon_id: "8.00"}))
    used = await door.held(coupon_id)
    assert (used.status, used.balance) == (3, Decimal(0))
    assert (await totals(door))["granted"] == "0.00"


async def test_what_cannot_be_issued_is_refused_and_leaves_nothing(door: VoucherDoor) -> None:
    """Break: take a limit of quotas, or a flexi coupon for a partner of the other site."""
    referral = associated("c2", association_type="1")
    member = associated("c3", financial_custody=True, enterprise_master_id="c1")
    abroad = joined("abroad", site="international", currency="USD")
    await hear(
        door.database, joined("sp"), joined("gone", status="delisted"), abroad, associated("c1"),
        referral, member, associated("c4", association_status="unlinked"),
    )  # fmt: skip
    for fields, refusal in (
        ({"holder_id": "nobody"}, (404, "CHB.0404")),
        ({"holder_id": "gone"}, (400, "CBC.50010085")),
        ({"holder_id": "c2"}, (400, "CBC.99000014")),
        ({"holder_id": "c3"}, (400, "CBC.50000034")),
        ({"holder_id": "c4"}, (400, "CBC.99000035")),
        ({"holder_id": "abroad", "coupon_type": 4}, (400, "CBC.0100")),
        ({"currency": "USD"}, (400, "CBC.0100")),
        ({"coupon_type": 5}, (400, "CBC.0101")),
        ({"group": 4}, (400, "CBC.0101")),
        ({"origin": "gift"}, (400, "CBC.0101")),
        ({"face_value": "1.001"}, (400, "CBC.0100")),
        ({"face_value": None}, (400, "CBC.0100")),
        ({"discount_ratio": "0.9"}, (400, "CBC.0100")),
        ({"coupon_type": 2}, (400, "CBC.0100")),
        ({"coupon_type": 2, "face_value": None, "discount_ratio": "1"}, (400, "CBC.0100")),
        ({"coupon_type": 2, "face_value": None, "discount_ratio": "0.12345"}, (400, "CBC.0100")),
        ({"expire_at": wire(NOW)}, (400, "CBC.0100")),
        ({"limits": {"coupons_max": 3}}, (400, "CBC.0100")),
        ({"limits": {"max_deduction_ratio": "0.5"}}, (400, "CBC.0100")),
        ({"limits": {"currency": "USD"}}, (400, "CBC.0100")),
        ({"limits": {"no_such_limit": 1}}, (400, "CBC.0100")),
    ):
        answer = await issued(door, **fields)
        assert code_of(answer) == refusal, (fields, answer.text)
    assert await outbox.types(door.database) == []
    kept = await issued(door, holder_id="abroad", limits={"usage_times": 1})
    assert (kept.status_code, kept.json()["currency"]) == (201, "USD")
