"""Lines and vouchers of October 2026, each with what a test does not care about."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from matching import Line, Voucher


def day(month: int, of_month: int) -> datetime:
    """Its first instant."""
    return datetime(2026, month, of_month, tzinfo=UTC)


def line(line_id: str, amount: str, **other: Any) -> Line:
    """A line of customer A on 1 October."""
    usual: dict[str, Any] = {
        "trade_time": day(10, 1),
        "customer_id": "A",
        "service_type_code": "ecs",
        "product_id": "p1",
        "region_code": "north",
        "charging_mode": 1,
    }
    return Line(line_id=line_id, amount=Decimal(amount), **{**usual, **other})


def voucher(voucher_id: str, remaining: str, **other: Any) -> Voucher:
    """A voucher without limits, from 1 September to 1 December."""
    usual: dict[str, Any] = {"effective_at": day(9, 1), "expire_at": day(12, 1)}
    return Voucher(voucher_id, Decimal(remaining), **{**usual, **other})
