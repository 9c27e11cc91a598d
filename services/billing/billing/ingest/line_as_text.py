"""A line of usage as COPY's text format has it."""

from operator import attrgetter

from billing.lines.models import BillLine
from billing.lines.roll_up import OWN as PART
from wire.json import dumps

# What a line of usage says; the rest is what the table gives it.
COLUMNS = (
    "line_id", "customer_id", "payer_id", "partner_id", "distributor_id", "association_type",
    "account_manager_id", "site", "currency", "bill_cycle", "bill_date", "bill_type",
    "charging_mode", "trade_id", "usage_record_id", "resource_id", "resource_name",
    "service_type_code", "service_type_name", "resource_type_code", "resource_type_name",
    "resource_spec_code", "product_id", "region_code", "trade_time", "consume_time", "used_from",
    "usage_type", "usage_amount", "usage_measure_id", "free_resource_usage",
    "free_resource_measure_id", "official_amount", "official_discount_amount", "erase_amount",
    "payment_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "bonus_amount", "cash_amount", "credit_amount", "debt_amount", "writeoff_amount", "version",
    "known_at", "late_for", "customer_label", "product_name", "spec_size", "spec_size_measure_id",
    "unit_price", "price_id", "enterprise_project_id", "parent_resource_id", "root_resource_id",
    "promotion_type", *PART, "reckoned",
)  # fmt: skip
_all_but_reckoned = attrgetter(*COLUMNS[:-1])
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
NOTHING = r"\N"


def line_as_text(line: BillLine) -> bytes:
    """One row: numbers, dates and instants as they print, text escaped."""
    cells = [
        value.translate(_ESCAPES)
        if isinstance(value, str)
        else (NOTHING if value is None else str(value))
        for value in (*_all_but_reckoned(line), dumps(line.reckoned).decode())
    ]
    return ("\t".join(cells) + "\n").encode()
