"""Rows of FOCUS 1.2 from bill lines: what was charged, and what of it each month used.

A period order is a purchase that costs nothing in effect; its months are usage that is billed
nothing. So what is billed adds up to the bill, and over an order's life what is effective does, too
(docs/focus.md). Of a settled bill the costs are what the partner owes of each line.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from billing.lines.amortise import amortise, days_by_month, last_day_of
from wire.times import BEIJING, beijing_day, cycle_bounds, format_instant

USAGE, PURCHASE, ADJUSTMENT = "Usage", "Purchase", "Adjustment"
PERIOD = 1  # charging mode
UNIT_PLACES = Decimal(1).scaleb(-18)
ZERO = Decimal(0)
_EXACT = Context(prec=50, rounding=ROUND_DOWN)
COLUMNS = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName",
    "BillingAccountType", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit",
    "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName",
    "ListCost", "ListUnitPrice", "PricingCategory", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter",
    "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags",
    "x_AccountManagerId", "x_ArrearsAmount", "x_BillLineId", "x_BillType", "x_CashAmount",
    "x_CashCouponAmount", "x_CreditAmount", "x_FlexiCouponAmount", "x_LateForCycle", "x_PayerId",
    "x_ResourceNameZh", "x_ResourceTypeZh", "x_ServiceNameZh", "x_StoredValueCardAmount",
    "x_SubResourceId", "x_SubResourceType", "x_TradeId", "x_TruncatedAmount", "x_WrittenOffAmount",
)  # fmt: skip
LINE_FIELDS = (
    "line_id", "customer_id", "payer_id", "account_manager_id", "currency", "bill_cycle",
    "bill_type", "charging_mode", "trade_id", "resource_id", "resource_name", "service_type_code",
    "service_type_name", "resource_type_code", "resource_type_name", "resource_spec_code",
    "product_id", "region_code", "trade_time", "consume_time", "used_from", "period_type",
    "period_num", "period_end_at", "usage_type", "usage_amount", "usage_measure_id",
    "official_amount", "official_discount_amount", "erase_amount", "payment_amount",
    "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount", "cash_amount",
    "credit_amount", "debt_amount", "writeoff_amount", "late_for", "az_code", "is_spot", "tags",
    "price_id", "sub_resource_id", "sub_resource_type_code",
)  # fmt: skip
# What is known of a line once the bill of what the partner owes is settled.
SETTLED_FIELDS = (
    "customer_amount", "settlement_type", "settlement_discount", "settlement_amount",
    "voucher_amount", "due_amount", "performance_amount",
)  # fmt: skip
Line = Mapping[str, Any]
FocusRow = dict[str, str]


@dataclass(frozen=True, slots=True)
class Bill:
    """Whose bill the rows are of."""

    partner_id: str
    cycle: str
    settlement_id: str | None = None  # of what the partner owes; none: what its customers pay

    @property
    def invoice_id(self) -> str:
        """The bill's id: one for a partner and a cycle, or the settled version of what it owes."""
        return self.settlement_id or f"{self.partner_id}-{self.cycle}"

    @property
    def issuer(self) -> str:
        """Who sells: the partner to its customers, the vendor to the partner."""
        return known()["publisher"] if self.settlement_id else self.partner_id

    @property
    def columns(self) -> tuple[str, ...]:
        """In this order."""
        return OWED_COLUMNS if self.settlement_id else COLUMNS

    def billed(self, line: "Line") -> Decimal:
        """What the line puts on the bill."""
        billed: Decimal = line["settlement_amount" if self.settlement_id else "payment_amount"]
        return billed


@cache
def known() -> Mapping[str, Any]:
    """The committed lists of names."""
    return tomllib.loads(files("billing.exports").joinpath("focus.toml").read_text("utf-8"))


def category_of(bill_type: int) -> str:
    """The ChargeCategory of a bill type."""
    said = known()["category"]
    if bill_type in said["usage"]:
        return USAGE
    return ADJUSTMENT if bill_type in said["adjustment"] else PURCHASE


