"""Discounts told by the official SDK through all services, and many payers of one order."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkbss import v2

from tests.flows.cast import Stage, eventually, lasting_cycle
from tests.flows.deeds import (
    ECS_MONTH,
    Customer,
    bill_lines,
    create_customer,
    issue_coupon,
    issued_coupon,
    order_of,
    place_order,
    transfer,
)
from tests.flows.test_killed_payments import money

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PAY = "/v3/orders/customer-orders/pay"
PAYERS = 64
COMPLETED, USABLE = 5, 2  # an order, a coupon
LOST = {"CBC.99003106", "CBC.99003112", "CBC.99008040"}


def granted(customer_id: str, kind: int, ratio: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "discount_type": kind, "discount_mode": 0,
        "discount_value": ratio, "name": "agreed",
    }  # fmt: skip


def setting(stage: Stage) -> tuple[Any, Customer, str, str]:
    """A partner, its customer with money and two discounts: the partner's and a commercial one."""
    partner = stage.partner()
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    stage.authorize(partner, customer.caller)
    own = partner.post("/api/discounts", granted(customer.id, 3, "0.9"))["discount_id"]
    ours = stage.admin("POST", "/api/discounts", granted(customer.id, 2, "0.8"))["discount_id"]
    return partner, customer, own, ours


def test_the_sdk_tells_an_order_from_its_quote_to_the_trace_of_its_refund(stage: Stage) -> None:
    """Quote, order, choose, pay, renew, unsubscribe, trace; every figure is the one before it.

    Break: offer the discounts of an order without those that the quote says, or trace a refund to
    the order of the resource for every period.
    """
    cycle = lasting_cycle()
    partner, customer, own, ours = setting(stage)
    coupon = issue_coupon(partner, stage.quota(partner.domain_id), customer.id, "50.00")
    asked = {"customer_id": customer.id, "lines": [ECS_MONTH]}
    quote = partner.post("/api/orders/quotes", asked)
    assert quote["refusals"] == []
    order = place_order(partner, customer.id)
    order_id, base = order["order_id"], Decimal(order["amount_after_discount"])
    assert Decimal(quote["amount_after_discount"]) == base

    client = customer.caller.bss
    listed = client.list_order_discounts(v2.ListOrderDiscountsRequest(order_id=order_id)).discounts
    assert {(one.discount_id, one.discount_type) for one in listed} == {(own, 3), (ours, 2)}
    (chosen,) = [one for one in listed if one.discount_id == ours]
    (part,) = chosen.orders[0].order_line_items
    assert (chosen.discount_value, Decimal(str(part.discount_ratio))) == ("0.8", Decimal("0.8"))
    off = Decimal(str(part.discount_amount))
    quoted = {one["discount_id"]: one["amount_after_discount"] for one in quote["discounts"]}
    assert Decimal(quoted[ours]) == base - off

    body = v2.PayCustomerOrderV3Req(
        order_id=order_id,
        use_coupon="YES",
        coupon_infos=[v2.CouponSimpleInfoOrderPayV3(id=coupon, type=301)],
        use_discount="YES",
        discount_infos=[v2.DiscountSimpleInfoV3(id=ours, type=2)],
    )
    client.pay_orders(v2.PayOrdersRequest(body=body))

    paid = order_of(partner, order_id)
    assert Decimal(str(paid.amount_after_discount)) == base - off
    shown = {one.discount_type: Decimal(str(one.discount_amount)) for one in (
        paid.amount_info.discounts
    )}  # fmt: skip
    assert shown["605"] == off
    (line,) = eventually(lambda: bill_lines(partner, customer.id, cycle), bool)
    assert Decimal(str(line.payment_amount)) == base - off
    assert Decimal(str(line.cash_amount)) == base - off - 50

    wanted = v2.ListPayPerUseCustomerResourcesRequest(v2.QueryResourcesReq(order_id=order_id))
    [resource] = eventually(lambda: client.list_pay_per_use_customer_resources(wanted).data, bool)
    eventually(lambda: order_of(partner, order_id).status, lambda status: status == COMPLETED)
    renewing = v2.RenewalResourcesReq(
        [resource.resource_id], period_type=2, period_num=1, is_auto_pay=1
    )
    [renewal_id] = client.renewal_resources(v2.RenewalResourcesRequest(renewing)).order_ids
    renewal = eventually(
        lambda: order_of(partner, renewal_id), lambda seen: seen.status == COMPLETED
    )
    assert Decimal(str(renewal.amount_after_discount)) == base - off, "the cheapest by itself"

    giving = v2.UnsubscribeResourcesReq([resource.resource_id], unsubscribe_type=1)
    [refund_id] = client.cancel_resources_subscription(
        v2.CancelResourcesSubscriptionRequest(giving)
    ).order_ids
    trace = client.show_refund_order_details(v2.ShowRefundOrderDetailsRequest(order_id=refund_id))
    rows = {row.base_order_id: row for row in trace.refund_infos}
    assert (set(rows), trace.total_count) == ({order_id, renewal_id}, 2)
    for row in trace.refund_infos:  # a new purchase within five days, and what has not begun
        assert (row.id is not None, Decimal(str(row.amount))) == (True, off - base)
    assert Decimal(str(order_of(partner, refund_id).amount_after_discount)) == 2 * (base - off)
    eventually(
        lambda: money(partner, customer.id), lambda seen: seen == (Decimal(5000), Decimal(0))
    )
    eventually(lambda: issued_coupon(partner, coupon).status, lambda status: status == USABLE)


