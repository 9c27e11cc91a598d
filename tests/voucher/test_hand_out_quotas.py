"""Between a distributor and its resellers: hand-out, what is issued below, and the way back.

See docs/domain/coupons.md H.16.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.identity import Principal
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    LATER,
    NOW,
    PARTNER,
    QUOTA_RECORDS,
    RECLAIM,
    RESELLER,
    RESERVE,
    TAKE_BACK,
    VoucherDoor,
    associated,
    customer,
    hear,
    joined,
    paid,
    reservation,
    rows_of,
    settle_in_below,
    switched,
    unlinked,
    wire,
)
from tests.voucher.test_restore_coupons import refunded
from voucher.coupons.expire_coupons import expire_coupons
from voucher.quotas.models import Quota, QuotaRecord

pytestmark = pytest.mark.postgres

OTHER_DISTRIBUTOR = Principal(id="other", kind="distributor", partner_id="other")
QUERY = "/v2/partners/coupon-quotas/query"
BELOW: dict[str, Any] = {"indirect_partner_id": "r1", "by": DISTRIBUTOR}


async def parent_of(door: VoucherDoor, value: str = "1000.00", **fields: Any) -> str:
    return await door.grant(value, partner_id="dist", **fields)


async def test_each_reseller_gets_a_quota_with_the_parents_limits(door: VoucherDoor) -> None:
    await settle_in_below(door)
    parent = await parent_of(door, limits={"face_value_max": "50.00", "region_codes": ["r"]})
    answer = await door.hand_out(parent, ["r2", "r1"], "100.50")
    assert (answer.status_code, answer.json()["error_details"]) == (200, [])
    infos = answer.json()["simple_quota_infos"]
    assert [info["id"] for info in infos] == ["r2", "r1"]
    assert await door.balances(parent) == ["799.00"]
    whole = await door.quota(parent)
    child = await door.quota(infos[1]["quota_id"])
    assert (child.partner_id, child.distributor_id, child.parent_quota_id) == (
        "r1", "dist", parent,
    )  # fmt: skip
    assert (child.limits, child.effective_at, child.expire_at, child.quota_status) == (
        whole.limits, whole.effective_at, whole.expire_at, 0,
    )  # fmt: skip
    facts = await outbox.stated(door.database)
    assert [(fact.type, fact.body["partner_id"]) for fact in facts] == [
        ("voucher.quota_granted", "dist"), ("voucher.quota_granted", "r2"),
        ("voucher.quota_granted", "r1"), ("voucher.quota_changed", "dist"),
    ]  # fmt: skip
    assert facts[2].body["parent_quota_id"] == parent
    assert facts[3].body["balance"] == "799.00"
    assert (await audit.deeds(door.database))[-1] == ("quota.hand_out", parent)
    proof = await door.proof()
    assert proof["balanced"], proof
    [total] = proof["totals"]
    assert (total["granted"], total["in_quotas"]) == ("1000.00", "1000.00")


async def test_the_parent_refuses_a_whole_hand_out(door: VoucherDoor, clock: StandingClock) -> None:
    await settle_in_below(door)
    parent = await parent_of(door)
    flexi, foreign = await parent_of(door, quota_type=1), await door.grant(partner_id="other")
    child = await door.child(parent)
    for quota_id in ("nowhere", foreign, flexi, child):
        answer = await door.hand_out(quota_id, ["r1"])
        assert code_of(answer) == (400, "CBC.99000012"), quota_id
    for status in (4, 5, 3):
        bound = await parent_of(door)
        await door.set_status(bound, status)
        assert code_of(await door.hand_out(bound, ["r1"])) == (400, "CBC.99000015")
    coming = await parent_of(door, effective_at=wire(NOW + timedelta(days=1)))
    assert code_of(await door.hand_out(coming, ["r1"])) == (400, "CBC.99000017")
    assert code_of(await door.hand_out(parent, ["r1", "r2"], "450.01")) == (400, "CBC.99000013")
    four = [f"f{number}" for number in range(4)]
    await hear(door.database, *(joined(one, "reseller", distributor_id="dist") for one in four))
    whole = await parent_of(door, "1000.00")
    assert code_of(await door.hand_out(whole, four, "250.10")) == (400, "CBC.99000013")
    assert await door.balances(whole) == ["1000.00"]
    assert (await door.hand_out(parent, ["r1", "r2"], "450.00")).status_code == 200
    assert await door.balances(parent) == ["0.00"]
    clock.now = LATER
    assert code_of(await door.hand_out(parent, ["r1"])) == (400, "CBC.99000017")
    assert await rows_of(door.database, QuotaRecord) == 3
    assert await door.is_balanced()


async def test_whoever_is_named_is_the_callers_own_and_named_once(door: VoucherDoor) -> None:
    """Break: look for resellers without their distributor."""
    await settle_in_below(door)
    parent = await parent_of(door)
    for names in (["r1", "x1"], ["nobody"], ["dist"]):
        assert code_of(await door.hand_out(parent, names)) == (400, "CBC.99000037"), names
    bad: list[tuple[Any, Any]] = [
        (["r1", "r1"], 1), ([], 1), ([f"r{i}" for i in range(101)], 1), (["r1"], 0),
        (["r1"], "0.001"), (["r1"], "100000000.01"), (["r1"], True), (["r1"], "1e400"),
        (["r1"], -1), ("r1", 1),
    ]  # fmt: skip
    for wrong, amount in bad:
        answer = await door.hand_out(parent, wrong, amount)
        assert code_of(answer) == (400, "CBC.0100"), (wrong, amount)
    assert await rows_of(door.database, Quota) == 1
    for by in (PARTNER, RESELLER, customer("c1")):
        assert code_of(await door.hand_out(parent, ["r1"], by=by)) == (403, "CBC.0151")


async def test_a_reseller_that_left_gets_none_and_the_others_theirs(door: VoucherDoor) -> None:
    """All that were named are counted: no hand-out is covered by half.

    Break: compare one `quota_amount` with the balance.
    """
    await settle_in_below(door)
    gone = {"version": 2, "status": "delisted", "distributor_id": "dist"}
    await hear(door.database, joined("r2", "reseller", **gone))
    parent = await parent_of(door, "100.00")
    assert code_of(await door.hand_out(parent, ["r1", "r2"], 60)) == (400, "CBC.99000013")
    answer = (await door.hand_out(parent, ["r2", "r1"], 50)).json()
    [info], [error] = answer["simple_quota_infos"], answer["error_details"]
    assert (info["id"], error["id"], error["error_code"]) == ("r1", "r2", "CBC.50010105")
    assert await door.balances(parent) == ["50.00"]
    records = (await door.get(QUOTA_RECORDS, DISTRIBUTOR)).json()["records"]
    assert {(r["indirect_partner_id"], r["result"]) for r in records} == {
        ("r1", "0"), ("r2", "-1"),
    }  # fmt: skip
    for version, status in enumerate(("restricted", "delisted"), 2):
        await hear(door.database, joined("dist", "distributor", version=version, status=status))
        assert code_of(await door.hand_out(parent, ["r1"], 1)) == (400, "CBC.50010085")


async def test_named_customers_are_the_resellers(door: VoucherDoor) -> None:
    await settle_in_below(door)
    parent = await parent_of(door, limits={"customer_ids": ["c1", "c2"]})
    for names in (["r2"], ["r1", "r2"]):
        assert code_of(await door.hand_out(parent, names)) == (400, "CBC.50000021"), names
    mixed = await parent_of(door, limits={"customer_ids": ["c1", "c3"]})
    assert code_of(await door.hand_out(mixed, ["r1"])) == (400, "CBC.50000021")
    child = await door.child(parent)
    assert (await door.issue(child, ["c1"], 10, **BELOW)).status_code == 200


async def test_one_hand_out_of_a_quota_at_a_time(door: VoucherDoor) -> None:
    """Break: take no turn. Another quota, and an issue from this one, go on beside it."""
    await settle_in_below(door)
    parent, beside = await parent_of(door), await parent_of(door)
    async with door.database.transaction() as session:
        key = f"voucher.hand_out {parent}"
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
        )
        assert code_of(await door.hand_out(parent, ["r1"])) == (400, "CBC.50000045")
        foreign = await door.hand_out(parent, ["x1"], by=OTHER_DISTRIBUTOR)
        assert code_of(foreign) == (400, "CBC.99000012")
        assert (await door.hand_out(beside, ["r1"])).status_code == 200
    assert (await door.hand_out(parent, ["r1"])).status_code == 200


async def test_a_reclaim_takes_what_is_left_and_tells_who_is_refused(door: VoucherDoor) -> None:
    """Break: let a quota in status 6 be taken again."""
    await settle_in_below(door)
    parent = await parent_of(door)
    first, second = await door.child(parent, amount="300.00"), await door.child(parent, "r2")
    await door.coupon(first, face="40.50", **BELOW)
    await door.set_status(second, 5)
    answer = await door.take_back([first, parent, "nowhere", second], remark="done")
    told = answer.json()
    assert answer.status_code == 200
    assert told["simple_quota_infos"] == [
        {"quota_id": first, "quota_balance": 0.0}, {"quota_id": second, "quota_balance": 0.0},
    ]  # fmt: skip
    assert [(one["id"], one["error_code"]) for one in told["error_details"]] == [
        (parent, "CBC.99000012"), ("nowhere", "CBC.99000012"),
    ]  # fmt: skip
    assert await door.balances(parent, first, second) == ["959.50", "0.00", "0.00"]
    assert (await door.quota(first)).quota_status == 6
    reclaimed = await outbox.bodies(door.database, "voucher.quota_reclaimed")
    assert [(one["quota_id"], one["amount"], one["balance"]) for one in reclaimed] == [
        (first, "259.50", "0.00"), (second, "100.00", "0.00"),
    ]  # fmt: skip
    last = (await outbox.bodies(door.database, "voucher.quota_changed"))[-1]
    assert (last["quota_id"], last["balance"]) == (parent, "959.50")
    assert (await audit.deeds(door.database))[-2:] == [
        ("quota.reclaim", first), ("quota.reclaim", second),
    ]  # fmt: skip
    assert code_of(await door.take_back([first, second])) == (400, "CBC.99000012")
    assert code_of(await door.take_back([first], OTHER_DISTRIBUTOR)) == (400, "CBC.99000012")
    answer = await door.issue(first, ["c1"], 1, **BELOW)
    assert code_of(answer) == (400, "CBC.99000012")
    assert await door.is_balanced()


@pytest.mark.parametrize(
    "body",
    [
        {"quota_ids": []}, {"quota_ids": ["q"] * 2}, {"quota_ids": [f"q{i}" for i in range(11)]},
        {"quota_ids": "q"}, {}, {"quota_ids": ["q"], "remark": "x" * 257},
    ],
)  # fmt: skip
async def test_a_malformed_reclaim_is_refused(door: VoucherDoor, body: dict[str, Any]) -> None:
    await settle_in_below(door)
    assert code_of(await door.post(TAKE_BACK, body, DISTRIBUTOR)) == (400, "CBC.0100")


async def test_what_a_coupon_returns_goes_past_a_reclaimed_quota(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """By hand, by unlinking, by time and by a refund, each in its transaction. Break: do not hand
    on what a reclaimed quota takes back."""
    await settle_in_below(door)
    parent = await parent_of(door)
    child = await door.child(parent, amount=400)
    by_hand, by_refund, by_time = [
        await door.coupon(child, face=100, **BELOW) for _ in range(3)
    ]  # fmt: skip
    by_unlinking = await door.coupon(child, "c2", 100, **BELOW)
    held = reservation("a1", [by_refund], "80.00")
    assert (await door.post(RESERVE, held, customer("c1", "r1"))).status_code == 200
    await hear(door.database, paid("a1", {by_refund: "80.00"}))
    await door.take_back([child])
    assert await door.balances(parent, child) == ["600.00", "0.00"]
    body = {"coupon_id": by_hand, "indirect_partner_id": "r1"}
    assert (await door.post(RECLAIM, body, DISTRIBUTOR)).status_code == 204
    assert await door.balances(parent, child) == ["700.00", "0.00"]
    mine: dict[str, Any] = {"partner_id": "r1", "distributor_id": "dist"}
    await hear(door.database, unlinked("c2", **mine))
    assert (await door.held(by_unlinking)).status == 5
    assert await door.balances(parent, child) == ["800.00", "0.00"]
    clock.now = LATER
    await expire_coupons(door.database, LATER)
    assert (await door.held(by_time)).status == 4
    assert await door.balances(parent, child) == ["920.00", "0.00"]
    assert await door.is_balanced()
    await hear(door.database, refunded("f1", {by_refund: "80.00"}))
    assert await door.balances(parent, child) == ["1000.00", "0.00"]
    proof = await door.proof()
    assert proof["balanced"], proof
    records = (await door.get(QUOTA_RECORDS, DISTRIBUTOR)).json()["records"]
    told = [(one["operation_type"], one["amount"], one["operator"]) for one in records]
    assert sorted(told) == [
        ("10", 400.0, "dist"), ("11", 0.0, "dist"), ("11", 20.0, "system"),
        ("11", 80.0, "system"), *[("11", 100.0, "system")] * 3,
    ]  # fmt: skip
    statement = await door.get(f"/api/quotas/{child}/statement?limit=100", RESELLER)
    assert statement.json()["movements"][-1]["balance_after"] == "0.00"
    last = (await outbox.bodies(door.database, "voucher.quota_changed"))[-1]
    assert (last["quota_id"], last["balance"]) == (parent, "1000.00")


async def test_a_customers_own_request_brings_back_what_goes_past_its_reseller(
    door: VoucherDoor,
) -> None:
    """The caller's tenant sees no parent. Break: lock the parent as the caller."""
    await settle_in_below(door)
    parent = await parent_of(door)
    child = await door.child(parent)
    coupon_id = await door.coupon(child, face=100, **BELOW)
    buyer = customer("c1", "r1")
    await door.post(RESERVE, reservation("a1", [coupon_id], "80.00"), buyer)
    mine: dict[str, Any] = {"partner_id": "r1", "distributor_id": "dist"}
    await hear(door.database, switched("c1", **mine))
    await door.take_back([child])
    assert (await door.held(coupon_id)).recall_due == 8
    again = reservation("a2", [], "80.00") | {"failed_attempt_ids": ["a1"]}
    answer = await door.post(RESERVE, again, buyer)
    assert answer.status_code == 200, answer.text
    assert (await door.held(coupon_id)).status == 5
    assert await door.balances(parent, child) == ["1000.00", "0.00"]
    assert await door.is_balanced()