def charge_row(line: Line, bill: Bill) -> FocusRow:
    """What the line charges."""
    category = category_of(line["bill_type"])
    begin, end = _charge_period(line, category)
    billed = contracted = bill.billed(line)
    if bill.settlement_id is None:
        contracted = line["official_amount"] - line["official_discount_amount"]
    quantity, unit = _quantity(line, category)
    row = _said_of(line, bill)
    row |= {
        "BilledCost": _number(billed),
        "EffectiveCost": _number(ZERO if category == PURCHASE else billed),
        "ListCost": _number(line["official_amount"]),
        "ContractedCost": _number(contracted),
        "ListUnitPrice": _unit_price(line["official_amount"], quantity),
        "ContractedUnitPrice": _unit_price(contracted, quantity),
        "PricingQuantity": _number(quantity),
        "PricingUnit": unit,
        "PricingCategory": "Dynamic" if line["is_spot"] else "Standard",
        "ChargeCategory": category,
        "ChargeFrequency": _frequency(line, category),
        "ChargePeriodStart": format_instant(begin),
        "ChargePeriodEnd": format_instant(end),
        "ChargeDescription": f"{category} of {_ascii(line['resource_spec_code'])}",
    }
    if category == USAGE:
        row |= {"ConsumedQuantity": _number(quantity), "ConsumedUnit": unit}
    for name, field in (_OWED if bill.settlement_id else _PAID).items():
        row[name] = _number(line[field])
    if bill.settlement_id:
        row["x_SettlementType"] = line["settlement_type"]
    return _in_pricing_currency(row)


def _in_pricing_currency(row: FocusRow) -> FocusRow:
    """Prices are of the currency that is billed."""
    for name in ("ContractedUnitPrice", "EffectiveCost", "ListUnitPrice"):
        row[f"PricingCurrency{name}"] = row[name]
    return row


_PAID = {
    "x_CashAmount": "cash_amount",
    "x_CreditAmount": "credit_amount",
    "x_CashCouponAmount": "coupon_amount",
    "x_FlexiCouponAmount": "flexipurchase_coupon_amount",
    "x_StoredValueCardAmount": "stored_value_card_amount",
    "x_ArrearsAmount": "debt_amount",
    "x_WrittenOffAmount": "writeoff_amount",
    "x_TruncatedAmount": "erase_amount",
}
_OWED = {
    "x_CustomerAmount": "customer_amount",
    "x_SettlementDiscount": "settlement_discount",
    "x_PartnerVoucherAmount": "voucher_amount",
    "x_DueAmount": "due_amount",
    "x_PerformanceAmount": "performance_amount",
}
OWED_COLUMNS = (
    *(name for name in COLUMNS if name not in _PAID),
    "x_SettlementType",
    *_OWED,
)


def is_amortised(line: Line) -> bool:
    """Whether months use what the line charges."""
    return category_of(line["bill_type"]) == PURCHASE


def amortised_row(line: Line, bill: Bill, ended: date | None) -> FocusRow | None:
    """What the bill's cycle uses of a purchase; `ended`: the day on which it was given back."""
    first = beijing_day(line["trade_time"])
    last = last_day_of(
        line["trade_time"], line["period_end_at"], line["period_type"], line["period_num"]
    )
    used = amortise(bill.billed(line), first, last, ended).get(bill.cycle)
    if used is None:
        return None
    begin, end, days = _days(first, last, bill.cycle)
    row = _said_of(line, bill)
    row |= {
        "BilledCost": _number(ZERO),
        "EffectiveCost": _number(used),
        "ListCost": _number(ZERO),
        "ContractedCost": _number(ZERO),
        "ListUnitPrice": _number(ZERO),
        "ContractedUnitPrice": _number(ZERO),
        "PricingQuantity": _number(Decimal(days)),
        "PricingUnit": "Days",
        "PricingCategory": "Standard",
        "ConsumedQuantity": _number(Decimal(days)),
        "ConsumedUnit": "Days",
        "ChargeCategory": USAGE,
        "ChargeFrequency": "Recurring",
        "ChargePeriodStart": format_instant(begin),
        "ChargePeriodEnd": format_instant(end),
        "ChargeDescription": f"Amortization of {_ascii(line['resource_spec_code'])}",
    }
    return _in_pricing_currency(row)


def _days(first: date, last: date, cycle: str) -> tuple[datetime, datetime, int]:
    day = first
    for month, days in days_by_month(first, last):
        if month == cycle:
            begin = datetime.combine(day, time(), BEIJING)
            return begin, begin + timedelta(days=days), days
        day += timedelta(days=days)
    raise LookupError(f"{cycle} is in no day of {first} to {last}")