def test_of_many_payers_with_coupons_and_discounts_one_wins(stage: Stage) -> None:
    """Break: leave out `earlier_attempts` in `_open_attempt`, and its unique index."""
    partner, customer, own, ours = setting(stage)
    quota = stage.quota(partner.domain_id)
    faces = ["10.00", "11.00", "12.00"]  # the same command twice in a second is a repeated one
    coupons = [issue_coupon(partner, quota, customer.id, face) for face in faces]
    path = f"/api/principals/{customer.id}/rate-limit"
    stage.admin("PUT", path, {"requests_per_second": 100_000})
    order = place_order(partner, customer.id)
    order_id, base = order["order_id"], Decimal(order["amount_after_discount"])
    discounts: list[dict[str, Any]] = [
        {"use_discount": "NO"},
        {"use_discount": "YES", "discount_infos": [{"id": own, "type": 3}]},
        {"use_discount": "YES", "discount_infos": [{"id": ours, "type": 2}]},
    ]

    def attempt(number: int) -> str:
        body = {
            "order_id": order_id, "use_coupon": "YES", "payer": number,  # a request of its own
            "coupon_infos": [{"id": coupons[number % 3], "type": 301}],
        } | discounts[number // 3 % 3]  # fmt: skip
        answer = customer.caller.call("POST", PAY, body)
        return "paid" if answer.status_code == 204 else str(answer.json()["error_code"])

    with ThreadPoolExecutor(PAYERS) as payers:
        ends = Counter(payers.map(attempt, range(PAYERS)))
    assert ends.pop("paid") == 1, ends
    assert ends.keys() <= LOST, ends

    paid = order_of(partner, order_id)
    off = sum(
        (Decimal(str(x.discount_amount)) for x in paid.amount_info.discounts
         if x.discount_type in ("605", "607")), Decimal(0),
    )  # fmt: skip
    assert Decimal(str(paid.amount_after_discount)) == base - off
    used = eventually(
        lambda: [issued_coupon(partner, coupon).status for coupon in coupons],
        lambda statuses: sorted(statuses) == [2, 2, 3],
    )
    money = 5000 - (base - off - Decimal(faces[used.index(3)]))
    eventually(
        lambda: customer.caller.get("/v2/accounts/customer-accounts/balances"),
        lambda page: (
            [
                Decimal(str(one["amount"]))
                for one in page["account_balances"]
                if one["account_type"] == 1
            ]
            == [money]
        ),
    )
    for proof in ("/api/ledger/proof", "/api/vouchers/proof"):
        assert stage.admin("GET", proof)["balanced"] is True
