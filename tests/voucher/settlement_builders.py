"""Partner vouchers, lines of a bill, and settlements of them."""

from datetime import timedelta
from itertools import count
from typing import Any

from httpx import Response

from chassis.identity import Principal
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import LATER, NOW, PARTNER, VoucherDoor, associated, hear, joined, wire
from voucher.partner_vouchers.models import PartnerVoucher

VOUCHERS = "/api/partner-vouchers"
MATCHING = "/api/partner-vouchers/matching"
SETTLEMENTS = "/api/partner-vouchers/settlements"
_serial = count(1)


async def voucher_mode(door: VoucherDoor) -> None:
    """`sp` uses vouchers itself, and has the customers a and b; `other` has x."""
    await hear(
        door.database,
        joined("sp", coupon_mode="use_vouchers"),
        joined("other", coupon_mode="use_vouchers"),
        associated("a"),
        associated("b"),
        associated("x", partner_id="other"),
    )


def grant_body(amount: Any, **more: Any) -> dict[str, Any]:
    """A voucher of `sp`, in force since ten days ago."""
    body = {
        "partner_id": "sp",
        "amount": amount,
        "origin": "incentive",
        "effective_at": wire(NOW - timedelta(days=10)),
        "expire_at": wire(LATER),
    }
    return body | more


async def granted(door: VoucherDoor, amount: str, **more: Any) -> str:
    """Its id."""
    answer = await door.post(VOUCHERS, grant_body(amount, **more), ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["voucher_id"])


def line(line_id: str, amount: str, days_ago: float = 5, **more: Any) -> dict[str, Any]:
    """A line of customer a."""
    told = {
        "line_id": line_id,
        "trade_time": wire(NOW - timedelta(days=days_ago)),
        "customer_id": "a",
        "amount": amount,
        "service_type_code": "hws.service.type.ec2",
        "product_id": "p1",
        "region_code": "cn-north-4",
        "charging_mode": 1,
    }
    return told | more


def refund(of: str, amount: str, case: str | None = None, **more: Any) -> dict[str, Any]:
    """A day after the line."""
    told = {"refund_of": of, "refund_case": case} | more
    return line(f"r{next(_serial)}", amount, **{"days_ago": 4} | told)


async def settle(
    door: VoucherDoor, settlement_id: str, *lines: dict[str, Any], partner_id: str = "sp"
) -> Response:
    """The administrator's command."""
    body = {"settlement_id": settlement_id, "partner_id": partner_id, "lines": lines}
    return await door.post(SETTLEMENTS, body, ADMINISTRATOR)


async def match(door: VoucherDoor, *lines: dict[str, Any], by: Principal = PARTNER) -> Response:
    """The dry run."""
    return await door.post(MATCHING, {"partner_id": "sp", "lines": lines}, by)


async def kept(door: VoucherDoor, voucher_id: str) -> PartnerVoucher:
    """The row, seen past every tenant's rule."""
    async with door.database.transaction() as session:
        return await session.get_one(PartnerVoucher, voucher_id)
