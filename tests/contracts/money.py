"""What an amount of money is called, in events and in the answers of our own paths."""

import re

# Counts, sizes and ratios are called otherwise.
IS_AMOUNT = re.compile(
    r"(\w*_)?(amount(_after_discount)?|balance|held|debt|fee|total|granted|redeemed|in_quotas"
    r"|in_coupons|in_cards|in_partner_vouchers|settled|due|forfeited)|quota_value|face_value\w*|total_per_customer_max|consumption_this_month"
    r"|price_\w+"
).fullmatch
_USE = "so much use, in the unit that `measure_id` names"
# Fields that are called as money is and are none, by their model: what they are instead.
NO_MONEY_IN_EVENTS = {
    ("BillingPackageDeducted", "available_amount"): _USE,
    ("BillingPackageDeducted", "remaining_amount"): _USE,
    ("BillingPackageDeducted", "used_amount"): _USE,
    ("PackageItem", "amount"): _USE,
    ("PackageItem", "original_amount"): _USE,
}
NO_MONEY_IN_ANSWERS = {
    ("CouponIssueAnswer", "total"): "a count of items",
    ("ExportAnswer", "rows_total"): "a count of rows",
    ("JobAnswer", "total"): "a count of items",
    ("QuotedPeriod", "hours_total"): "a count of hours",
    ("ReconciliationAnswer", "parts_total"): "a count of parts",
    ("UsageFileAnswer", "parts_total"): "a count of parts",
}
