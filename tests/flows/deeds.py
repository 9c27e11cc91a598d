"""What partners and customers do in the stories, by the official SDK."""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from huaweicloudsdkbss.v2 import (
    AdjustAccountReq,
    CouponSimpleInfoOrderPayV3,
    CreateCustomerV2Req,
    CreatePartnerCouponsReq,
    CreatePartnerCouponsRequest,
    CreateSubCustomerRequest,
    CreateSubCustomerReqV2,
    CreateSubEnterpriseAccountRequest,
    ListEnterpriseOrganizationsRequest,
    ListEnterpriseSubCustomersRequest,
    ListIssuedPartnerCouponsRequest,
    ListQuotaCouponsRequest,
    ListSubCustomerBillDetailRequest,
    ListSubCustomerCouponsRequest,
    NewCustomerV2,
    PayCustomerOrderV3Req,
    PayOrdersRequest,
    QueryCouponQuotasReqExt,
    ReclaimPartnerCouponsReq,
    ReclaimPartnerCouponsRequest,
    SendSmsVerificationCodeRequest,
    SendSmVerificationCodeReq,
    ShowCustomerOrderDetailsRequest,
    TemplateArgs,
    UpdateCustomerAccountAmountRequest,
)

from tests.flows.cast import XACCOUNT_TYPE, Caller, Stage

ECS_MONTH = {
    "service_type_code": "hws.service.type.ec2",
    "resource_type_code": "hws.resource.type.vm",
    "resource_spec_code": "s6.large.2.linux",
    "region_code": "cn-north-4",
    "charging_mode": 1,
    "period_type": 2,
    "period_num": 1,
    "quantity": 1,
}

PASSWORD = "Geheim#2026"


@dataclass(frozen=True)
class Customer:
    """A customer of a partner, with keys of its own."""

    id: str
    account_name: str
    caller: Caller


def create_customer(stage: Stage, partner: Caller, **fields: Any) -> Customer:
    """A new resale customer of the partner."""
    told = {"xaccount_id": uuid4().hex, "xaccount_type": XACCOUNT_TYPE, **fields}
    made = partner.bss.create_sub_customer(
        CreateSubCustomerRequest(body=CreateCustomerV2Req(**told))
    )
    return Customer(made.domain_id, made.domain_name, stage.caller(made.domain_id))


def a_master(stage: Stage, partner: Caller) -> Caller:
    """A verified enterprise that the administrator made a master."""
    customer = create_customer(stage, partner)
    verified = {"customer_name": "甲公司", "customer_type": 1}
    stage.admin("POST", f"/api/customers/{customer.id}/verification", verified)
    stage.admin("POST", f"/api/customers/{customer.id}/enterprise", {"name": "集团"})
    return customer.caller


def make_member(stage: Stage, master: Caller, name: str, *, in_custody: bool = True) -> str:
    """By the vendor's SDK, with a phone of its own; its id."""
    phone = f"137{secrets.randbelow(10**8):08}"
    args = [TemplateArgs(key="sub_customer_name", value=name)]
    asked = SendSmVerificationCodeReq(mobile_phone=phone, sm_template_args=args)
    master.bss.send_sms_verification_code(SendSmsVerificationCodeRequest(body=asked))
    root = master.bss.list_enterprise_organizations(ListEnterpriseOrganizationsRequest()).root_id
    member = NewCustomerV2(
        customer_name=name,
        password=PASSWORD,
        mobile_phone=phone,
        verification_code=stage.system.code_sent_to(phone),
    )
    body = CreateSubCustomerReqV2(
        party_id=root,
        sub_customer_association_type=1,
        financial_custody=int(in_custody),
        new_sub_customer=member,
    )
    master.bss.create_sub_enterprise_account(CreateSubEnterpriseAccountRequest(body=body))
    wanted = ListEnterpriseSubCustomersRequest(sub_customer_account_name=name)
    (made,) = master.bss.list_enterprise_sub_customers(wanted).sub_customer_infos
    return str(made.id)


def transfer(partner: Caller, customer_id: str, amount: str) -> str:
    """Move money from the partner to its customer."""
    body = AdjustAccountReq(customer_id=customer_id, amount=amount)
    done = partner.bss.update_customer_account_amount(UpdateCustomerAccountAmountRequest(body=body))
    return str(done.transfer_id)


def issue_coupon(partner: Caller, quota_id: str, customer_id: str, face_value: str) -> str:
    """Give the customer a cash coupon out of the quota."""
    body = CreatePartnerCouponsReq(
        quota_id=quota_id, customer_ids=[customer_id], face_value=face_value
    )
    done = partner.bss.create_partner_coupons(CreatePartnerCouponsRequest(body=body))
    assert done.error_details in (None, []), done
    return str(done.coupon_infos[0].coupon_id)


def recall_coupon(partner: Caller, coupon_id: str) -> None:
    """Take back what is left of a coupon."""
    body = ReclaimPartnerCouponsReq(coupon_id=coupon_id)
    partner.bss.reclaim_partner_coupons(ReclaimPartnerCouponsRequest(body=body))


def place_order(partner: Caller, customer_id: str, **line: Any) -> dict[str, Any]:
    """Order one virtual machine for a month on the customer's behalf."""
    told = {"customer_id": customer_id, "lines": [{**ECS_MONTH, **line}]}
    return partner.post("/api/orders", told)


def pay(caller: Caller, order_id: str, coupon_id: str | None = None) -> None:
    """Pay an order, with a cash coupon first if one is named."""
    coupons = [CouponSimpleInfoOrderPayV3(id=coupon_id, type=301)] if coupon_id else None
    body = PayCustomerOrderV3Req(
        order_id=order_id,
        use_coupon="YES" if coupon_id else "NO",
        use_discount="NO",
        coupon_infos=coupons,
    )
    caller.bss.pay_orders(PayOrdersRequest(body=body))


def order_of(caller: Caller, order_id: str) -> Any:
    """The order as the SDK's caller sees it."""
    request = ShowCustomerOrderDetailsRequest(order_id=order_id)
    return caller.bss.show_customer_order_details(request).order_info


def coupons_of(customer: Caller) -> dict[str, Any]:
    """The coupons that the customer itself sees, by id."""
    found = customer.bss.list_sub_customer_coupons(ListSubCustomerCouponsRequest(status=2))
    return {coupon.coupon_id: coupon for coupon in found.user_coupons or []}


def issued_coupon(partner: Caller, coupon_id: str) -> Any:
    """A coupon as its issuer sees it."""
    request = ListIssuedPartnerCouponsRequest(coupon_id=coupon_id)
    (coupon,) = partner.bss.list_issued_partner_coupons(request).user_coupons
    return coupon


def quota_balance(partner: Caller, quota_id: str) -> Any:
    """What may still be issued from a quota."""
    body = QueryCouponQuotasReqExt(quota_ids=[quota_id])
    (quota,) = partner.bss.list_quota_coupons(ListQuotaCouponsRequest(body=body)).quotas
    return quota.balance


def bill_lines(partner: Caller, customer_id: str, cycle: str) -> list[Any]:
    """The customer's bill lines of a cycle, as its partner sees them."""
    request = ListSubCustomerBillDetailRequest(bill_cycle=cycle, customer_id=customer_id)
    return list(partner.bss.list_sub_customer_bill_detail(request).fee_records or [])
