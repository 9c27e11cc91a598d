"""list_customer_orders, its older sibling, details and resources: who sees what, and how."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from order.copies import Customer
from order.orders.expire_orders import expire_orders
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door, code_of
from tests.order.builders import (
    DISTRIBUTOR,
    ORDERS,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    RESELLER,
    customer_principal,
    keep_customer,
    keep_reseller,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres
RESOURCES = "/v2/orders/suscriptions/resources/query"


async def listed(door: Door, principal: Any, **query: Any) -> list[str]:
    """The ids on the page; the total must agree with an unpaged list."""
    answer = await door.get(ORDERS, principal, query=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if not {"limit", "offset"} & set(query):
        assert body["total_count"] == len(body["order_infos"])
    return [order["order_id"] for order in body["order_infos"]]


async def test_an_order_is_shown_exactly_as_the_wire_has_it(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    pending = (await door.get(ORDERS, PARTNER)).json()["order_infos"][0]
    assert "payment_time" not in pending
    peers.coupons = {"CP1": (1, "5.50"), "CP2": (4, "1.00")}
    body = payment(order["order_id"], "CP1", flexi="CP2")
    await door.post(PAY, body, customer_principal(customer))

    answer = await door.get(ORDERS, PARTNER)
    assert answer.json() == {
        "total_count": 1,
        "order_infos": [
            {
                "order_id": order["order_id"],
                "customer_id": customer,
                "service_type_code": "hws.service.type.ec2",
                "service_type_name": "name of hws.service.type.ec2",
                "source_type": 2,
                "status": 3,
                "order_type": 1,
                "amount_after_discount": 85.0,
                "official_amount": 100.0,
                "measure_id": 1,
                "create_time": "2026-11-23T02:00:00Z",
                "payment_time": "2026-11-23T02:00:00Z",
                "currency": "CNY",
                "amount_info": {
                    "discounts": [{"discount_type": "900", "discount_amount": 15.0}],
                    "coupon_amount": 5.5,
                    "flexipurchase_coupon_amount": 1.0,
                    "stored_card_amount": 0.0,
                },
                "sub_order_infos": [],
                "agent_pay_info": {"is_agent_pay": False},
            }
        ],
    }
    assert b'"amount_after_discount":85.00' in answer.content  # a number, and a float to readers


async def test_a_partner_sees_its_resale_customers_orders_and_a_customer_its_own(
    door: Door, database: Database
) -> None:
    resale, other = await keep_customer(database), await keep_customer(database)
    foreign = await keep_customer(database, partner_id="p2")
    left = await keep_customer(database)
    ours = [(await place(door, c))["order_id"] for c in (resale, other)]
    theirs = (await place(door, foreign, principal=OTHER_PARTNER))["order_id"]
    of_left = (await place(door, left))["order_id"]
    async with database.transaction() as session:
        (await session.get_one(Customer, left)).association_type = "1"

    assert sorted(await listed(door, PARTNER)) == sorted(ours)
    assert await listed(door, OTHER_PARTNER) == [theirs]
    assert await listed(door, customer_principal(resale)) == [ours[0]]
    assert await listed(door, customer_principal(left)) == [of_left]
    assert await listed(door, PARTNER, customer_id=foreign) == []
    assert await listed(door, PARTNER, customer_id=other) == [ours[1]]
    assert await listed(door, customer_principal(resale), customer_id=other) == []
    administrator = await door.get(ORDERS, ADMINISTRATOR)
    assert code_of(administrator) == (403, "CBC.0151")

    for principal, order_id, seen in (
        (PARTNER, ours[0].lower(), True),
        (PARTNER, theirs, False),
        (PARTNER, of_left, False),
        (customer_principal(resale), ours[1], False),
        (customer_principal(left), of_left, True),
    ):
        detail = await door.get(f"{ORDERS}/details/{order_id}", principal)
        assert (detail.status_code == 200) is seen
        if not seen:
            assert detail.json()["error_code"] == "CBC.30000010"


async def test_a_distributor_names_the_reseller_whose_orders_it_wants(
    door: Door, database: Database
) -> None:
    await keep_reseller(database)
    await keep_reseller(database, "r2", above="d2")
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    order = (await place(door, customer, principal=DISTRIBUTOR))["order_id"]

    assert await listed(door, DISTRIBUTOR) == []
    assert await listed(door, DISTRIBUTOR, indirect_partner_id="r1") == [order]
    assert await listed(door, DISTRIBUTOR, indirect_partner_id="") == []
    # A reseller's API work is its distributor's; our own path is open to it.
    assert (await door.get(ORDERS, RESELLER)).status_code == 403
    assert (await door.get(f"/api/orders/{order}", RESELLER)).status_code == 200
    for foreign in ("r2", "nobody"):
        answer = await door.get(ORDERS, DISTRIBUTOR, query={"indirect_partner_id": foreign})
        assert code_of(answer) == (400, "CBC.99000037")
    detail = f"{ORDERS}/details/{order}"
    assert (await door.get(detail, DISTRIBUTOR)).status_code == 400
    assert (
        await door.get(detail, DISTRIBUTOR, query={"indirect_partner_id": "r1"})
    ).status_code == 200
    assert (await door.get(f"/api/orders/{order}", DISTRIBUTOR)).status_code == 200
    stranger = replace(DISTRIBUTOR, id="d2", partner_id="d2")
    hidden = await door.get(f"/api/orders/{order}", stranger)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "CHB.0404")


async def test_filters_narrow_the_list_and_empty_ones_do_not(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    compute = (await place(door, customer))["order_id"]
    clock.now += timedelta(hours=1)
    both = (await place(door, customer, [line("hws.service.type.ebs"), line()]))["order_id"]
    clock.now += timedelta(hours=1)
    await door.post(PAY, payment(both), customer_principal(customer))

    assert await listed(door, PARTNER) == [both, compute]
    assert await listed(door, PARTNER, order_by="createTime") == [compute, both]
    assert await listed(door, PARTNER, order_by="-CREATETIME") == [both, compute]
    assert await listed(door, PARTNER, order_id=compute.lower()) == [compute]
    assert await listed(door, PARTNER, order_id="", customer_id="", status="") == [both, compute]
    assert await listed(door, PARTNER, status=6) == [compute]
    assert await listed(door, PARTNER, status=3) == [both]
    assert await listed(door, PARTNER, order_type="1") == [both, compute]
    assert await listed(door, PARTNER, order_type="2") == []
    assert await listed(door, PARTNER, service_type_code="HWS.service.type.EBS") == [both]
    assert await listed(door, PARTNER, service_type_code="hws.service.type.ec2") == [
        both, compute,
    ]  # fmt: skip
    assert await listed(door, PARTNER, method="oneself") == [both, compute]
    assert await listed(door, PARTNER, method="sub_customer") == []
    at = {"create_time_begin": "2026-11-23T02:00:01Z", "create_time_end": "2026-11-23T03:00:00Z"}
    assert await listed(door, PARTNER, **at) == [both]
    assert await listed(door, PARTNER, payment_time_begin="2026-11-23T04:00:00Z") == [both]
    assert await listed(door, PARTNER, payment_time_end="2026-11-23T03:59:59Z") == []


async def test_the_offset_counts_records(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """docs/domain/worked-examples.md F.14: ten rows, limit 10, offset 1 → rows 2..10."""
    customer = await keep_customer(database)
    ids = []
    for _ in range(11):
        clock.now += timedelta(seconds=1)
        ids.append((await place(door, customer))["order_id"])
    ids.reverse()
    assert await listed(door, PARTNER, limit=100) == ids
    answer = await door.get(ORDERS, PARTNER)
    assert answer.json()["total_count"] == 11
    assert [o["order_id"] for o in answer.json()["order_infos"]] == ids[:10]
    assert await listed(door, PARTNER, limit=10, offset=1) == ids[1:]
    assert await listed(door, PARTNER, offset=11) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": 0}, "CBC.0100"),
        ({"limit": 101}, "CBC.0100"),
        ({"limit": "ten"}, "CBC.0100"),
        ({"offset": -1}, "CBC.0100"),
        ({"offset": 2147483648}, "CBC.0100"),
        ({"status": 10}, "CBC.0100"),
        ({"status": 2}, "CBC.0101"),
        ({"order_type": "99"}, "CBC.0101"),
        ({"order_by": "payTime"}, "CBC.0101"),
        ({"method": "both"}, "CBC.0101"),
        ({"create_time_begin": "2026-11-23"}, "CBC.0100"),
        ({"create_time_begin": "2025-11-23T00:00:00Z",
          "create_time_end": "2026-11-23T00:00:01Z"}, "CBC.0100"),
        ({"payment_time_begin": "2025-11-23T00:00:00Z",
          "payment_time_end": "2026-11-23T00:00:01Z"}, "CBC.0100"),
        ({"payment_time_begin": "2026-11-23T00:00:01Z",
          "payment_time_end": "2026-11-23T00:00:00Z"}, "CBC.0100"),
    ],
)  # fmt: skip
async def test_a_query_out_of_bounds_is_refused_not_clamped(
    door: Door, query: dict[str, Any], code: str
) -> None:
    answer = await door.get(ORDERS, PARTNER, query=query)
    assert code_of(answer) == (400, code)
    assert next(iter(reversed(query))) in answer.json()["error_msg"]


async def test_a_year_is_a_window(door: Door) -> None:
    year = {"create_time_begin": "2027-03-01T00:00:00Z", "create_time_end": "2028-03-01T00:00:00Z"}
    assert await listed(door, PARTNER, **year) == []


async def test_a_combined_order_lists_its_members_and_they_add_up(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    lines = [line(), line("hws.service.type.ebs", quantity=2), line()]
    order = await place(door, customer, lines)
    peers.coupons = {"CP1": (1, "33.33")}
    await door.post(PAY, payment(order["order_id"], "CP1"), customer_principal(customer))

    detail = (await door.get(f"{ORDERS}/details/{order['order_id']}", PARTNER)).json()
    [listed_order] = (await door.get(ORDERS, PARTNER)).json()["order_infos"]
    for whole in (detail["order_info"], listed_order):
        members = whole["sub_order_infos"]
        assert len(members) == 2
        assert {member["status"] for member in members} == {3}
        for name in ("official_amount", "amount_after_discount"):
            parts = sum(Decimal(str(member[name])) for member in members)
            assert parts == Decimal(str(whole[name]))
        parts = sum(Decimal(str(m["amount_info"]["coupon_amount"])) for m in members)
        assert parts == Decimal("33.33")
    ids = {member["order_id"] for member in detail["order_info"]["sub_order_infos"]}
    assert {item["order_id"] for item in detail["order_line_items"]} == ids
    for member in detail["order_info"]["sub_order_infos"]:
        path = f"{ORDERS}/details/{member['order_id'].lower()}"
        part = (await door.get(path, customer_principal(customer))).json()
        more = {"sub_order_infos": [], "user_name": detail["order_info"]["user_name"]}
        assert part["order_info"] == member | more
        own = [
            item for item in detail["order_line_items"] if item["order_id"] == member["order_id"]
        ]
        assert (part["total_count"], part["order_line_items"]) == (len(own), own)
        assert (await door.get(path, OTHER_PARTNER)).json()["error_code"] == "CBC.30000010"


async def test_details_page_through_the_lines(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, [line(quantity=n) for n in range(1, 13)])
    path = f"{ORDERS}/details/{order['order_id']}"
    first = (await door.get(path, PARTNER)).json()
    assert (first["total_count"], len(first["order_line_items"])) == (12, 10)
    assert first["order_info"]["user_name"] == "li.na"
    assert first["order_info"]["pending_payment_end_time"] == "2026-11-30T02:00:00Z"
    last = (await door.get(path, PARTNER, query={"limit": 5, "offset": 10})).json()[
        "order_line_items"
    ]
    assert [item["subscription_num"] for item in last] == [11, 12]
    assert last[0]["product_spec_desc"] == "words for s6.large.2.linux"
    assert last[0]["order_line_item_id"] == f"{order['order_id']}-000011"
    assert (last[0]["period_type"], last[0]["period_num"]) == (2, 1)
    refused = await door.get(path, PARTNER, query={"limit": 101})
    assert refused.json()["error_code"] == "CBC.0100"


@pytest.mark.parametrize(
    "query",
    [
        {"order_type": "1", "page_size": "2", "page_index": "2", "create_time_begin": ""},
        {"orderType": "1", "limit": "2", "offset": "2"},
    ],
)
async def test_the_older_list_speaks_camel_case_and_takes_both_spellings(
    door: Door, database: Database, clock: StandingClock, query: dict[str, str]
) -> None:
    customer = await keep_customer(database)
    orders = []
    for _ in range(3):
        clock.now += timedelta(seconds=1)
        orders.append(await place(door, customer))
    answer = await door.get("/v1.0/p1/common/order-mgr/orders/detail", PARTNER, query=query)
    body = answer.json()
    assert (body["error_code"], body["data"]["totalSize"]) == ("CBC.0000", 3)
    assert (body["data"]["pageIndex"], body["data"]["pageSize"]) == (2, 2)
    [shown] = body["data"]["orderInfos"]
    assert shown["orderId"] == orders[0]["order_id"]
    assert shown["customerId"] == customer
    assert (shown["currencyOfficial"], shown["currencyAfterDiscount"]) == (100.0, 85.0)
    assert shown["amountInfo"]["discountList"] == [{"discountType": "900", "discountAmount": 15.0}]
    assert all("_" not in name for name in shown)


async def test_the_older_path_must_name_the_caller(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    path = "/v1.0/{}/common/order-mgr/orders/detail"
    own = await door.get(path.format(customer), customer_principal(customer))
    assert own.json()["data"]["orderInfos"][0]["orderId"] == order["order_id"]
    for principal in (PARTNER, customer_principal(customer)):
        foreign = await door.get(path.format("p2"), principal)
        assert code_of(foreign) == (403, "CBC.0150")
    for query in ({"page_index": "0"}, {"pageIndex": "x"}, {"page_size": "101"}):
        bad = await door.get(path.format("p1"), PARTNER, query=query)
        assert code_of(bad) == (400, "CBC.0100")


async def test_period_resources_are_listed_by_their_filters(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    on_demand = line(charging_mode=3, period_type=None, period_num=None)
    lines = [line(measure_size=40), line("hws.service.type.ebs", period_num=2), on_demand]
    order = await place(door, customer, lines)
    await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))

    async def services(principal: Any, **body: Any) -> list[str]:
        answer = await door.post(RESOURCES, body, principal)
        assert answer.status_code == 200, answer.text
        return sorted(resource["service_type_code"] for resource in answer.json()["data"])

    compute, disk = "hws.service.type.ec2", "hws.service.type.ebs"
    mine = {"customer_id": customer}
    assert await services(PARTNER, **mine) == [disk, compute]
    assert await services(customer_principal(customer)) == [disk, compute]
    # Whose is ignored for customers, who see their own.
    assert await services(customer_principal(customer), customer_id="another") == [disk, compute]
    assert await services(OTHER_PARTNER, **mine) == []
    assert await services(PARTNER, **mine, service_type_code=disk.upper()) == [disk]
    assert await services(PARTNER, **mine, order_id=order["order_id"].lower()) == [disk, compute]
    assert await services(PARTNER, **mine, status_list=[4, 5]) == []
    assert await services(PARTNER, **mine, status_list=[2]) == [disk, compute]
    assert await services(PARTNER, **mine, expire_time_begin="2027-01-01T00:00:00Z") == [disk]
    assert await services(PARTNER, **mine, expire_time_end="2027-01-01T00:00:00Z") == [compute]
    answer = await door.post(RESOURCES, mine | {"service_type_code": compute}, PARTNER)
    [shown] = answer.json()["data"]
    assert (shown["spec_size_measure_id"], shown["is_main_resource"]) == (17, 1)
    assert shown["product_spec_desc"] == "words for s6.large.2.linux"
    assert (shown["status"], shown["expire_time"], shown["spec_size"]) == (
        2, "2026-12-23T15:59:59Z", 40.0,
    )  # fmt: skip
    assert await services(PARTNER, **mine, resource_ids=[shown["resource_id"]]) == [compute]
    for body, code in (({}, "CBC.0100"), (mine | {"status_list": [1]}, "CBC.0101")):
        answer = await door.post(RESOURCES, body, PARTNER)
        assert code_of(answer) == (400, code)


async def test_what_expired_is_shown_as_cancelled(
    door: Door, database: Database, clock: StandingClock
) -> None:
    order = await place(door, await keep_customer(database))
    await expire_orders(database, clock.now + timedelta(days=7))
    assert await listed(door, PARTNER, status=4) == [order["order_id"]]
