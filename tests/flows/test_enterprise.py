"""An enterprise master makes a custody member: it receives no coupons, its master pays for it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from huaweicloudsdkbss.v2 import (
    CreatePartnerCouponsReq,
    CreatePartnerCouponsRequest,
    ListCustomerOrdersRequest,
    ListOrderCouponsByOrderIdRequest,
)
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import (
    PASSWORD,
    a_master,
    bill_lines,
    issue_coupon,
    issued_coupon,
    make_member,
    order_of,
    pay,
    place_order,
    transfer,
)
from wire.times import cycle_of

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def refused_code(partner: Caller, quota_id: str, customer_id: str) -> str | None:
    """Why the customer gets no coupon; None when it got one. Each ask is signed again."""
    body = CreatePartnerCouponsReq(
        quota_id=quota_id, customer_ids=[customer_id], face_value="10.00", memo=uuid4().hex
    )
    done = partner.bss.create_partner_coupons(CreatePartnerCouponsRequest(body=body))
    if not done.error_details:
        return None
    return str(done.error_details[0].error_code)


def signs_in(stage: Stage, name: str) -> bool:
    """Whether the account's password gets it a token."""
    user = {"name": name, "password": PASSWORD, "domain": {"name": name}}
    identity = {"methods": ["password"], "password": {"user": user}}
    url = f"{stage.gateway}/v3/auth/tokens"
    return httpx.post(url, json={"auth": {"identity": identity}}, timeout=30).status_code == 201


def test_a_custody_member_signs_in_and_receives_coupons_only_after_its_master_let_it_go(
    stage: Stage,
) -> None:
    partner = stage.partner(funds="1000.00")
    quota = stage.quota(partner.domain_id, "100.00")
    master, name = a_master(stage, partner), f"branch_{uuid4().hex[:12]}"
    member = make_member(stage, master, name)
    assert eventually(lambda: signs_in(stage, name), bool, 90)  # twenty guesses in a minute
    assert transfer(partner, member, "10.00")
    assert refused_code(partner, quota, member) == "CBC.50000034"

    master.post(f"/api/enterprise/members/{member}/leaving", {})
    eventually(lambda: refused_code(partner, quota, member), lambda code: code is None)
    applied = partner.call("POST", f"/api/customers/{master.domain_id}/unlinking", {})
    assert applied.status_code == 201  # nothing of the enterprise stands in the way


def money(caller: Caller) -> Decimal:
    """What of the customer's balance is free, as it is shown to itself."""
    shown = caller.get("/v2/accounts/customer-accounts/balances")["account_balances"]
    (cash,) = [account for account in shown if account["account_type"] == 1]
    return Decimal(cash["amount"])


def asked_to_pay(caller: Caller) -> dict[str, Any]:
    """The orders that the caller pays for its members, by id."""
    wanted = ListCustomerOrdersRequest(method="sub_customer")
    found = caller.bss.list_customer_orders(wanted).order_infos
    return {order.order_id: order for order in found or []}


def refusal(caller: Caller, order_id: str) -> str:
    """Why the order is not paid."""
    with pytest.raises(ClientRequestException) as refused:
        pay(caller, order_id)
    return str(refused.value.error_code)


def usable_coupons(caller: Caller, order_id: str) -> list[str]:
    """Those for the order; none while voucher has not heard that the caller is to pay it."""
    wanted = ListOrderCouponsByOrderIdRequest(order_id=order_id)
    try:
        found = caller.bss.list_order_coupons_by_order_id(wanted).user_coupons
    except ClientRequestException as refused:
        if refused.error_code != "CBC.30000010":
            raise
        return []
    return [coupon.coupon_id for coupon in found or []]


def test_a_custody_members_order_is_paid_by_its_master_and_by_nobody_else(stage: Stage) -> None:
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    master, other = a_master(stage, partner), a_master(stage, partner)
    member = stage.caller(make_member(stage, master, f"branch_{uuid4().hex[:12]}"))
    for one in (master, other, member):
        transfer(partner, one.domain_id, "5000.00")
    coupon = issue_coupon(partner, quota, master.domain_id, "50.00")
    stage.authorize(partner, member)
    order = place_order(partner, member.domain_id)
    order_id, payable = order["order_id"], Decimal(str(order["amount_after_discount"]))
    assert asked_to_pay(master) == {}
    assert refusal(master, order_id) == "CBC.30000010"  # it was not asked yet

    assert refusal(member, order_id) == "CBC.0155"

    assert asked_to_pay(master)[order_id].agent_pay_info.is_agent_pay is False
    assert order_of(master, order_id).customer_id == member.domain_id
    assert asked_to_pay(other) == {}
    assert refusal(other, order_id) == "CBC.30000010"
    assert eventually(lambda: usable_coupons(master, order_id), bool) == [coupon]

    pay(master, order_id, coupon)

    paid = asked_to_pay(master)[order_id]
    assert paid.agent_pay_info.paying_agent_id == master.domain_id
    assert paid.agent_pay_info.is_agent_pay is True
    assert paid.status in (3, 5)
    cycle = cycle_of(datetime.now(UTC))
    (line,) = eventually(lambda: bill_lines(partner, member.domain_id, cycle), bool)
    assert (Decimal(str(line.cash_amount)), line.trade_id) == (payable - 50, order_id)
    assert bill_lines(partner, master.domain_id, cycle) == []
    assert [money(one) for one in (master, member, other)] == [
        5000 - (payable - 50), Decimal(5000), Decimal(5000),
    ]  # fmt: skip
    assert eventually(lambda: issued_coupon(partner, coupon), lambda seen: seen.status == 3)
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True