async def test_what_comes_back_climbs_however_deep(door: VoucherDoor) -> None:
    """Break: hand on once only."""
    await settle_in_below(door)
    below: dict[str, Any] = {"partner_id": "s1", "distributor_id": "r1"}
    await hear(door.database, joined("s1", "reseller", distributor_id="r1"))
    await hear(door.database, associated("c9", **below))
    middleman = Principal(id="r1", kind="distributor", partner_id="r1", distributor_id="dist")
    top = await parent_of(door)
    middle = await door.child(top, amount=500)
    handed = await door.hand_out(middle, ["s1"], 200, by=middleman)
    low = handed.json()["simple_quota_infos"][0]["quota_id"]
    coupon_id = await door.coupon(low, "c9", 70, indirect_partner_id="s1", by=middleman)
    assert (await door.take_back([middle])).status_code == 200
    assert await door.balances(top, middle, low) == ["800.00", "0.00", "130.00"]
    assert (await door.take_back([low], middleman)).status_code == 200
    assert await door.balances(top, middle, low) == ["930.00", "0.00", "0.00"]
    await hear(door.database, unlinked("c9", **below))
    assert (await door.held(coupon_id)).status == 5
    assert await door.balances(top, middle, low) == ["1000.00", "0.00", "0.00"]
    proof = await door.proof()
    assert proof["balanced"], proof


