"""The lines of a partner's bill, and the order in which vouchers pay for them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class RefundCase(StrEnum):
    """The refunds that give a voucher back; all others do not (docs/domain/partner-vouchers.md)."""

    NOT_EFFECTIVE = "not_effective"  # the resource had not taken effect
    PROVISIONING_FAILED = "provisioning_failed"
    RENEWAL_NOT_EFFECTIVE = "renewal_not_effective"  # the period had not begun


class Line(NamedTuple):
    """A line of the bill. A plain tuple, since there are millions of them."""

    line_id: str
    trade_time: datetime
    customer_id: str
    amount: Decimal  # payable, of 2 decimals; a refund's is negative
    service_type_code: str
    product_id: str
    region_code: str
    charging_mode: int
    refund_of: str | None = None  # the line that a refund refunds
    refund_case: RefundCase | None = None

    @property
    def place(self) -> tuple[datetime, bool, str]:
        """Where it stands: by trade time, a refund after what was bought then, then by id."""
        return self.trade_time, self.amount < 0, self.line_id


def in_order(lines: Iterable[Line]) -> list[Line]:
    """The lines as the engine takes them, from whatever order."""
    return sorted(lines, key=lambda line: line.place)
