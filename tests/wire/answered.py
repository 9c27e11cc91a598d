"""For each operation that is answered now: who asks, and for what, so that the answer has data."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.flows.cast import XACCOUNT_TYPE, Caller
from tests.wire.scene import USE, Estate, issue_coupon
from wire.times import beijing_day, cycle_of

Values = dict[str, Any]
Deed = Callable[[Estate], Values]

TO_MEMBER = "/v2/enterprises/multi-accounts/transfer-coupon"
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


A_MONTH = {
    "id": "1",
    "cloud_service_type": "hws.service.type.ec2",
    "resource_type": "hws.resource.type.vm",
    "resource_spec": "s6.small.1.linux",
    "region": "cn-north-4",
    "period_type": 2,
    "period_num": 1,
    "subscription_num": 1,
}
SPECS = {
    "cloud_service_type": "hws.service.type.ec2",
    "resource_type": "hws.resource.type.vm",
    "region_code": "cn-north-4",
    "charge_mode": "3",
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


def _handed(one: Estate) -> Values:
    coupon_id = one.new_own_coupon()
    told = {"customer_id": one.member_id, "coupon_id": coupon_id, "amount": "1.00"}
    sub_coupon_id = one.master.caller.post(TO_MEMBER, told)["sub_coupon_id"]
    return {
        "customer_id": one.member_id, "coupon_id": coupon_id, "sub_coupon_id": sub_coupon_id,
    }  # fmt: skip


def _to_take(one: Estate) -> Values:
    return {"sub_customer_id": _handed(one)["customer_id"]}


def _to_hand(one: Estate) -> Values:
    one.new_own_coupon()
    return {}


def _hand_to_member(one: Estate) -> Values:
    return {
        "customer_id": one.member_id, "coupon_id": one.new_own_coupon(), "amount": "1.00",
    }  # fmt: skip


def _carded(one: Estate) -> Values:
    one.new_card()
    return {"status": 1}


def _issued(one: Estate) -> Values:
    return {"coupon_id": issue_coupon(one.partner, one.quota_id, one.customer.id)}


def _hand_out(one: Estate) -> Values:
    return {
        "quota_id": one.parent_quota_id, "indirect_partner_ids": [one.reseller_id],
        "quota_amount": "1.00",
    }  # fmt: skip


def _tier(one: Estate) -> Values:
    return {"indirect_partner_id": one.reseller_id, "amount": "0.10"}


def _to_member(one: Estate) -> Values:
    return {"customer_id": one.member_id, "amount": "0.10"}


def _bill(one: Estate) -> Values:
    return {"bill_cycle": one.cycle, "customer_id": one.customer.id}


def _used_yesterday(one: Estate) -> Values:
    """What a partner is shown of a month ends with yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    told = {**USE, "record_id": uuid4().hex, "customer_id": one.customer.id}
    told["used_until"] = yesterday.isoformat()
    one.stage.admin("POST", "/api/usage-records", {"records": [told]})
    return {"cycle": cycle_of(yesterday), "charge_mode": "3"}


METERED = {
    "service_type_code": "hws.service.type.vpc",
    "resource_type_code": "hws.resource.type.bandwidth",
    "usage_type": "95peak_plus",
}


