"""What partners and customers see, and which coupons an order may use."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.order import OrderCancelled, OrderReviewed
from testkit.clock import StandingClock
from tests.voucher.builders import (
    ISSUE,
    NOW,
    ORDER_COUPONS,
    OTHER,
    OWN,
    PARTNER,
    RECORDS,
    RESERVE,
    VoucherDoor,
    about_order,
    an_order_line,
    associated,
    created,
    customer,
    hear,
    joined,
    paid,
    reservation,
    settle_in,
    wire,
)
from voucher.coupons.models import Coupon
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres

QUOTAS = "/v2/partners/coupon-quotas/query"


async def test_quotas_are_the_partners_own_newest_first_and_cash_unless_asked(
    door: VoucherDoor,
) -> None:
    await hear(door.database, joined("sp"), joined("other"))
    first, second = await door.grant("10.10"), await door.grant()
    flexi = await door.grant(quota_type=1, limits={"cloud_service_types": ["a", "b"]})
    await door.grant(partner_id="other")
    found = (await door.post(QUOTAS, {})).json()
    assert found["total_count"] == 2
    assert [quota["quota_id"] for quota in found["quotas"]] == [second, first]
    assert found["quotas"][1]["balance"] == 10.1
    assert found["quotas"][0]["effective_time"] == wire(NOW - timedelta(days=1))
    [other_type] = (await door.post(QUOTAS, {"quota_type": 1})).json()["quotas"]
    assert other_type["quota_id"] == flexi
    assert other_type["limit_infos"] == [
        {"limit_key": "cloudServiceType", "limit_values": [{"value1": "a,b"}]}
    ]


async def test_a_quota_whose_time_is_over_shows_and_is_found_as_invalid(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"))
    over, _ = await door.grant(), await door.grant()
    async with door.database.transaction() as session:
        (await session.get_one(Quota, over)).expire_at = NOW
    found = (await door.post(QUOTAS, {"quota_status_list": [3]})).json()
    assert [(q["quota_id"], q["quota_status"]) for q in found["quotas"]] == [(over, 3)]


@pytest.mark.parametrize(
    ("begin", "end", "count"),
    [
        (NOW - timedelta(seconds=1), NOW + timedelta(seconds=1), 1),
        (NOW, None, 0),  # "greater than", "less than": exclusive on both ends
        (None, NOW, 0),
        (None, NOW + timedelta(seconds=1), 1),
    ],
)
@pytest.mark.parametrize("microseconds", [0, 1, 999_999])
async def test_time_filters_leave_out_both_ends(
    clock: StandingClock, door: VoucherDoor, begin: Any, end: Any, count: int, microseconds: int
) -> None:
    """Whole seconds count, as the lists show them, whatever was stored within one."""
    clock.forward(microseconds=microseconds)
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    given = {"create_time_begin": begin, "create_time_end": end}
    told = {name: wire(instant) for name, instant in given.items() if instant}
    assert (await door.post(QUOTAS, told)).json()["total_count"] == count
    query = "&".join(f"{name}={text}" for name, text in told.items())
    assert (await door.get(f"{ISSUE}?{query}")).json()["total_count"] == count
    query = query.replace("create_time", "operation_time")
    assert (await door.get(f"{RECORDS}?{query}&coupon_ids={coupon_id}")).json()[
        "total_count"
    ] == count
    query = query.replace("operation_time_begin", "active_start_time")
    query = query.replace("operation_time_end", "active_end_time")
    assert (await door.get(f"{OWN}?{query}", customer("c1"))).json()["count"] == count


async def test_the_body_of_a_list_may_be_missing(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"))
    await door.grant()
    answer = await door.post(QUOTAS)
    assert (answer.status_code, answer.json()["total_count"]) == (200, 1)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "status=6", "coupon_type=2",
              "coupon_id=", "create_time_begin=2026-11-23"],
)  # fmt: skip
async def test_a_bad_filter_is_refused(door: VoucherDoor, query: str) -> None:
    answer = await door.get(f"{ISSUE}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error_code"] in ("CBC.0100", "CBC.0101")


async def test_offset_is_a_record_index(door: VoucherDoor) -> None:
    names = [f"c{n}" for n in range(12)]
    await settle_in(door, *names)
    await door.issue(await door.grant(), names, 1)
    everything = (await door.get(f"{ISSUE}?limit=100")).json()["user_coupons"]
    found = (await door.get(f"{ISSUE}?limit=10&offset=1")).json()
    assert found["total_count"] == 12
    assert found["user_coupons"] == everything[1:11]


async def test_a_reclaimed_coupon_is_gone_for_the_customer_and_kept_for_the_partner(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face="12.30", memo="for partners only")
    [seen] = (await door.get(OWN, customer("c1"))).json()["user_coupons"]
    assert (seen["coupon_id"], seen["status"], seen["source_id"]) == (coupon_id, 2, "sp")
    assert (seen["face_value"], seen["balance"], seen["currency"]) == (12.3, 12.3, "CNY")
    assert "for partners only" not in str(seen)
    await door.reclaim(coupon_id)
    assert (await door.get(OWN, customer("c1"))).json() == {"count": 0, "user_coupons": []}
    assert (await door.get(f"{OWN}?status=5", customer("c1"))).json()["count"] == 0
    [kept] = (await door.get(f"{ISSUE}?status=5")).json()["user_coupons"]
    assert (kept["coupon_id"], kept["status"], kept["balance"]) == (coupon_id, 5, 0.0)


async def test_nobody_sees_anothers_coupons(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    coupon_id = await door.coupon(await door.grant())
    assert (await door.get(OWN, customer("c2"))).json()["count"] == 0
    assert (await door.get(f"{OWN}?coupon_id={coupon_id}", customer("c2"))).json()["count"] == 0
    assert (await door.get(f"{ISSUE}?coupon_id={coupon_id}", OTHER)).json()["total_count"] == 0
    assert (await door.get(f"{RECORDS}?coupon_ids={coupon_id}", OTHER)).json()["total_count"] == 0
    assert (await door.get(ISSUE, customer("c1"))).json()["error_code"] == "CBC.0151"
    # With its own credentials a partner asks for coupons that it holds itself.
    assert (await door.get(OWN, PARTNER)).json()["count"] == 0


async def test_issued_coupons_are_found_by_each_filter(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    used = await door.coupon(quota_id, "c1", 80)
    other = await door.coupon(quota_id, "c2")
    await door.reserve("a1", [used])
    await hear(door.database, paid("a1", {used: "80.00"}))

    async def ids(query: str) -> list[str]:
        answer = await door.get(f"{ISSUE}?{query}")
        return [coupon["coupon_id"] for coupon in answer.json()["user_coupons"]]

    assert await ids("customer_id=c2") == [other]
    assert await ids("customer_id=") == []  # an empty one is a filter
    assert await ids(f"coupon_id={other}") == [other]
    assert await ids("status=3") == [used]
    assert await ids("order_id=CS1") == [used]
    assert await ids("order_id=CS9") == []
    assert await ids("coupon_type=4") == []
    assert await ids("coupon_type=1") == [other, used]


async def test_ended_coupons_are_seen_for_twelve_months(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    await door.reclaim(coupon_id)
    for days, count in ((364, 1), (366, 0)):
        async with door.database.transaction() as session:
            (await session.get_one(Coupon, coupon_id)).ended_at = NOW - timedelta(days=days)
        assert (await door.get(ISSUE)).json()["total_count"] == count


async def test_records_tell_each_operation_with_its_amount(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=40, memo="why")
    await door.reclaim(coupon_id)
    found = (await door.get(f"{RECORDS}?quota_id={quota_id}")).json()
    assert [(r["operation_type"], r["operation_amount"]) for r in found["records"]] == [
        ("2", 40.0), ("1", 40.0),
    ]  # fmt: skip
    only = f"{RECORDS}?operation_types=1&operation_types=3&result=0&customer_id=c1"
    assert (await door.get(only)).json()["total_count"] == 1
    assert (await door.get(f"{RECORDS}?result=whatever")).json()["total_count"] == 2


async def test_a_flexi_coupon_has_the_code_of_its_place(door: VoucherDoor) -> None:
    """docs/domain/worked-examples.md F.13: 1 as a quota, 4 in lists, 302 when it pays."""
    await settle_in(door)
    quota_id = await door.grant(quota_type=1)
    coupon_id = await door.coupon(quota_id)
    quotas = await door.post("/v2/partners/coupon-quotas/query", {"quota_type": 1})
    assert [one["quota_type"] for one in quotas.json()["quotas"]] == [1]
    [shown] = (await door.get(OWN, customer("c1"))).json()["user_coupons"]
    assert shown["coupon_type"] == 4
    for kind, status in ((301, 400), (302, 200)):
        body = reservation("a1", [], "5.00") | {"coupons": [{"coupon_id": coupon_id, "type": kind}]}
        assert (await door.post(RESERVE, body, customer("c1"))).status_code == status, kind


async def test_an_order_is_told_which_coupons_it_may_use_and_how_many(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    fits = await door.coupon(quota_id, expire_time=wire(NOW + timedelta(days=2)))
    fits_later = await door.coupon(quota_id, cloud_service_types=["hws.service.type.ec2"])
    flexi = await door.coupon(await door.grant(quota_type=1))
    await door.coupon(quota_id, product_ids=["p9"])  # another product
    # 0.80 of the list price is paid by the catalogue's own reduction, which is no discount.
    compared = await door.coupon(await door.grant(limits={"min_consume_discount": "0.81"}))
    await door.coupon(quota_id, valid_time=wire(NOW + timedelta(seconds=1)))  # not yet
    await door.coupon(quota_id, "c2")
    locked = await door.coupon(quota_id)
    await door.reserve("a9", [locked], order="CS9")
    await hear(door.database, created("CS1"))
    found = (await door.get(f"{ORDER_COUPONS}?order_id=CS1", customer("c1"))).json()
    assert found["count"] == 4
    assert found["user_coupons"][0]["coupon_id"] == fits
    assert {coupon["coupon_id"] for coupon in found["user_coupons"]} == {
        fits,
        fits_later,
        flexi,
        compared,
    }
    assert found["coupon_max_use_quantity"] == [
        {"coupon_type": 1, "coupon_group": 0, "use_quantity_value": 1},
        {"coupon_type": 4, "coupon_group": 0, "use_quantity_value": 1},
    ]


async def test_the_coupons_of_an_order_are_for_its_customer_while_it_waits_for_payment(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    waiting = created("CS1", status=1, lines=[an_order_line()])
    await hear(door.database, waiting)
    path = f"{ORDER_COUPONS}?order_id=CS1"
    in_review = await door.get(path, customer("c1"))
    assert (in_review.status_code, in_review.json()["error_code"]) == (400, "CBC.99003106")
    await hear(door.database, about_order(OrderReviewed, "CS1", status=6), waiting)
    assert (await door.get(path, customer("c1"))).json()["count"] == 0
    assert (await door.get(path, customer("c2"))).json()["error_code"] == "CBC.30000010"
    assert (await door.get(path, PARTNER)).json()["error_code"] == "CBC.0151"
    await hear(door.database, about_order(OrderCancelled, "CS1", status=4))
    assert (await door.get(path, customer("c1"))).json()["error_code"] == "CBC.99003106"


async def test_an_order_is_known_by_its_id_in_any_case_and_a_member_by_its_own(
    door: VoucherDoor,
) -> None:
    """docs/domain/orders.md H.6, H.14: a member's id is refused as a payment refuses it."""
    await settle_in(door)
    lines = [an_order_line("l1", member_order_id="CS2"), an_order_line("l2", member_order_id="CS3")]
    await hear(door.database, created("CS1", lines=lines))
    asked = await door.get(f"{ORDER_COUPONS}?order_id=cs1", customer("c1"))
    assert (asked.status_code, asked.json()["count"]) == (200, 0)
    for member in ("CS2", "cs3"):
        refused = await door.get(f"{ORDER_COUPONS}?order_id={member}", customer("c1"))
        assert (refused.status_code, refused.json()["error_code"]) == (400, "CBC.99000089")
        foreign = await door.get(f"{ORDER_COUPONS}?order_id={member}", customer("c2"))
        assert (foreign.status_code, foreign.json()["error_code"]) == (400, "CBC.30000010")


async def test_an_unknown_order_is_refused_after_a_moment(door: VoucherDoor) -> None:
    answer = await door.get(f"{ORDER_COUPONS}?order_id=none", customer("c1"))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.30000010")


async def test_a_copy_ignores_what_is_older(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"))
    await hear(door.database, associated("c1", 5), associated("c1", 4, association_type="1"))
    assert await door.coupon(await door.grant())


async def test_a_request_without_identity_is_refused(door: VoucherDoor) -> None:
    answer = await door._client.get(ISSUE)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "CBC.0154")
