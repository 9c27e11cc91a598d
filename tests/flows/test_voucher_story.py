"""A quota's way down and back, told by the official SDK through all services and the real Kafka.

Granted, handed out, issued, paid with, refunded, restored, recalled, reclaimed.
"""

from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkbss.v2 import (
    AdjustCouponQuotasReq,
    CancelResourcesSubscriptionRequest,
    CreatePartnerCouponsReq,
    CreatePartnerCouponsRequest,
    ListCouponQuotasRecordsRequest,
    ListCustomerCouponChangeRecordsRequest,
    ListIssuedCouponQuotasRequest,
    ListIssuedPartnerCouponsRequest,
    ListPayPerUseCustomerResourcesRequest,
    QueryResourcesReq,
    ReclaimCouponQuotasReq,
    ReclaimCouponQuotasRequest,
    ReclaimPartnerCouponsReq,
    ReclaimPartnerCouponsRequest,
    UnsubscribeResourcesReq,
    UpdateCouponQuotasRequest,
)

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import Customer, coupons_of, create_customer, pay, place_order, quota_balance

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def money(value: Any) -> Decimal:
    return Decimal(str(value))


def hand_out(distributor: Caller, quota_id: str, reseller_id: str, amount: str) -> str:
    body = AdjustCouponQuotasReq(quota_id, [reseller_id], amount)
    done = distributor.bss.update_coupon_quotas(UpdateCouponQuotasRequest(body))
    [child] = done.simple_quota_infos
    assert child.id == reseller_id
    return str(child.quota_id)


def issue(distributor: Caller, quota_id: str, customer_id: str, reseller_id: str) -> str:
    body = CreatePartnerCouponsReq(quota_id, [customer_id], "500.00")
    body.indirect_partner_id = reseller_id
    done = distributor.bss.create_partner_coupons(CreatePartnerCouponsRequest(body))
    assert done.error_details in (None, []), done
    return str(done.coupon_infos[0].coupon_id)


def give_back(customer: Customer, order_id: str) -> None:
    """All that the order opened, within five days of it."""
    asked = ListPayPerUseCustomerResourcesRequest(QueryResourcesReq(order_id=order_id))
    bss = customer.caller.bss
    [opened] = eventually(lambda: bss.list_pay_per_use_customer_resources(asked).data, bool)
    wanted = UnsubscribeResourcesReq([opened.resource_id], unsubscribe_type=1)
    bss.cancel_resources_subscription(CancelResourcesSubscriptionRequest(wanted))


def test_a_quotas_money_goes_down_to_a_payment_and_all_the_way_back(stage: Stage) -> None:
    distributor = stage.partner("distributor")
    reseller = stage.partner("reseller", distributor_id=distributor.domain_id)
    customer = create_customer(stage, distributor, indirect_partner_id=reseller.domain_id)
    below = {"indirect_partner_id": reseller.domain_id}
    parent = stage.quota(distributor.domain_id, "1000.00")

    child = hand_out(distributor, parent, reseller.domain_id, "600.00")
    assert money(quota_balance(distributor, parent)) == 400
    coupon = issue(distributor, child, customer.id, reseller.domain_id)
    stage.authorize(reseller, customer.caller)
    order = place_order(reseller, customer.id)
    price = money(order["amount_after_discount"])
    pay(customer.caller, order["order_id"], coupon)

    def issued() -> Any:
        asked = ListIssuedPartnerCouponsRequest(coupon_id=coupon, **below)
        [found] = distributor.bss.list_issued_partner_coupons(asked).user_coupons
        return found

    assert 0 < price < 500
    eventually(issued, lambda seen: money(seen.balance) == 500 - price)
    give_back(customer, order["order_id"])
    restored = eventually(issued, lambda seen: money(seen.balance) == 500)
    assert restored.status == 2
    asked = ListCustomerCouponChangeRecordsRequest(balance_type="BALANCE_TYPE_COUPON")
    told = customer.caller.bss.list_customer_coupon_change_records(asked).records
    assert [(one.trade_detail_type, money(one.change_amount)) for one in told] == [
        ("SOURCE_OPERAIION_UNSUBSCRIBE", price), ("SOURCE_OPERAIION_DEDEUCT", price),
        ("SOURCE_OPERAIION_PRIZE", Decimal(500)),
    ]  # fmt: skip

    recalled = ReclaimPartnerCouponsReq(coupon, **below)
    distributor.bss.reclaim_partner_coupons(ReclaimPartnerCouponsRequest(recalled))
    assert coupon not in coupons_of(customer.caller)
    assert (issued().status, money(issued().balance)) == (5, Decimal(0))
    wanted = ReclaimCouponQuotasRequest(ReclaimCouponQuotasReq([child], "the end"))
    [back] = distributor.bss.reclaim_coupon_quotas(wanted).simple_quota_infos
    assert (back.quota_id, money(back.quota_balance)) == (child, Decimal(0))
    assert money(quota_balance(distributor, parent)) == 1000
    bss = distributor.bss
    [kept] = bss.list_issued_coupon_quotas(ListIssuedCouponQuotasRequest(quota_id=child)).quotas
    assert (kept.quota_status, money(kept.balance)) == (6, Decimal(0))
    records = bss.list_coupon_quotas_records(ListCouponQuotasRecordsRequest(quota_id=child)).records
    assert sorted((one.operation_type, money(one.amount)) for one in records) == [
        ("10", Decimal(600)), ("11", Decimal(600)),
    ]  # fmt: skip
    history = distributor.get(f"/api/coupons/{coupon}/history")["history"]
    assert [one["event"] for one in history] == [
        "issued", "held", "redeemed", "restored", "recalled",
    ]  # fmt: skip
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True
