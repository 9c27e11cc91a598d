"""A month with everything that a bill may hold, for what is exported as FOCUS."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.lines.models import BillLine
from tests.billing.bill_lines import BEFORE, CYCLE, bill_line
from tests.billing.builders import OTHER_CUSTOMER

SERVICES = (
    ("hws.service.type.ec2", "弹性云服务器", "hws.resource.type.vm", "云主机"),
    ("hws.service.type.ebs", "云硬盘", "hws.resource.type.volume", "云硬盘"),
    ("hws.service.type.obs", "对象存储服务", "hws.resource.type.obs", "对象存储"),
    ("hws.service.type.new", "新服务", "hws.resource.type.new", "新资源"),
)


def at(day: int, hour: int = 4, month: int = 11, year: int = 2026) -> datetime:
    """An instant of the month."""
    return datetime(year, month, day, hour, tzinfo=UTC)


def money(text: str) -> Decimal:
    """An amount."""
    return Decimal(text)


def used(number: int, **more: Any) -> BillLine:
    """Some use of one of the services: 0.04599822 is cut to 0.04."""
    service, name, resource, resource_name = SERVICES[number % len(SERVICES)]
    official = money("0.04599822") * (number + 1)
    payable = official.quantize(money("0.01"), rounding="ROUND_DOWN")
    traded = at(3 + number % 20)
    values: dict[str, Any] = {
        "service_type_code": service, "service_type_name": name,
        "resource_type_code": resource, "resource_type_name": resource_name,
        "resource_name": "服务器" if number % 2 else "web-1", "bill_type": 5, "charging_mode": 3,
        "official_amount": official, "official_discount_amount": money("0"),
        "erase_amount": official - payable, "payment_amount": payable, "cash_amount": payable,
        "trade_time": traded, "consume_time": traded, "used_from": traded - timedelta(hours=1),
        "usage_amount": money("7.1872222222"), "tags": {"team": "web"} if number % 3 else {},
    }  # fmt: skip
    return bill_line(number, prefix="used", **{**values, **more})


def bought(number: int, payable: str, months: int, begin: datetime, **more: Any) -> BillLine:
    """A server for so many months, a tenth of its price off, paid in part by a coupon."""
    paid = money(payable)
    official = (paid / money("0.9")).quantize(money("0.01"))
    end = begin.replace(
        year=begin.year + (begin.month - 1 + months) // 12,
        month=(begin.month - 1 + months) % 12 + 1,
    )
    values: dict[str, Any] = {
        "bill_type": 1, "charging_mode": 1, "official_amount": official,
        "official_discount_amount": official - paid, "erase_amount": money("0"),
        "payment_amount": paid, "coupon_amount": money("1.00"), "cash_amount": paid - 1,
        "bill_cycle": f"{begin + timedelta(hours=8):%Y-%m}", "trade_time": begin,
        "consume_time": begin, "period_type": 20, "period_num": months, "usage_amount": None,
        "usage_type": None, "period_begin_at": begin, "period_end_at": end, "known_at": begin,
    }  # fmt: skip
    return bill_line(number, prefix="bought", **{**values, **more})


def given_back(number: int, line: BillLine, payable: str, when: datetime) -> BillLine:
    """What an unsubscription gives back of a line."""
    paid = -money(payable)
    return bill_line(
        number, prefix="refund", bill_type=4, charging_mode=1, trade_time=when, consume_time=when,
        bill_cycle=f"{when + timedelta(hours=8):%Y-%m}", official_amount=paid,
        official_discount_amount=money("0"), erase_amount=money("0"), payment_amount=paid,
        cash_amount=paid, usage_amount=None, usage_type=None, corrects=line.line_id,
        customer_id=line.customer_id, known_at=when,
    )  # fmt: skip


def month() -> list[BillLine]:
    """The cycle's lines, and two orders of before that reach into it."""
    lines = [used(number) for number in range(24)]
    lines += [used(number, customer_id=OTHER_CUSTOMER, currency="USD") for number in range(24, 30)]
    year = bought(1, "1200.00", 12, at(15, month=3))
    lines += [year, bought(2, "300.00", 3, at(10)), bought(3, "99.99", 1, at(22, hour=20))]
    lines += [bought(4, "50.00", 1, at(12), bill_type=2, customer_id=OTHER_CUSTOMER)]
    lines += [given_back(5, year, "250.10", at(20))]
    for number, (kind, payable) in enumerate(((9, "-3.00"), (16, "2.50"), (25, "0.07"))):
        amount = money(payable)
        lines.append(
            bill_line(
                number, prefix="adjusted", bill_type=kind, charging_mode=3, official_amount=amount,
                official_discount_amount=money("0"), erase_amount=money("0"),
                payment_amount=amount, cash_amount=amount, usage_amount=None, usage_type=None,
                resource_id=None, period_type=None, known_at=BEFORE,
            )
        )  # fmt: skip
    return lines


def of_cycle(lines: list[BillLine]) -> list[BillLine]:
    """Those that stand on the month's bill."""
    return [line for line in lines if line.bill_cycle == CYCLE]
