"""What an operator needs for an operation, as the vendor's pages and our groups say it.

Written from the sources, not from the table that the gateway reads.
"""

from tests.wire.table import ALL, permission
from wire.permissions import NOBODY

# docs/domain/verification.md F3, docs/domain/coupons.md H.16, docs/domain/partners.md I.11: what
# the vendor's pages name beside its reference.
PAGES = {
    "BPC_ITEM_FINANCE_020100": "list_sub_customer_bill_detail",
    "BPC_ITEM_FINANCE_020101": "list_consume_sub_customers",
    "BPC_ITEM_FINANCE_090100": "list_subcustomer_monthly_bills",
    "BPC_ITEM_SUBCUSTSERV_010118": (
        "check_user_identity send_verification_message_code create_sub_customer"
    ),
    "BPC_ITEM_SUBCUSTSERV_010119": (
        "create_personal_realname_auth create_enterprise_realname_authentication"
        " change_enterprise_realname_authentication show_realname_authentication_review_result"
    ),
    "BPC_ITEM_SUBCUSTSERV_010100": "list_sub_customers query_customers_old",
    "BPC_ITEM_SUBCUSTSERV_010500": "list_sub_customers query_customers_old",
    "BPC_ITEM_SUBCUSTSERV_010501": "freeze_sub_customers unfreeze_sub_customers",
    "BPC_ITEM_SUBCUSTSERV_010115": "freeze_sub_customers unfreeze_sub_customers",
    "BPC_ITEM_SALES_020106": "update_coupon_quotas",
    "BPC_ITEM_SUBCUSTSERV_030104": "update_coupon_quotas",
}
OURS = {
    "CHB_ITEM_FUNDS": (
        "update_customer_account_amount update_indirect_partner_account"
        " reclaim_indirect_partner_account update_sub_enterprise_amount"
        " reclaim_sub_enterprise_amount"
    ),
    "CHB_ITEM_ORDERS": (
        "renewal_resources auto_renewal_resources cancel_auto_renewal_resources"
        " set_resources_renew_config update_period_to_on_demand"
        " update_period_to_on_demand_instantly"
    ),
    "CHB_ITEM_COUPONS": (
        "reclaim_coupon_quotas claim_enterprise_multi_account_coupon"
        " reclaim_enterprise_multi_account_coupon"
    ),
    "CHB_ITEM_CUSTOMERS": (
        "create_enterprise_project_auth create_sub_enterprise_account send_sms_verification_code"
    ),
}
_ISSUES = ["POST /api/coupon-issues", "POST /api/coupon-issues/{job_id}/stop"]  # as one issue
_RECALLS = [
    f"POST /api/recall-campaigns{what}"
    for what in ("", "/{campaign_id}/start", "/{campaign_id}/stop")
]
NATIVE = {
    "BPC_ITEM_SUBCUSTSERV_030201": _RECALLS,
    "BPC_ITEM_SUBCUSTSERV_030102": _ISSUES,
    "BPC_ITEM_SUBCUSTSERV_030103": _ISSUES,
    "CHB_ITEM_ORDERS": [
        "POST /api/orders",
        "POST /api/orders/batch",
        "POST /api/orders/{order_id}/payment-request",
        "DELETE /api/orders/{order_id}/payment-request",
        "POST /api/payment-requests/{request_id}/reject",
        "POST /api/order-jobs",
        "POST /api/order-jobs/{job_id}/stop",
        "POST /api/resources/{resource_id}/closing",
    ],
    "CHB_ITEM_FUNDS": [
        "POST /api/order-jobs",
        "POST /api/order-jobs/{job_id}/stop",
        "POST /api/payment-requests/{request_id}/pay",
        "POST /api/payment-requests/{request_id}/reject",
    ],
    "CHB_ITEM_BILLING": [
        "POST /api/exports",
        "POST /api/exports/{export_id}/stop",
        "GET /api/exports/{export_id}/parts/{number}",
        "POST /api/vendor-bills",
        "PUT /api/vendor-bills/{reconciliation_id}/parts/{number}",
        "PUT /api/reconciliations/{reconciliation_id}/differences/{number}/state",
    ],
    "CHB_ITEM_PROGRAMME": [
        "POST /api/partners/{partner_id}/solutions",
        "POST /api/coupons/{coupon_id}/activation",
        "POST /api/test-coupon-applications",
        "POST /api/test-coupon-applications/{application_id}/withdrawal",
    ],
    "CHB_ITEM_CUSTOMERS": [
        "POST /api/customers",
        "PATCH /api/customers/{customer_id}",
        "POST /api/customers/{customer_id}/authorizations",
        "POST /api/saml-bindings",
        "POST /api/sweeps",
        "POST /api/enterprise/organizations",
        "PATCH /api/enterprise/organizations/{organization_id}",
        "POST /api/enterprise/members/{customer_id}/leaving",
    ],
}
OWN_CREDENTIALS = ("/v3/auth/tokens", "/api/temporary-credentials", "/v3.0/OS-CREDENTIAL/")


# Reads of what runs the platform, and of where a partner's files go.
KEPT = ("/api/cycles/", "/api/file-subscriptions", "/api/usage-files/")


def is_kept(path: str) -> bool:
    """Whether the administrator of an account alone reads it, as it alone changes it."""
    return path.startswith(KEPT)


def wanted(name: str) -> set[str] | str:
    """The items of an operation, or who alone may call it; from the sources, not from the table."""
    said = permission(name)
    if said is not None:
        return NOBODY if said.startswith("partner operator") else set(said.split("|"))
    named = {item for item, names in (PAGES | OURS).items() if name in names.split()}
    named |= {item for item, names in NATIVE.items() if name in names}
    if named:
        return named
    method, _, path = name.partition(" ")
    reads = name in ALL and not ALL[name].command
    if reads or path.startswith(OWN_CREDENTIALS):
        return set()
    if method == "GET" and not path.endswith(("/proof", "/overview")) and not is_kept(path):
        return set()
    asks = ("-quotes", "/quotes", "/matching", "/validations")  # and writes nothing
    if path.endswith(asks):
        return set()
    return "administrator"
