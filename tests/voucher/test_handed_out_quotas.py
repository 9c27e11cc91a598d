"""What is handed out, as lists, the proof and the second wall tell it."""

from typing import Any

import pytest
from sqlalchemy import text

from chassis.errors import NotFoundError
from chassis.identity import Principal
from testkit.clock import StandingClock
from testkit.door import code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    HANDED_OUT,
    NOW,
    QUOTA_RECORDS,
    RESELLER,
    RESERVE,
    VoucherDoor,
    customer,
    hear,
    paid,
    reservation,
    settle_in_below,
    wire,
)
from tests.voucher.test_hand_out_quotas import BELOW, OTHER_DISTRIBUTOR, parent_of
from voucher.quotas.find_quota import find_quota
from voucher.quotas.list_coupon_quotas_records import (
    ListCouponQuotasRecords,
    list_coupon_quotas_records,
)
from voucher.quotas.list_issued_coupon_quotas import (
    ListIssuedCouponQuotas,
    list_issued_coupon_quotas,
)
from voucher.quotas.reclaim_coupon_quotas import (
    NothingReclaimedError,
    ReclaimCouponQuotas,
    reclaim_coupon_quotas,
)
from voucher.quotas.update_coupon_quotas import (
    HandOutRefusedError,
    UpdateCouponQuotas,
    update_coupon_quotas,
)

pytestmark = pytest.mark.postgres

PLANTED = [
    ("UPDATE quotas SET balance = balance + 0.01 WHERE id = :child", 3),
    ("UPDATE quotas SET quota_value = quota_value + 0.01 WHERE id = :child", 5),
    ("UPDATE quotas SET returned_amount = returned_amount + 0.01 WHERE id = :gone", 5),
    ("UPDATE quotas SET balance = 0.01 WHERE id = :gone", 4),
    ("UPDATE quotas SET distributor_id = 'other' WHERE id = :child", 1),
    ("UPDATE quotas SET parent_quota_id = NULL WHERE id = :child", 2),
    ("UPDATE coupons SET face_value = face_value + 0.01", 1),
    (
        "UPDATE postings SET amount = amount - 0.01 WHERE account_kind = 'redeemed'",
        3,
    ),
    ("UPDATE movements SET kind = 'handed_out' WHERE kind = 'reclaimed'", 2),
]


@pytest.mark.parametrize(("planted", "told"), PLANTED)
async def test_the_proof_finds_a_cent_in_each_rule_about_children(
    door: VoucherDoor, planted: str, told: int
) -> None:
    await settle_in_below(door)
    parent = await parent_of(door)
    child, gone = await door.child(parent), await door.child(parent, "r2")
    await door.take_back([gone])
    coupon_id = await door.coupon(child, face=50, **BELOW)
    await door.post(RESERVE, reservation("a1", [coupon_id], "30.00"), customer("c1", "r1"))
    await hear(door.database, paid("a1", {coupon_id: "30.00"}))
    assert await door.is_balanced()
    named = {"child": child, "gone": gone}
    async with door.database.transaction() as session:
        await session.execute(
            text(planted), {name: one for name, one in named.items() if f":{name}" in planted}
        )
    proof = await door.proof()
    assert not proof["balanced"]
    assert len(proof["differences"]) == told, proof["differences"]


