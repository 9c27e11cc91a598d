"""For each operation that is answered now: who asks, and for what, so that the answer has data."""

import secrets
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.flows.cast import XACCOUNT_TYPE, Caller
from tests.wire.scene import Estate, issue_coupon

Values = dict[str, Any]
Deed = Callable[[Estate], Values]

RATED = {
    "id": "1",
    "cloud_service_type": "hws.service.type.ebs",
    "resource_type": "hws.resource.type.volume",
    "resource_spec": "GPSSD",
    "region": "cn-north-4",
    "resource_size": 3,
    "size_measure_id": 17,
    "usage_factor": "duration",
    "usage_value": 1,
    "usage_measure_id": 4,
    "subscription_num": 1,
}


def _new(one: Estate) -> Values:
    told = {"xaccount_id": uuid4().hex, "xaccount_type": XACCOUNT_TYPE}
    return told if one.site == "china" else {**told, "domain_area": "SG"}


def _code(one: Estate) -> Values:
    if one.site == "china":
        return {"receiver_type": 1, "mobile_phone": f"139{secrets.randbelow(10**8):08}"}
    return {"receiver_type": 2, "email": f"{uuid4().hex}@example.com"}


def _payment(one: Estate) -> Values:
    return {"order_id": one.new_order(), "use_coupon": "NO", "use_discount": "NO"}


def _issue(one: Estate) -> Values:
    return {
        "quota_id": one.quota_id, "customer_ids": [one.customer.id], "face_value": "1.00",
    }  # fmt: skip


def _issued(one: Estate) -> Values:
    return {"coupon_id": issue_coupon(one.partner, one.quota_id, one.customer.id)}


def _bill(one: Estate) -> Values:
    return {"bill_cycle": one.cycle, "customer_id": one.customer.id}


def _own(one: Estate) -> Values:
    return {"customer_id": one.customer.id}


def _files(one: Estate) -> Values:
    """A new customer's papers: each applies once."""
    made = one.partner.post("/v2/partners/sub-customers", _new(one))
    return {
        "customer_id": made["domain_id"], "xaccount_type": XACCOUNT_TYPE,
        "verified_file_url": ["papers/1.jpg"], "verified_number": "A1234567",
    }  # fmt: skip


def _person(one: Estate) -> Values:
    return {**_files(one), "identify_type": 0, "verified_type": 3, "name": "李雷"}


def _enterprise(one: Estate) -> Values:
    return {**_files(one), "identify_type": 1, "corp_name": "甲公司"}


def _change(one: Estate) -> Values:
    return {**_enterprise(one), "customer_id": one.person.id, "change_type": 1}


def _sms(_: Estate) -> Values:
    return {
        "mobile_phone": f"139{secrets.randbelow(10**8):08}",
        "sm_template_args": [{"key": "sub_customer_name", "value": "branch"}],
    }


def _nothing(_: Estate) -> Values:
    return {}


DEEDS: dict[str, Deed] = {
    "check_user_identity": lambda _: {"search_type": "name", "search_value": "nobody_has_it"},
    "create_sub_customer": _new,
    "create_sub_enterprise_account": lambda one: one.new_member(one.organization_id),
    "change_enterprise_realname_authentication": _change,
    "create_enterprise_realname_authentication": _enterprise,
    "create_personal_realname_auth": _person,
    "create_enterprise_project_auth": _nothing,
    "show_real_name_auth_qr_code": _nothing,
    "list_cities": lambda _: {"province_code": "440000"},
    "list_conversions": _nothing,
    "list_counties": lambda _: {"city_code": "440300"},
    "list_enterprise_organizations": _nothing,
    "list_enterprise_sub_customers": _nothing,
    "list_indirect_partners": _nothing,
    "list_measure_units": _nothing,
    "list_on_demand_resource_ratings": lambda _: {"project_id": "p", "product_infos": [RATED]},
    "list_provinces": _nothing,
    "list_resource_types": _nothing,
    "list_service_types": _nothing,
    "list_sub_customer_coupons": _nothing,
    "list_sub_customer_new_tag": _nothing,
    "list_sub_customers": _nothing,
    "send_sms_verification_code": _sms,
    "send_verification_message_code": _code,
    "show_customer_account_balances": _nothing,
    "show_real_name_auth_status": _nothing,
    "show_realname_authentication_review_result": _own,
    "cancel_customer_order": lambda one: {"order_id": one.new_order()},
    "list_customer_orders": _nothing,
    "list_pay_per_use_customer_resources": _own,
    "pay_orders": _payment,
    "show_customer_order_details": lambda one: {"order_id": one.paid_order_id},
    "create_partner_coupons": _issue,
    "list_consume_sub_customers": lambda one: {"bill_cycle": one.cycle},
    "list_customers_balances_detail": lambda one: {"customer_infos": [_own(one)]},
    "list_issued_partner_coupons": _nothing,
    "list_partner_adjust_records": _nothing,
    "list_partner_balances": _nothing,
    "list_partner_coupons_record": _nothing,
    "list_quota_coupons": _nothing,
    "list_sub_customer_bill_detail": _bill,
    "reclaim_partner_coupons": _issued,
    "reclaim_to_partner_account": lambda one: {**_own(one), "amount": "0.10"},
    "update_customer_account_amount": lambda one: {**_own(one), "amount": "0.10"},
    "list_order_coupons_by_order_id": lambda one: {"order_id": one.new_order()},
}
CUSTOMERS_OWN = frozenset({"list_sub_customer_coupons"})  # open to both; only here it has data


def caller_of(one: Estate, auth_class: str, name: str, distributor: Caller) -> Caller:
    """Somebody of the class."""
    if auth_class == "D":
        return distributor
    if auth_class == "E":
        return one.master.caller
    is_customers = auth_class in ("C", "C*") or name in CUSTOMERS_OWN
    return one.customer.caller if is_customers else one.partner
