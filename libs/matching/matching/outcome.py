"""What comes out for each line."""

from decimal import Decimal
from typing import NamedTuple

from matching.vouchers import Reason


class Allocation(NamedTuple):
    """What a voucher pays of a line."""

    voucher_id: str
    amount: Decimal


class Paid(NamedTuple):
    """How a line is paid that vouchers paid a part of, less what refunds gave back since."""

    money: Decimal
    vouchers: tuple[Allocation, ...]  # in the order in which they paid


class Restored(NamedTuple):
    """What a refund gives back to a voucher."""

    voucher_id: str
    amount: Decimal
    expired: bool  # the voucher has ended, and the amount with it


class PassedOver(NamedTuple):
    """A voucher that was looked at and paid nothing."""

    voucher_id: str
    reason: Reason


class Matched(NamedTuple):
    """A line after the vouchers: due = amount - allocations + restored + forfeited."""

    line_id: str
    due: Decimal
    allocations: tuple[Allocation, ...] = ()
    restored: tuple[Restored, ...] = ()
    # Of a refund: what vouchers paid and do not get back. It does not become money either.
    forfeited: Decimal = Decimal("0.00")
    passed_over: tuple[PassedOver, ...] = ()
