"""What the administrator does with a quota after the grant, and what its statement tells."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    RESELLER,
    VoucherDoor,
    customer,
    settle_in,
    settle_in_below,
    wire,
)
from voucher.quotas.end_quotas import end_quotas, next_end
from voucher.quotas.limit_words import LIMITS
from voucher.quotas.limits import QuotaLimits

pytestmark = pytest.mark.postgres

EVERY_LIMIT: dict[str, Any] = {
    "face_value_min": "1.00", "face_value_max": "50.00", "coupons_max": 3,
    "total_per_customer_max": "90.00", "customer_ids": ["c1"], "first_associated_only": True,
    "cooperation_type": "2", "cloud_service_types": ["s1", "s2"], "product_ids": ["p1"],
    "excluded_product_ids": ["p2"], "min_consume_discount": "0.9",
    "simultaneous_use_with_empower_discount": False,
    "simultaneous_use_with_contract_discount": False,
    "simultaneous_use_with_promotion_discount": False,
    "simultaneous_use_with_discount_coupon": False, "region_codes": ["cn-north-4"],
    "subscribe_types": ["new", "renew"], "charge_scenes": [1, 2], "first_order_in_service": True,
    "only_for_strict_selected": True, "usage_times": 1, "max_deduction_ratio": "0.5",
    "accumulative_consumption": "10.00", "threshold_amount": "20.00",
}  # fmt: skip


async def adjust(door: VoucherDoor, quota_id: str, amount: Any, **more: Any) -> Any:
    body = {"amount": amount, "reason": "agreed"} | more
    return await door.post(f"/api/quotas/{quota_id}/adjustments", body, ADMINISTRATOR)


async def movements(door: VoucherDoor, quota_id: str, by: Any = None) -> list[dict[str, Any]]:
    """All of a statement, by pages of three."""
    found: list[dict[str, Any]] = []
    path = f"/api/quotas/{quota_id}/statement?limit=3"
    page = (await door.get(path, by or ADMINISTRATOR)).json()
    found += page["movements"]
    while page["next"]:
        page = (await door.get(f"{path}&after={page['next']}", by or ADMINISTRATOR)).json()
        found += page["movements"]
    return found


async def test_a_status_leads_where_the_vendor_lets_it_and_nowhere_else(door: VoucherDoor) -> None:
    """Break: let 4 lead to 5 in `_NEXT`."""
    await settle_in(door)
    ways = {(0, 3), (0, 4), (0, 5), (4, 0), (5, 0)}
    for before, after in product((0, 3, 4, 5), repeat=2):
        quota_id = await door.grant()
        assert before == 0 or (await door.set_status(quota_id, before)).status_code == 200
        answer = await door.set_status(quota_id, after)
        if before == after or (before, after) in ways:
            assert answer.json()["quota_status"] == after, (before, after)
        else:
            assert code_of(answer) == (409, "CHB.0409"), (before, after)
            assert (await door.quota(quota_id)).quota_status == before
    assert code_of(await door.set_status(await door.grant(), 6)) == (400, "CBC.0101")


async def test_a_change_is_stated_and_audited_and_none_is_not(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    path, later = f"/api/quotas/{quota_id}", wire(LATER + timedelta(days=1))
    body = {"quota_status": 5, "expire_at": later, "limits": {"coupons_max": 2}}
    changed = (await door.patch(path, body, ADMINISTRATOR)).json()
    assert (changed["quota_status"], changed["expire_at"]) == (5, later)
    assert changed["limits"]["coupons_max"] == 2
    assert (await door.patch(path, {"quota_status": 5}, ADMINISTRATOR)).status_code == 200
    [fact] = await outbox.bodies(door.database, "voucher.quota_changed")
    assert (fact["quota_status"], fact["balance"], fact["version"]) == (5, "1000.00", 2)
    assert (await audit.deeds(door.database))[-2:] == [("quota.change", quota_id)] * 2
    assert (await door.issue(quota_id, ["c1"])).json()["error_code"] == "CBC.99000012"
    await door.set_status(quota_id, 0)
    assert (await door.issue(quota_id, ["c1"])).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "CBC.0100"),
        ({"quota_status": True}, 400, "CBC.0100"),
        ({"quota_status": 1}, 400, "CBC.0101"),
        ({"quota_status": "4"}, 400, "CBC.0100"),
        ({"expire_at": wire(NOW - timedelta(days=2))}, 400, "CBC.0100"),
        ({"expire_at": wire(NOW)}, 400, "CBC.0100"),
        ({"limits": {"no_such_limit": 1}}, 400, "CBC.0100"),
        ({"limits": {"charge_scenes": [3]}}, 400, "CBC.0101"),
        ({"limits": {"max_deduction_ratio": "0.5"}}, 400, "CBC.0100"),
        ({"limits": {"currency": "USD"}}, 400, "CBC.0100"),
        ({"quota_value": "1.00"}, 400, "CBC.0100"),
    ],
)
async def test_a_bad_change_is_refused_whole(
    door: VoucherDoor, body: dict[str, Any], status: int, code: str
) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    answer = await door.patch(f"/api/quotas/{quota_id}", body, ADMINISTRATOR)
    assert code_of(answer) == (status, code)
    assert (await door.quota(quota_id)).version == 1


async def test_a_quota_that_has_ended_keeps_its_limits_and_its_end(
    door: VoucherDoor, clock: StandingClock
) -> None:
    await settle_in(door)
    quota_id = await door.grant(expire_at=wire(NOW + timedelta(hours=1)))
    clock.forward(hours=1)
    refused: list[dict[str, Any]] = [
        {"limits": {}},
        {"expire_at": wire(LATER)},
        {"quota_status": 4},
    ]
    for body in refused:
        answer = await door.patch(f"/api/quotas/{quota_id}", body, ADMINISTRATOR)
        assert code_of(answer) == (409, "CHB.0409")
    assert code_of(await door.set_status("nowhere", 4)) == (404, "CHB.0404")


async def test_every_limit_is_kept_and_told_in_both_languages(door: VoucherDoor) -> None:
    """Break: leave a row out of the words."""
    assert set(LIMITS) == set(QuotaLimits.model_fields) == set(EVERY_LIMIT)
    await settle_in(door)
    limits = EVERY_LIMIT | {"accumulative_consumption": None}
    quota_id = await door.grant(quota_type=1, limits=limits)
    path = f"/api/quotas/{quota_id}"
    page = (await door.get(path)).json()
    assert {name: page["limits"][name] for name in limits} == limits
    chinese = (await door.get(path, headers={"X-Language": "zh_CN"})).json()["limit_texts"]
    told = {one["limit"]: one["text"] for one in page["limit_texts"]}
    assert set(told) == set(limits) - {"accumulative_consumption"}
    assert told["face_value_min"] == "A coupon is at least 1.00"
    assert {one["limit"]: one["key"] for one in chinese}["region_codes"] == "regionCode"
    assert all(one["text"] != told[one["limit"]] for one in chinese)
    query = {"quota_type": 1}
    listed = (await door.post("/v2/partners/coupon-quotas/query", query)).json()["quotas"][0]
    keys = {one["limit_key"]: one["limit_values"][0]["value1"] for one in listed["limit_infos"]}
    assert (keys["chargeScene"], keys["maxDeductionRatio"], keys["usageTimes"]) == (
        "1,2", "0.5", "1",
    )  # fmt: skip
    other = EVERY_LIMIT | {"max_deduction_ratio": None}
    assert (await door.grant(limits=other)) != quota_id


async def test_a_value_moves_while_it_is_adjusted_and_never_below_what_is_out(
    door: VoucherDoor,
) -> None:
    """Break: let `adjust` ask for `self.quota_value + amount < 0`."""
    await settle_in(door)
    quota_id = await door.grant("100.00")
    await door.coupon(quota_id, face=30)
    assert code_of(await adjust(door, quota_id, "1.00")) == (409, "CHB.0409")
    await door.set_status(quota_id, 4)
    assert code_of(await adjust(door, quota_id, "-70.01")) == (400, "CBC.99000013")
    lowered = (await adjust(door, quota_id, "-70.00")).json()
    assert (lowered["quota_value"], lowered["balance"]) == ("30.00", "0.00")
    raised = (await adjust(door, quota_id, 0.5, currency="CNY")).json()
    assert (raised["quota_value"], raised["balance"]) == ("30.50", "0.50")
    key = {"amount": "1.00", "reason": "once"}
    path = f"/api/quotas/{quota_id}/adjustments"
    for _ in range(2):
        assert (await door.post(path, key, ADMINISTRATOR, key="k")).status_code == 200
    assert await door.balances(quota_id) == ["1.50"]
    for amount in (0, "0.001", True, "1e99", "--1", "", None, "-", "- 1", 100_000_000_000):
        assert code_of(await adjust(door, quota_id, amount)) == (400, "CBC.0100"), amount
    assert code_of(await adjust(door, quota_id, 1, currency="USD")) == (400, "CBC.0100")
    assert code_of(await adjust(door, quota_id, 1, reason="")) == (400, "CBC.0100")
    assert code_of(await adjust(door, "nowhere", 1)) == (404, "CHB.0404")
    assert await door.is_balanced()
    assert (await audit.deeds(door.database)).count(("quota.adjust", quota_id)) == 3
    changed = await outbox.bodies(door.database, "voucher.quota_changed")
    assert [fact["quota_value"] for fact in changed] == ["100.00", "30.00", "30.50", "31.50"]


async def test_a_resellers_value_comes_from_its_parent_and_goes_there(door: VoucherDoor) -> None:
    await settle_in_below(door)
    parent = await door.grant("100.00", partner_id="dist")
    child = await door.child(parent, amount=60)
    await door.set_status(child, 4)
    assert (await adjust(door, child, "-10.00")).json()["balance"] == "50.00"
    assert await door.balances(parent, child) == ["50.00", "50.00"]
    assert code_of(await adjust(door, child, "50.01")) == (400, "CBC.99000013")
    assert (await adjust(door, child, "50.00")).json()["quota_value"] == "100.00"
    assert await door.balances(parent, child) == ["0.00", "100.00"]
    assert await door.is_balanced()


async def test_the_statement_runs_from_nothing_to_the_balance(door: VoucherDoor) -> None:
    """Break: count the balance of a page from 0."""
    await settle_in_below(door)
    parent = await door.grant("1000.00", partner_id="dist")
    child = await door.child(parent, amount=300)
    below: dict[str, Any] = {"indirect_partner_id": "r1", "by": DISTRIBUTOR}
    coupon_id = await door.coupon(child, face=100, **below)
    await door.post(
        "/v2/promotions/benefits/partner-coupons/reclaim",
        {"coupon_id": coupon_id, "indirect_partner_id": "r1"}, DISTRIBUTOR,
    )  # fmt: skip
    kept = await door.coupon(child, face=40, **below)
    await door.take_back([child])
    of_child = await movements(door, child, RESELLER)
    assert [(one["kind"], one["amount"], one["balance_after"]) for one in of_child] == [
        ("handed_out", "300.00", "300.00"), ("issued", "-100.00", "200.00"),
        ("returned", "100.00", "300.00"), ("issued", "-40.00", "260.00"),
        ("reclaimed", "-260.00", "0.00"),
    ]  # fmt: skip
    assert [one["coupon_id"] for one in of_child] == [None, coupon_id, coupon_id, kept, None]
    of_parent = await movements(door, parent, DISTRIBUTOR)
    assert [(one["kind"], one["amount"], one["balance_after"]) for one in of_parent] == [
        ("granted", "1000.00", "1000.00"), ("handed_out", "-300.00", "700.00"),
        ("reclaimed", "260.00", "960.00"),
    ]  # fmt: skip
    assert [one["child_quota_id"] for one in of_parent] == [None, child, child]
    path = f"/api/quotas/{child}/statement"
    first = (await door.get(f"{path}?limit=1", RESELLER)).json()["next"]
    for after in ("x", first + "A"):
        assert code_of(await door.get(f"{path}?after={after}", RESELLER)) == (400, "CBC.0100")
    foreign = await door.get(f"/api/quotas/{parent}/statement?after={first}", DISTRIBUTOR)
    assert code_of(foreign) == (400, "CBC.0100")


async def test_who_sees_and_who_changes_a_quota(door: VoucherDoor) -> None:
    """A distributor sees its resellers'; a reseller not what stands above, nor beside it."""
    await settle_in_below(door)
    parent = await door.grant(partner_id="dist")
    child, beside = await door.child(parent), await door.child(parent, "r2")
    seen = {
        (by.id, quota_id): (await door.get(f"/api/quotas/{quota_id}{path}", by)).status_code
        for by in (ADMINISTRATOR, DISTRIBUTOR, RESELLER, OTHER)
        for quota_id in (parent, child, beside)
        for path in ("", "/statement")
    }
    may = {("r1", child), *product(("administrator", "dist"), (parent, child, beside))}
    assert {pair for pair, status in seen.items() if status == 200} == may
    assert {status for pair, status in seen.items() if pair not in may} == {404}
    for by in (PARTNER, DISTRIBUTOR, customer("c1")):
        body = {"quota_status": 5}
        assert code_of(await door.patch(f"/api/quotas/{parent}", body, by)) == (403, "CBC.0151")
        path = f"/api/quotas/{parent}/adjustments"
        assert code_of(await door.post(path, {"amount": 1}, by)) == (403, "CBC.0151")
    assert code_of(await door.get(f"/api/quotas/{child}", customer("c1"))) == (403, "CBC.0151")


async def test_time_ends_a_quota_and_moves_nothing(door: VoucherDoor, clock: StandingClock) -> None:
    """Break: look for `expire_at < now`, or leave out the status."""
    await settle_in(door)
    ends = NOW + timedelta(days=1)
    quota_id = await door.grant(expire_at=wire(ends))
    frozen = await door.grant(expire_at=wire(ends))
    await door.set_status(frozen, 5)
    lasting = await door.grant()
    async with door.database.transaction() as session:
        assert await next_end(session) == ends
    await end_quotas(door.database, ends - timedelta(seconds=1))
    assert (await door.quota(quota_id)).quota_status == 0
    clock.forward(days=1)
    before = await door.issue(quota_id, ["c1"])
    await end_quotas(door.database, clock.now)
    await end_quotas(door.database, clock.now)
    after = await door.issue(quota_id, ["c1"])
    assert code_of(before) == code_of(after) == (400, "CBC.99000017")
    found = [(await door.quota(one)).quota_status for one in (quota_id, frozen, lasting)]
    assert found == [3, 5, 0]
    assert await door.balances(quota_id) == ["1000.00"]
    changed = await outbox.bodies(door.database, "voucher.quota_changed")
    assert [fact["quota_status"] for fact in changed] == [5, 3]
