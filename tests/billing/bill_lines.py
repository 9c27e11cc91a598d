"""Bill lines put straight into the table: as many and as odd as a test wants them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.lines.models import BillLine
from chassis.database import Database
from tests.billing.builders import CUSTOMER, PARTNER
from wire.times import beijing_day

CYCLE = "2026-11"
FIRST = datetime(2026, 11, 3, 1, 2, 3, tzinfo=UTC)
BEFORE = datetime(2026, 11, 3, tzinfo=UTC)  # when lines were known


def bill_line(number: int, cycle: str = CYCLE, prefix: str = "line", **more: Any) -> BillLine:
    """An hour of a server; every third line is a refund of a cent more."""
    payable = Decimal(number + 1) if number % 3 else Decimal("-1.00")
    erased = Decimal("0.00123456") if number % 3 else Decimal(0)
    traded = FIRST + timedelta(minutes=number)
    values: dict[str, Any] = {
        "line_id": f"{prefix}-{number:07d}",
        "customer_id": CUSTOMER,
        "partner_id": PARTNER,
        "association_type": "2",
        "account_manager_id": None,
        "site": "china",
        "currency": "CNY",
        "bill_cycle": cycle,
        "bill_date": beijing_day(traded),
        "bill_type": 5 if number % 3 else 4,
        "charging_mode": 3 if number % 3 else 1,
        "trade_id": f"trade-{prefix}-{number}",
        "order_id": None,
        "resource_id": f"resource-{number % 5}",
        "resource_name": None,
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "弹性云服务器",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_spec_code": "s6.small.1.linux",
        "product_id": "OFFI-ECS-S6SMALL-L",
        "region_code": "cn-north-4",
        "trade_time": traded,
        "consume_time": traded,
        "usage_type": "Duration",
        "usage_amount": Decimal(1),
        "usage_measure_id": 4,
        "official_amount": payable + erased,
        "official_discount_amount": Decimal(0),
        "erase_amount": erased,
        "payment_amount": payable,
        "cash_amount": payable,
        "version": 1,
        "known_at": BEFORE,
    }
    return BillLine(**{**values, **more})


async def put_lines(
    database: Database,
    count: int,
    *,
    names: Sequence[str] = (),
    official: str | None = None,
    **more: Any,
) -> list[str]:
    """So many lines; the ids."""
    lines = []
    for number in range(count):
        named = {"resource_name": names[number % len(names)]} if names else {}
        line = bill_line(number, **{**named, **more})
        if official is not None:
            line.official_amount = Decimal(official)
            line.official_discount_amount = (
                Decimal(official) - line.payment_amount - line.erase_amount
            )
        lines.append(line)
    async with database.transaction() as session:
        session.add_all(lines)
    return [line.line_id for line in lines]