async def test_what_is_one_resellers_serves_no_other(door: VoucherDoor) -> None:
    """Of one distributor, who names the wrong one. Break: issue from any quota that it sees."""
    await settle_in_below(door)
    child = await door.child(await parent_of(door))
    beside: dict[str, Any] = {"indirect_partner_id": "r2", "by": DISTRIBUTOR}
    assert code_of(await door.issue(child, ["c3"], 1, **beside)) == (400, "CBC.99000012")
    own = await door.issue(child, ["c1"], 1, by=DISTRIBUTOR)
    assert code_of(own) == (400, "CBC.99000012")
    [error] = (await door.issue(child, ["c3"], 1, **BELOW)).json()["error_details"]
    assert (error["id"], error["error_code"]) == ("c3", "CBC.99000035")
    coupon_id = await door.coupon(child, face=10, **BELOW)
    body = {"coupon_id": coupon_id, "indirect_partner_id": "r2"}
    assert code_of(await door.post(RECLAIM, body, DISTRIBUTOR)) == (403, "CBC.0150")
    listed = await door.post(QUERY, {"indirect_partner_id": "r2"}, DISTRIBUTOR)
    assert listed.json()["quotas"] == []
    listed = await door.post(QUERY, {"indirect_partner_id": "r1"}, DISTRIBUTOR)
    assert [one["quota_id"] for one in listed.json()["quotas"]] == [child]
