"""An enterprise master makes a custody member: it signs in, receives money and no coupons."""

import secrets
from uuid import uuid4

import httpx
import pytest
from huaweicloudsdkbss.v2 import (
    CreatePartnerCouponsReq,
    CreatePartnerCouponsRequest,
    CreateSubCustomerReqV2,
    CreateSubEnterpriseAccountRequest,
    ListEnterpriseOrganizationsRequest,
    ListEnterpriseSubCustomersRequest,
    NewCustomerV2,
    SendSmsVerificationCodeRequest,
    SendSmVerificationCodeReq,
    TemplateArgs,
)

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import create_customer, transfer

PASSWORD = "Geheim#2026"

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def a_master(stage: Stage, partner: Caller) -> Caller:
    """A verified enterprise that the administrator made a master."""
    customer = create_customer(stage, partner)
    verified = {"customer_name": "甲公司", "customer_type": 1}
    stage.admin("POST", f"/api/customers/{customer.id}/verification", verified)
    stage.admin("POST", f"/api/customers/{customer.id}/enterprise", {"name": "集团"})
    return customer.caller


def make_custody_member(stage: Stage, master: Caller, name: str) -> str:
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
        financial_custody=1,
        new_sub_customer=member,
    )
    master.bss.create_sub_enterprise_account(CreateSubEnterpriseAccountRequest(body=body))
    wanted = ListEnterpriseSubCustomersRequest(sub_customer_account_name=name)
    (made,) = master.bss.list_enterprise_sub_customers(wanted).sub_customer_infos
    return str(made.id)


def refused_code(partner: Caller, quota_id: str, customer_id: str) -> str | None:
    """Why the customer gets no coupon; None when it got one. Each ask is signed anew."""
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
    member = make_custody_member(stage, master, name)
    assert eventually(lambda: signs_in(stage, name), bool)
    assert transfer(partner, member, "10.00")
    assert refused_code(partner, quota, member) == "CBC.50000034"

    master.post(f"/api/enterprise/members/{member}/leaving", {})
    eventually(lambda: refused_code(partner, quota, member), lambda code: code is None)
    applied = partner.call("POST", f"/api/customers/{master.domain_id}/unlinking", {})
    assert applied.status_code == 201  # nothing of the enterprise stands in the way