def _said_of(line: Line, bill: Bill) -> FocusRow:
    """What charge and amortisation have in common."""
    begin, end = cycle_bounds(bill.cycle)
    code = line["service_type_code"]
    service = known()["services"].get(code, {})
    region = line["region_code"]
    return {
        "AvailabilityZone": _ascii(line["az_code"]),
        "BillingAccountId": bill.partner_id,
        "BillingAccountType": "Partner",
        "BillingCurrency": line["currency"],
        "BillingPeriodStart": format_instant(begin),
        "BillingPeriodEnd": format_instant(end),
        "InvoiceId": bill.invoice_id,
        "InvoiceIssuerName": bill.issuer,
        "PricingCurrency": line["currency"],
        "ProviderName": bill.issuer,  # the validator wants the issuer
        "PublisherName": known()["publisher"],
        "RegionId": _ascii(region),
        "RegionName": known()["regions"].get(region, _ascii(region)) if region else "",
        "ResourceId": _ascii(line["resource_id"]),
        "ResourceName": _ascii(line["resource_name"]),
        "ResourceType": _ascii(line["resource_type_code"]) if line["resource_id"] else "",
        "ServiceCategory": service.get("category", "Other"),
        "ServiceName": service.get("name", _ascii(code)),
        "ServiceSubcategory": service.get("subcategory", "Other (Other)"),
        "SkuId": _ascii(line["product_id"]),
        "SkuMeter": _ascii(line["usage_type"] or line["resource_type_code"]),
        "SkuPriceId": _ascii(line["price_id"] or line["product_id"]),
        "SubAccountId": line["customer_id"],
        "SubAccountName": line["customer_id"],
        "SubAccountType": "Customer",
        "Tags": _tags(line["tags"]),
        "x_AccountManagerId": line["account_manager_id"] or "",
        "x_BillLineId": line["line_id"],
        "x_BillType": str(line["bill_type"]),
        "x_LateForCycle": line["late_for"] or "",
        "x_PayerId": line["payer_id"] or "",
        "x_ResourceNameZh": line["resource_name"] or "",
        "x_ResourceTypeZh": line["resource_type_name"],
        "x_ServiceNameZh": line["service_type_name"],
        "x_SubResourceId": line["sub_resource_id"] or "",
        "x_SubResourceType": line["sub_resource_type_code"] or "",
        "x_TradeId": line["trade_id"],
    }


def _charge_period(line: Line, category: str) -> tuple[datetime, datetime]:
    """Of use from when to when, of all else its second; ends are exclusive."""
    if category == USAGE and line["used_from"] is not None:
        begin, end = _second(line["used_from"]), _second(line["consume_time"])
        if begin < end:
            return begin, end
    at = _second(line["trade_time"])
    return at, at + timedelta(seconds=1)


def _second(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def _frequency(line: Line, category: str) -> str:
    if category == USAGE:
        return "Usage-Based"
    return "Recurring" if line["bill_type"] in known()["recurring"]["bill_types"] else "One-Time"


def _quantity(line: Line, category: str) -> tuple[Decimal, str]:
    """Of use how much; what is bought is one, and what goes back is one less."""
    if category == USAGE and line["usage_amount"]:
        return line["usage_amount"], known()["units"].get(str(line["usage_measure_id"]), "Units")
    return Decimal(-1 if line["payment_amount"] < 0 else 1), "Units"


def _unit_price(cost: Decimal, quantity: Decimal) -> str:
    return _number(_EXACT.divide(cost, quantity).quantize(UNIT_PLACES, context=_EXACT))


def _number(value: Decimal) -> str:
    """Without an exponent, and with a point: readers take a column of whole numbers otherwise."""
    text = f"{value.normalize() if value else ZERO:f}"
    return text if "." in text else f"{text}.0"


def _ascii(text: str | None) -> str:
    """The text where it is ASCII; else it stands in its x_ column alone."""
    return text if text is not None and text.isascii() else ""


def _tags(tags: Any) -> str:
    said = json.loads(tags) if isinstance(tags, str) else tags
    return json.dumps(said, sort_keys=True) if said else ""
