"""Issuing: partial success, whole refusals, and a quota that is never overdrawn."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.customer import CustomerUpdated
from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    DISTRIBUTOR,
    ISSUE,
    NOW,
    OTHER,
    PARTNER,
    RECORDS,
    VoucherDoor,
    about_customer,
    associated,
    customer,
    hear,
    joined,
    rows_of,
    settle_in,
    wire,
)
from voucher.coupons.models import Coupon, CouponRecord
from voucher.ledger.models import Movement, Posting
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres


async def test_a_coupon_is_usable_at_once_and_the_quota_has_less(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant("100.00")
    answer = await door.issue(quota_id, ["c1"], 100.0 - 62.5, memo="hello")
    assert answer.status_code == 200
    assert answer.json()["error_details"] == []
    [info] = answer.json()["coupon_infos"]
    assert info["id"] == "c1"
    coupon = await door.held(info["coupon_id"])
    assert coupon.status == 2
    assert coupon.face_value == coupon.balance == Decimal("37.50")
    assert (await door.quota(quota_id)).balance == Decimal("62.50")
    [event] = await outbox.bodies(door.database, "voucher.issued")
    assert event["coupon_id"] == coupon.id
    assert event["face_value"] == "37.50"
    assert event["quota_balance"] == "62.50"
    assert await door.is_balanced()


async def test_a_batch_is_partial_when_the_quota_runs_out(door: VoucherDoor) -> None:
    """docs/domain/worked-examples.md F.6. Break: refuse the whole request."""
    await settle_in(door, "c1", "c2", "c3")
    quota_id = await door.grant("100.00")
    answer = await door.issue(quota_id, ["c1", "c2", "c3"], 40)
    assert answer.status_code == 200
    assert [info["id"] for info in answer.json()["coupon_infos"]] == ["c1", "c2"]
    [detail] = answer.json()["error_details"]
    assert (detail["id"], detail["error_code"]) == ("c3", "CBC.99000013")
    assert detail["error_msg"]
    assert (await door.quota(quota_id)).balance == Decimal("20.00")
    assert await door.is_balanced()
    records = (await door.get(f"{RECORDS}?result=-1")).json()
    assert records["total_count"] == 1
    assert records["records"][0]["customer_id"] == "c3"
    await door.set_status(quota_id, 4)
    whole = await door.issue(quota_id, ["c1"], 10)
    assert (whole.status_code, whole.json()["error_code"]) == (400, "CBC.99000012")


async def test_customers_that_may_not_receive_are_told_one_by_one(door: VoucherDoor) -> None:
    await hear(
        door.database,
        joined("sp"),
        joined("other"),
        associated("own"),
        associated("referral", association_type="1"),
        associated("foreign", partner_id="other"),
        associated("gone", association_status="unlinked"),
        associated("custody", enterprise_master_id="own", financial_custody=True),
        associated("member", enterprise_master_id="own"),
        associated("pending", association_status="pending"),
    )
    quota_id = await door.grant()
    asked = ["own", "referral", "foreign", "gone", "custody", "nobody", "member", "pending"]
    answer = await door.issue(quota_id, asked, 10)
    assert [info["id"] for info in answer.json()["coupon_infos"]] == ["own", "member"]
    codes = {d["id"]: d["error_code"] for d in answer.json()["error_details"]}
    assert codes == {
        "referral": "CBC.99000014",
        "foreign": "CBC.99000035",
        "gone": "CBC.99000035",
        "custody": "CBC.50000034",
        "nobody": "CBC.99000035",
        "pending": "CBC.99000000",
    }
    assert (await door.quota(quota_id)).balance == Decimal("980.00")


async def test_a_custody_member_that_left_its_master_receives_coupons(door: VoucherDoor) -> None:
    member: dict[str, Any] = {"enterprise_master_id": "m", "financial_custody": True}
    await hear(door.database, joined("sp"), associated("c1", **member))
    quota_id = await door.grant()
    [refused] = (await door.issue(quota_id, ["c1"], 10)).json()["error_details"]
    assert refused["error_code"] == "CBC.50000034"
    assert (await door.quota(quota_id)).balance == Decimal("1000.00")
    await hear(door.database, about_customer(CustomerUpdated, "c1", 2))
    assert len((await door.issue(quota_id, ["c1"], 10)).json()["coupon_infos"]) == 1


@pytest.mark.usefixtures("long_waits")
async def test_a_customer_that_was_just_created_is_waited_for(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"))
    quota_id = await door.grant()
    issuing = asyncio.create_task(door.issue(quota_id, ["new"], 10))
    await asyncio.sleep(0.1)
    await hear(door.database, associated("new"))
    assert [info["id"] for info in (await issuing).json()["coupon_infos"]] == ["new"]


@pytest.mark.parametrize(
    ("limits", "request_more", "code"),
    [
        ({"face_value_min": "50.01"}, {}, "CBC.99000018"),
        ({"face_value_max": "49.99"}, {}, "CBC.99000019"),
        ({"cloud_service_types": ["a"]}, {"cloud_service_types": ["a", "b"]}, "CBC.99000023"),
        ({"product_ids": ["p"]}, {"product_ids": ["q"]}, "CBC.99000023"),
        ({"excluded_product_ids": ["p"]}, {"product_ids": ["p"]}, "CBC.99000023"),
        ({"customer_ids": ["c9"]}, {}, "CBC.50000020"),
        ({"first_associated_only": True}, {"customer_ids": ["c2"]}, "CBC.99000022"),
        ({}, {"valid_time": wire(NOW - timedelta(days=2))}, "CBC.99000017"),
        ({}, {"expire_time": wire(NOW + timedelta(days=999))}, "CBC.99000017"),
        ({}, {"expire_time": wire(NOW)}, "CBC.0100"),
        ({}, {"customer_ids": ["sp"]}, "CBC.99000025"),
        ({}, {"customer_ids": ["c1", "c1"]}, "CBC.0100"),
        ({}, {"customer_ids": []}, "CBC.0100"),
        ({}, {"face_value": 50.001}, "CBC.0100"),
        ({}, {"face_value": 0}, "CBC.0100"),
        ({}, {"face_value": True}, "CBC.0100"),
        ({}, {"product_ids": [str(n) for n in range(11)]}, "CBC.0100"),
    ],
)
async def test_a_rule_of_the_quota_refuses_the_whole_request(
    door: VoucherDoor, limits: dict[str, Any], request_more: dict[str, Any], code: str
) -> None:
    again = NOW - timedelta(days=1)
    await settle_in(door, "c1", "c2")
    await hear(door.database, associated("c2", 2, associated_on=again))
    quota_id = await door.grant(limits=limits)
    answer = await door.issue(quota_id, ["c1"], 50, **request_more)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert (await door.quota(quota_id)).balance == Decimal("1000.00")
    assert await rows_of(door.database, Coupon) == 0
    assert await rows_of(door.database, CouponRecord) == 0
    assert await rows_of(door.database, Movement) == 1  # the grant


@pytest.mark.parametrize("status", [3, 4, 5, 6])
async def test_a_quota_in_another_status_issues_nothing(door: VoucherDoor, status: int) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    async with door.database.transaction() as session:
        (await session.get_one(Quota, quota_id)).quota_status = status
    answer = await door.issue(quota_id, ["c1"])
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99000012")


async def test_a_quota_of_another_partner_is_as_missing_as_one_that_does_not_exist(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    await hear(door.database, joined("other"))
    quota_id = await door.grant()
    foreign = await door.issue(quota_id, ["c1"], by=OTHER)
    missing = await door.issue("no-such-quota", ["c1"], by=OTHER)
    assert foreign.status_code == missing.status_code == 400
    assert foreign.json() == missing.json()
    assert foreign.json()["error_code"] == "CBC.99000012"


async def test_before_its_time_a_quota_issues_nothing(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant(effective_at=wire(NOW + timedelta(seconds=1)))
    answer = await door.issue(quota_id, ["c1"])
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99000017")


async def test_count_and_total_limits_leave_out_what_came_back(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    limits = {"coupons_max": 2, "total_per_customer_max": "60.00"}
    quota_id = await door.grant(limits=limits)
    first = await door.coupon(quota_id, "c1", 40)
    too_much = await door.issue(quota_id, ["c1"], 20.01)
    assert too_much.json()["error_details"][0]["error_code"] == "CBC.99000021"
    await door.coupon(quota_id, "c2", 20)
    too_many = await door.issue(quota_id, ["c2"], 1)
    assert too_many.json()["error_details"][0]["error_code"] == "CBC.99000020"
    assert (await door.reclaim(first)).status_code == 204
    await door.coupon(quota_id, "c1", 60)
    assert await door.is_balanced()


@pytest.mark.parametrize(
    ("partner", "code"),
    [
        ({"coupon_mode": "use_vouchers"}, "CBC.50000010"),
        ({"status": "restricted"}, "CBC.50010085"),
        ({"is_test_account": True}, "CBC.99005035"),
    ],
)
async def test_a_partner_in_no_standing_to_issue_is_refused(
    door: VoucherDoor, partner: dict[str, Any], code: str
) -> None:
    await hear(door.database, joined("sp", **partner), associated("c1"))
    quota_id = await door.grant()
    answer = await door.issue(quota_id, ["c1"])
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert await rows_of(door.database, Coupon) == 0


@pytest.mark.parametrize("by", [customer("c1"), ADMINISTRATOR])
async def test_only_partners_issue(door: VoucherDoor, by: Any) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    answer = await door.issue(quota_id, ["c1"], by=by)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0151")


async def test_a_distributor_issues_for_its_own_reseller_only(door: VoucherDoor) -> None:
    await hear(
        door.database,
        joined("dist", "distributor"),
        joined("mine", "reseller", distributor_id="dist"),
        joined("theirs", "reseller", distributor_id="elsewhere"),
        associated("c1", partner_id="mine", distributor_id="dist"),
    )
    quota_id = await door.grant(partner_id="mine")
    foreign = await door.issue(quota_id, ["c1"], by=DISTRIBUTOR, indirect_partner_id="theirs")
    assert (foreign.status_code, foreign.json()["error_code"]) == (400, "CBC.99000037")
    own = await door.issue(quota_id, ["c1"], by=DISTRIBUTOR, indirect_partner_id="mine")
    assert len(own.json()["coupon_infos"]) == 1, own.text
    as_itself = await door.issue(quota_id, ["c1"], by=DISTRIBUTOR)
    assert as_itself.json()["error_code"] == "CBC.99000012"


async def test_for_who_is_no_distributor_the_reseller_is_ignored(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    answer = await door.issue(quota_id, ["c1"], indirect_partner_id="whoever")
    assert len(answer.json()["coupon_infos"]) == 1


async def test_a_named_customer_must_be_the_resellers(door: VoucherDoor) -> None:
    await hear(
        door.database,
        joined("dist", "distributor"),
        joined("mine", "reseller", distributor_id="dist"),
        associated("c1", partner_id="second", distributor_id="dist"),
    )
    quota_id = await door.grant(partner_id="mine", limits={"customer_ids": ["c1"]})
    answer = await door.issue(quota_id, ["c1"], by=DISTRIBUTOR, indirect_partner_id="mine")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.50000021")


async def test_parallel_issues_never_overdraw_the_quota(door: VoucherDoor) -> None:
    names = [f"c{n}" for n in range(12)]
    await settle_in(door, *names)
    quota_id = await door.grant("100.00")
    answers = await asyncio.gather(*(door.issue(quota_id, [name], 30) for name in names))
    done = [a for a in answers if a.json()["coupon_infos"]]
    refused = [a.json()["error_details"][0]["error_code"] for a in answers if a not in done]
    assert len(done) == 3
    assert refused == ["CBC.99000013"] * 9
    assert (await door.quota(quota_id)).balance == Decimal("10.00")
    assert await rows_of(door.database, Posting) == 2 * (1 + 3)
    assert await door.is_balanced()


async def test_a_coupon_refused_by_the_balance_does_not_count(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2", "c3")
    quota_id = await door.grant("50.00", limits={"coupons_max": 2})
    await door.issue(quota_id, ["c1"], 40)
    refused = await door.issue(quota_id, ["c2", "c3"], 20)
    assert [d["error_code"] for d in refused.json()["error_details"]] == ["CBC.99000013"] * 2


async def test_a_body_without_anything_is_refused(door: VoucherDoor) -> None:
    answer = await door.post(ISSUE, {}, PARTNER)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")


async def test_the_count_limit_holds_within_one_batch(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant(limits={"coupons_max": 1})
    answer = await door.issue(quota_id, ["c1", "c2"], 10)
    assert [info["id"] for info in answer.json()["coupon_infos"]] == ["c1"]
    assert answer.json()["error_details"][0]["error_code"] == "CBC.99000020"
