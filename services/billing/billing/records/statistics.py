"""Lines as they are, or added up by day or by cycle: what both lists of resources share."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, literal_column, null, select
from sqlalchemy.orm import InstrumentedAttribute

from billing.lines.models import BillLine
from billing.records.asked import AskedLines

BY_CYCLE, BY_DAY, BY_LINE = 1, 2, 3  # statistic_type

AMOUNTS = (
    "official_amount", "official_discount_amount", "erase_amount", "payment_amount", "cash_amount",
    "credit_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "bonus_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
QUANTITIES = ("usage_amount", "free_resource_usage", "ri_usage")
# Lines that differ in one of these are never added up.
KINDS = (
    "customer_id", "bill_cycle", "bill_type", "charging_mode", "service_type_code",
    "service_type_name", "resource_type_code", "resource_type_name", "region_code", "resource_id",
    "resource_name", "resource_spec_code", "product_id", "product_name", "spec_size",
    "spec_size_measure_id", "order_id", "relative_order_id", "pre_order_id", "period_type",
    "period_num", "usage_type", "usage_measure_id", "free_resource_measure_id",
    "ri_usage_measure_id", "enterprise_project_id", "enterprise_project_name", "payer_id",
    "partner_id", "currency", "unit_price", "tags", "az_code", "parent_resource_id",
    "root_resource_id", "sub_service_type_code", "sub_service_type_name", "sub_resource_type_code",
    "sub_resource_type_name", "sub_resource_id", "sub_resource_name",
)  # fmt: skip
# What a line alone has.
OWN = (
    "line_id", "trade_time", "consume_time", "used_from", "usage_record_id", "formula", "is_spot",
    "promotion_type", "payment_type", "period_begin_at", "period_end_at",
)  # fmt: skip


def chosen(asked: AskedLines, statistic_type: int) -> Select[Any]:
    """All rows, in an order that stays the same from page to page."""
    account = asked.split.account().label("customer_id")
    if statistic_type == BY_LINE:
        names = (*KINDS[1:], *OWN, *AMOUNTS, *QUANTITIES, "bill_date", "trade_id")
        return (
            select(account, *(_column(name) for name in names))
            .where(*asked.of_lines())
            .order_by(BillLine.customer_id, BillLine.trade_time, BillLine.line_id)
        )
    kinds = [_column(name) for name in KINDS[1:]]
    day = [BillLine.bill_date] if statistic_type == BY_DAY else []
    first, last = func.min(BillLine.trade_id), func.max(BillLine.trade_id)
    return (
        select(
            account,
            *kinds,
            *day,
            *(func.sum(_column(name)).label(name) for name in (*AMOUNTS, *QUANTITIES)),
            # An id that all of them have is theirs.
            case((first == last, first), else_=null()).label("trade_id"),
            func.max(BillLine.trade_time).label("trade_time"),
            func.min(BillLine.line_id).label("line_id"),
        )
        .where(*asked.of_lines())
        .group_by(literal_column("1"), *kinds, *day)
        .order_by(
            literal_column("1"), *day, func.min(BillLine.trade_time), func.min(BillLine.line_id)
        )
    )


def _column(name: str) -> InstrumentedAttribute[Any]:
    column: InstrumentedAttribute[Any] = getattr(BillLine, name)
    return column


def tag_text(tags: dict[str, Any]) -> str | None:
    """As bills write them: key=value, several by semicolon."""
    return ";".join(f"{key}={value}" for key, value in sorted(tags.items())) or None


def fraction(number: int | None) -> Decimal | None:
    """A number of periods: a fraction in the SDK's models."""
    return None if number is None else Decimal(number)


def sub_fields(row: Any) -> dict[str, Any]:
    """What a child that stands under its instance is itself."""
    names: Sequence[str] = (
        "sub_service_type_code", "sub_service_type_name", "sub_resource_type_code",
        "sub_resource_type_name", "sub_resource_id", "sub_resource_name",
    )  # fmt: skip
    return {name: row[name] for name in names}
