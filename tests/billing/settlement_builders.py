"""Closed months, vouchers of partners, and settlements carried out in this process."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from httpx import Response
from sqlalchemy import text

from billing.lines.models import BillLine
from billing.prices.catalogue import load_catalogue
from billing.settlement.run_settlements import Settlements
from billing.settlement.settlement_prices import load_settlement_prices
from chassis.database import Database
from chassis.ids import new_id
from contracts.partner import PartnerUpdated
from contracts.voucher import (
    VoucherLimits,
    VoucherPartnerVoucherGranted,
    VoucherPartnerVoucherUsed,
)
from testkit.door import ADMINISTRATOR
from tests.billing.builders import CUSTOMER, NOW, PARTNER, BillingDoor, hear, partner_joined
from wire.times import beijing_day, cycle_bounds, cycle_of

MONTH = "2026-10"
BEGIN, END = cycle_bounds(MONTH)
ZERO = Decimal("0.00")
_PARTS = (
    "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount", "bonus_amount",
    "cash_amount", "credit_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
_serial = count(1)


def bill_line(amount: str, at: datetime | None = None, **more: Any) -> BillLine:
    """A line of CUSTOMER that was paid in cash, in October."""
    trade_time = at or BEGIN + timedelta(hours=next(_serial))
    told: dict[str, Any] = {
        "line_id": new_id(),
        "customer_id": CUSTOMER,
        "partner_id": PARTNER,
        "association_type": "2",
        "account_manager_id": "manager-1",
        "site": "china",
        "currency": "CNY",
        "bill_cycle": cycle_of(trade_time),
        "bill_date": beijing_day(trade_time),
        "bill_type": 1,
        "charging_mode": 1,
        "trade_id": "order-1",
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "弹性云服务器",
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_spec_code": "s6.small.1.linux",
        "product_id": "OFFI-ECS-S6SMALL-L",
        "region_code": "cn-north-4",
        "trade_time": trade_time,
        "consume_time": trade_time,
        "official_amount": Decimal(amount),
        "official_discount_amount": ZERO,
        "erase_amount": ZERO,
        "payment_amount": Decimal(amount),
        "version": 1,
        **dict.fromkeys(_PARTS, ZERO),
    }
    if not more.keys() & set(_PARTS):
        told["cash_amount"] = Decimal(amount)
    return BillLine(**{**told, **more})


async def add_lines(database: Database, *lines: BillLine) -> None:
    """As if they had been charged."""
    async with database.transaction() as session:
        session.add_all(lines)


async def uses_vouchers(database: Database, partner_id: str = PARTNER, **more: Any) -> None:
    """The partner is in the mode in which its vouchers pay for its bill."""
    joined = partner_joined(partner_id, version=9, coupon_mode="use_vouchers", **more)
    await hear(database, PartnerUpdated(**joined.model_dump()))


async def granted(database: Database, voucher_id: str, amount: str, **more: Any) -> None:
    """The partner got a voucher, as voucher states it."""
    told: dict[str, Any] = {
        "occurred_at": BEGIN,
        "partner_id": PARTNER,
        "version": 1,
        "voucher_id": voucher_id,
        "origin": "incentive",
        "status": 2,
        "currency": "CNY",
        "face_value": Decimal(amount),
        "balance": Decimal(amount),
        "effective_at": BEGIN - timedelta(days=60),
        "expire_at": datetime(2027, 1, 1, tzinfo=UTC),
        "limits": VoucherLimits(),
        **more,
    }
    await hear(database, VoucherPartnerVoucherGranted(**told))


async def request(door: BillingDoor, partner_id: str = PARTNER, **more: Any) -> Response:
    """The administrator asks for October."""
    body = {"partner_id": partner_id, "bill_cycle": MONTH, **more}
    return await door.post("/api/settlements", body, ADMINISTRATOR)


async def carry_out(database: Database, now: datetime = NOW) -> None:
    """What the schedule does at one turn."""
    await Settlements(load_settlement_prices(), load_catalogue()).work(database, now)


async def settled(door: BillingDoor, partner_id: str = PARTNER, **more: Any) -> dict[str, Any]:
    """Asked for and carried out; as it is shown then."""
    answer = await request(door, partner_id, **more)
    assert answer.status_code == 202, answer.text
    await carry_out(door.database)
    return await shown(door, answer.json()["settlement_id"])


async def shown(door: BillingDoor, settlement_id: str) -> dict[str, Any]:
    """As the administrator sees it."""
    answer = await door.get(f"/api/settlements/{settlement_id}", ADMINISTRATOR)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def voucher_paid(
    database: Database, settlement: dict[str, Any], voucher_id: str, amount: str, balance: str
) -> None:
    """Voucher has moved its balance."""
    used = VoucherPartnerVoucherUsed(
        occurred_at=NOW, partner_id=PARTNER, version=2, voucher_id=voucher_id, origin="incentive",
        status=2, currency="CNY", face_value=Decimal("100.00"), balance=Decimal(balance),
        effective_at=BEGIN - timedelta(days=60), expire_at=datetime(2027, 1, 1, tzinfo=UTC),
        limits=VoucherLimits(), settlement_id=settlement["settlement_id"],
        line_id=settlement["settlement_id"], amount=Decimal(amount),
    )  # fmt: skip
    await hear(database, used)


_ROWS = text("""
    SELECT (to_jsonb(l) - 'settlement_id')::text FROM settled_lines l
    JOIN settlements s USING (settlement_id)
    WHERE s.partner_id = :partner AND s.number = :number ORDER BY l.position
""")
_SUMS = text("""
    SELECT (to_jsonb(l) - 'settlement_id' - 'bill_number')::text FROM settlement_sums l
    JOIN settlements s USING (settlement_id)
    WHERE s.partner_id = :partner AND s.number = :number ORDER BY l.number
""")


async def bytes_of(database: Database, number: int = 1, partner_id: str = PARTNER) -> str:
    """All that a settlement wrote of lines and sums, without its own id."""
    named = {"partner": partner_id, "number": number}
    async with database.transaction() as session:
        rows = [*(await session.scalars(_ROWS, named)), *(await session.scalars(_SUMS, named))]
    return "\n".join(rows)