def _metered(one: Estate) -> Values:
    """Two points of a bandwidth, an hour ago."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    points = [
        {**METERED, "customer_id": one.customer.id, "resource_id": "bandwidth-a",
         "stat_time": (hour + timedelta(minutes=minutes)).isoformat(), "usage_value": "7.5",
         "guaranteed_value": "5"}
        for minutes in (0, 5)
    ]  # fmt: skip
    one.stage.admin("POST", "/api/usage-points", {"points": points})
    return {"bill_cycle": cycle_of(hour), **METERED}


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


def _deductions(_: Estate) -> Values:
    today = beijing_day(datetime.now(UTC))
    return {
        "deduct_time_begin": str(today - timedelta(days=1)),
        "deduct_time_end": str(today + timedelta(days=1)),
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
    "list_rate_on_period_detail": lambda _: {"project_id": "p", "product_infos": [A_MONTH]},
    "list_renew_rate_on_period": lambda one: {
        "resource_ids": [one.resource_id],
        "period_type": 2,
        "period_num": 1,
    },
    "list_business_discount_info": lambda one: one.agree(),
    "list_service_resources": lambda _: {"service_type_code": "hws.service.type.ec2"},
    "list_resource_specs": lambda _: SPECS,
    "list_usage_types": _nothing,
    "list_incentive_discount_policies": lambda _: {"time": "2026-11"},
    "list_sub_customer_coupons": _nothing,
    "list_sub_customer_new_tag": _nothing,
    "list_sub_customers": _nothing,
    "send_sms_verification_code": _sms,
    "send_verification_message_code": _code,
    "show_customer_account_balances": _nothing,
    "show_real_name_auth_status": _nothing,
    "show_realname_authentication_review_result": _own,
    "cancel_resources_subscription": lambda one: {
        "resource_ids": [one.new_resource()],
        "unsubscribe_type": 1,
    },
    "auto_renewal_resources": lambda one: {"resource_id": one.resource_id},
    "cancel_auto_renewal_resources": lambda one: {"resource_id": one.resource_id},
    "set_resources_renew_config": lambda _: {"config_name": "DEDUCTION_DATE", "config_value": "5"},
    "renewal_resources": lambda one: {
        "resource_ids": [one.new_resource()],
        "period_type": 2,
        "period_num": 1,
        "is_auto_pay": 1,
    },
    "show_refund_order_details": lambda one: {
        "order_id": one.refund_order_id,
        "customer_id": one.customer.id,
    },
    "list_free_resource_infos": _nothing,
    "list_free_resource_usages": lambda one: {"free_resource_ids": [one.free_resource_id]},
    "list_free_resources_usage_records": _deductions,
    "cancel_customer_order": lambda one: {"order_id": one.new_order()},
    "list_customer_on_demand_resources": _own,
    "update_period_to_on_demand": lambda one: {
        "operation": "SET_UP",
        "resource_ids": [one.new_resource()],
    },
    "update_period_to_on_demand_instantly": lambda one: {"resource_ids": [one.new_resource()]},
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
    "list_subcustomer_monthly_bills": _used_yesterday,
    "list_resource_usage_summary": _metered,
    "list_resource_usage": lambda one: {**_metered(one), "resource_id": "bandwidth-a"},
    "list_customer_bills_monthly_break_down": lambda one: {"shared_month": one.cycle},
    "list_costs": lambda one: {
        "time_condition": {
            "time_measure_id": 2,
            "begin_time": one.cycle,
            "end_time": one.cycle,
        },
        "groupby": [{"type": "dimension", "key": "CLOUD_SERVICE_TYPE"}],
        "cost_type": "AMORTIZED_COST",
        "amount_type": "NET_AMOUNT",
    },
    "show_customer_monthly_sum": lambda one: {"bill_cycle": one.cycle},
    "list_customer_bills_fee_records": lambda one: {"bill_cycle": one.cycle},
    "list_customerself_resource_records": lambda one: {"cycle": one.cycle},
    "list_customerself_resource_record_details": lambda one: {"cycle": one.cycle},
    "reclaim_partner_coupons": _issued,
    "list_enterprise_multi_account": lambda one: {
        "sub_customer_id": one.member_id,
        "balance_type": "BALANCE_TYPE_DEBIT",
    },
    "reclaim_sub_enterprise_amount": _to_member,
    "show_multi_account_transfer_amount": lambda _: {"balance_type": "BALANCE_TYPE_DEBIT"},
    "update_sub_enterprise_amount": _to_member,
    "list_customer_account_change_records": lambda _: {"balance_type": "BALANCE_TYPE_DEBIT"},
    "list_partner_account_change_records": lambda _: {"balance_type": "BALANCE_TYPE_DEBIT"},
    "reclaim_indirect_partner_account": _tier,
    "update_indirect_partner_account": _tier,
    "reclaim_to_partner_account": lambda one: {**_own(one), "amount": "0.10"},
    "update_customer_account_amount": lambda one: {**_own(one), "amount": "0.10"},
    "update_coupon_quotas": _hand_out,
    "reclaim_coupon_quotas": lambda one: {"quota_ids": [one.new_child_quota()]},
    "list_issued_coupon_quotas": _nothing,
    "list_coupon_quotas_records": _nothing,
    "list_customer_coupon_change_records": lambda _: {"balance_type": "BALANCE_TYPE_COUPON"},
    "list_stored_value_cards": _carded,
    "list_multi_account_transfer_coupons": _to_hand,
    "claim_enterprise_multi_account_coupon": _hand_to_member,
    "list_multi_account_retrieve_coupons": _to_take,
    "reclaim_enterprise_multi_account_coupon": _handed,
    "list_order_coupons_by_order_id": lambda one: {"order_id": one.new_order()},
    "list_order_discounts": lambda one: {"order_id": one.new_order()},
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
