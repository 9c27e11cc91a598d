"""Which fields outsiders do not read: written here a second time, so that a change is seen."""

from typing import Any

# What only our services may know.
FROM_PARTNERS = frozenset({"credential_ref"})

# What only our services, or the partner, may know.
FROM_CUSTOMERS = FROM_PARTNERS | {
    "account_manager_id",
    "account_manager_name",
    "counterparty_id",
    "customer_level",
    "distributor_id",
    "label",
    "operation_type",
    "placed_by",
    "quota_balance",
    "quota_id",
    "to_quota",
    "xaccount_id",
    "xaccount_type",
}

PAYERS_OF_BILL_LINES = frozenset({"cash_amount", "credit_amount", "debt_amount", "writeoff_amount"})
# What a customer reads of its own payments alone, not where its master pays.
PAYERS = {
    "order.paid": frozenset({"attempt_id", "coupons", "cash_amount", "credit_amount"}),
    "order.payment_failed": frozenset({"attempt_id", "reason_code"}),
    "billing.line_recorded": PAYERS_OF_BILL_LINES,
    "billing.line_settled": PAYERS_OF_BILL_LINES | {"settled_amount"},
}

# The same, of each line and refund of an order.
PAYERS_OF_LINES = frozenset({"cash_amount", "coupons", "credit_amount"})

UNTOLD_TO_CUSTOMERS = frozenset(
    {
        "billing.delivery_failed",
        "billing.export_finished",
        "billing.reconciliation_finished",
        "billing.bill_published",
        "billing.bill_settled",
        "billing.correction_opened",
        "billing.cycle_closed",
        "billing.usage_refused",
        "partner.joined",
        "partner.operator_added",
        "partner.operator_changed",
        "partner.solution_changed",
        "partner.updated",
        "sync.drift_found",
        "sync.sweep_finished",
        "voucher.application_decided",
        "voucher.application_submitted",
        "voucher.partner_voucher_expired",
        "voucher.partner_voucher_granted",
        "voucher.partner_voucher_restored",
        "voucher.partner_voucher_used",
        "voucher.quota_changed",
        "voucher.quota_granted",
        "voucher.quota_reclaimed",
    }
)


def without_payers_parts(value: Any) -> Any:
    """A field's value without what an order's lines and refunds say of the payer's money."""
    if not isinstance(value, list):
        return value
    return [
        {name: part[name] for name in part if name not in PAYERS_OF_LINES}
        if isinstance(part, dict)
        else part
        for part in value
    ]


def with_currency(value: Any, currency: str | None) -> Any:
    """A field's value as it is told: each part with an amount says the event's currency."""
    if isinstance(value, list):
        return [with_currency(part, currency) for part in value]
    if not isinstance(value, dict):
        return value
    told = {name: with_currency(part, currency) for name, part in value.items()}
    has_amount = any(name.endswith("amount") for name in told)
    return told | {"currency": currency} if has_amount and currency is not None else told
