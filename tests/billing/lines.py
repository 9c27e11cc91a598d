"""Bill lines as tests write them by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

from billing.lines.models import BillLine
from tests.billing.builders import CUSTOMER, NOW, PARTNER

PAID_BY = (
    "cash_amount", "credit_amount", "coupon_amount", "flexipurchase_coupon_amount",
    "stored_value_card_amount", "bonus_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
ZERO = Decimal("0.00")


def bill_line(line_id: str, **more: Any) -> BillLine:
    """A use of a server of CUSTOMER, paid in cash: 1.00, unless told otherwise.

    What is payable is the sum of what paid; the official amount is what the three parts add up to.
    """
    values: dict[str, Any] = {
        "line_id": line_id,
        "customer_id": CUSTOMER,
        "partner_id": PARTNER,
        "association_type": "2",
        "site": "china",
        "currency": "CNY",
        "bill_cycle": "2026-11",
        "bill_type": 5,
        "charging_mode": 3,
        "trade_id": f"trade-{line_id}",
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "弹性云服务器",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_spec_code": "s6.large.2.linux",
        "product_id": "product-1",
        "region_code": "cn-north-4",
        "trade_time": NOW,
        "consume_time": NOW,
        "known_at": NOW,
        "version": 1,
        **more,
    }
    if not any(name in more for name in PAID_BY):
        values["cash_amount"] = Decimal("1.00")
    for name in PAID_BY:
        values[name] = Decimal(values.get(name, ZERO))
    for name in ("official_discount_amount", "erase_amount"):
        values[name] = Decimal(values.get(name, ZERO))
    values["payment_amount"] = sum((values[name] for name in PAID_BY), ZERO)
    values["official_amount"] = (
        values["payment_amount"] + values["official_discount_amount"] + values["erase_amount"]
    )
    values.setdefault("bill_date", date.fromisoformat(f"{values['bill_cycle']}-23"))
    return BillLine(**values)
