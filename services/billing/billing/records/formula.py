"""The vendor's way to write how a charge came about; its value is what is paid beside coupons.

See docs/domain/bills.md I.6. The labels stay Chinese in every language: so the vendor writes them.
"""

from decimal import Decimal
from typing import Any

ON_DEMAND, PERIOD = 3, 1  # charging_mode
ONE_TIME = 5  # period_type
USAGE_TYPE, NEW, RENEWALS = 5, 1, (2, 8)  # bill_type


def formula_of(row: Any, ratio: tuple[int, int] | None) -> str | None:
    """As the vendor names the scenes: on demand, and new or renewed periods, at simple prices.

    `ratio`: a unit of the usage is so many of so many parts of a unit of the price. None where the
    price is not simple, or the scene has no formula.
    """
    if row["unit_price"] is None:
        return None
    if row["charging_mode"] == ON_DEMAND and row["bill_type"] == USAGE_TYPE:
        factors = _used(row, ratio)
        less = [
            _less(row["official_discount_amount"], "优惠金额"),
            _less(row["erase_amount"], "抹零金额"),
        ]
    elif row["charging_mode"] == PERIOD and row["bill_type"] in (NEW, *RENEWALS):
        factors = _periods(row)
        less = [_less(row["official_discount_amount"], "优惠金额")]
    else:
        return None
    if factors is None:
        return None
    less.append(_less(row["coupon_amount"], "代金券抵扣"))
    return "*".join([*factors, f"{_text(row['unit_price'])}【单价】"]) + "".join(less)


def _used(row: Any, ratio: tuple[int, int] | None) -> list[str] | None:
    """What is charged of the use; what packages held is not, and is reckoned in size and time."""
    if row["usage_amount"] is None or ratio is None:
        return None
    numerator, denominator = ratio
    used, free = row["usage_amount"] * numerator, row["free_resource_usage"]
    if free:
        used = used * (row["spec_size"] or 1) - free * denominator
    factors = [f"{_text(used)}【使用量】/{denominator}【单位转换】"]
    return factors if free else [*factors, *_size(row)]


def _periods(row: Any) -> list[str] | None:
    if row["period_type"] == ONE_TIME:
        return _size(row)
    if row["period_num"] is None:
        return None
    return [f"{row['period_num']}【周期数】/1【周期转换】", *_size(row)]


def _size(row: Any) -> list[str]:
    return [] if row["spec_size"] is None else [f"{_text(row['spec_size'])}【规格】"]


def _less(amount: Decimal, label: str) -> str:
    return f"-{_text(amount)}【{label}】"


def _text(amount: Decimal) -> str:
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