async def test_the_lists_of_hand_outs(door: VoucherDoor, clock: StandingClock) -> None:
    await settle_in_below(door)
    parent, beside = await parent_of(door), await parent_of(door)
    first = await door.child(parent)
    clock.forward(seconds=1)
    second = await door.child(beside, "r2", "5.50")
    clock.forward(seconds=1)
    await door.take_back([first], remark="wrong")

    async def listed(path: str, key: str, by: Principal = DISTRIBUTOR) -> list[dict[str, Any]]:
        answer = await door.get(path, by)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()[key]
        assert answer.json()["total_count"] >= len(found)
        return found

    newest, oldest = await listed(HANDED_OUT, "quotas")
    assert (newest["quota_id"], oldest["quota_id"]) == (second, first)
    assert (oldest["quota_status"], oldest["balance"], oldest["quota_value"]) == (6, 0.0, 100.0)
    assert (newest["indirect_partner_id"], newest["indirect_partner_name"]) == ("r2", "r2")
    assert (newest["parent_quota_id"], newest["indirect_partner_account_name"]) == (beside, "r2")
    for query, ids in (
        (f"quota_id={first}", [first]), (f"parent_quota_id={beside}", [second]),
        ("indirect_partner_id=r1", [first]), ("parent_quota_id=", []), (f"quota_id={parent}", []),
        ("limit=1&offset=1", [first]),
    ):  # fmt: skip
        found = await listed(f"{HANDED_OUT}?{query}", "quotas")
        assert [one["quota_id"] for one in found] == ids, query
    assert await listed(HANDED_OUT, "quotas", OTHER_DISTRIBUTOR) == []
    records = await listed(QUOTA_RECORDS, "records")
    assert [(one["operation_type"], one["amount"], one["result"]) for one in records] == [
        ("11", 100.0, "0"), ("10", 5.5, "0"), ("10", 100.0, "0"),
    ]  # fmt: skip
    assert (records[0]["remark"], records[0]["quota_id"]) == ("wrong", first)
    for query, count in (
        ("operation_type=10", 2), ("operation_type=99", 3), (f"quota_id={first}", 2),
        (f"parent_quota_id={beside}", 1), ("indirect_partner_id=r2", 1), ("parent_quota_id=", 0),
        (f"operation_time_begin={wire(NOW)}", 2), (f"operation_time_end={wire(NOW)}", 0),
    ):  # fmt: skip
        found = await listed(f"{QUOTA_RECORDS}?{query}", "records")
        assert len(found) == count, query
    assert await listed(QUOTA_RECORDS, "records", OTHER_DISTRIBUTOR) == []
    for path in (HANDED_OUT, QUOTA_RECORDS):
        foreign = await door.get(f"{path}?indirect_partner_id=x1", DISTRIBUTOR)
        assert code_of(foreign) == (400, "CBC.99000037")
    asked = {"indirect_partner_id": "r1"}
    own = await door.post("/v2/partners/coupon-quotas/query", asked, DISTRIBUTOR)
    assert own.json()["quotas"] == []


async def test_the_second_wall_keeps_resellers_apart(door: VoucherDoor) -> None:
    """Past every query: what each may see of quotas, records, movements and postings."""
    await settle_in_below(door)
    parent = await parent_of(door)
    child, beside = await door.child(parent), await door.child(parent, "r2")
    await door.take_back([beside])
    seen: dict[str, list[int]] = {}
    for by in (DISTRIBUTOR, RESELLER, OTHER_DISTRIBUTOR):
        async with door.database.transaction_as(by) as session:
            seen[by.id] = [
                await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
                for table in ("quotas", "quota_records", "movements", "postings")
            ]
    assert seen == {"dist": [3, 3, 4, 8], "r1": [1, 0, 1, 2], "other": [0, 0, 0, 0]}
    assert child != beside


async def test_the_first_wall_stands_alone(door: VoucherDoor) -> None:
    """The queries' own conditions, where no rule of the database binds the session.

    Break: take the distributor out of a list's query, or `visible` out of `find_quota`.
    """
    await settle_in_below(door)
    child = await door.child(await parent_of(door))
    quotas, records = ListIssuedCouponQuotas(), ListCouponQuotasRecords()
    seen = {}
    async with door.database.transaction() as session:
        for by in (DISTRIBUTOR, OTHER_DISTRIBUTOR):
            listed = await list_issued_coupon_quotas(session, by, quotas, NOW)
            told = await list_coupon_quotas_records(session, by, records)
            seen[by.id] = (listed["total_count"], told["total_count"])
        with pytest.raises(NotFoundError):
            await find_quota(session, OTHER_DISTRIBUTOR, child)
        with pytest.raises(HandOutRefusedError):
            wanted = {"quota_id": child, "indirect_partner_ids": ["x1"], "quota_amount": "1.00"}
            body = UpdateCouponQuotas.model_validate(wanted)
            await update_coupon_quotas(session, OTHER_DISTRIBUTOR, body, NOW)
        with pytest.raises(NothingReclaimedError):
            taken = ReclaimCouponQuotas.model_validate({"quota_ids": [child]})
            await reclaim_coupon_quotas(session, OTHER_DISTRIBUTOR, taken, NOW)
    assert seen == {"dist": (1, 1), "other": (0, 0)}
