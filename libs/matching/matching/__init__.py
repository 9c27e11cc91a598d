"""Partner vouchers and the lines of a partner's bill: which voucher pays for which line."""

from matching.engine import Matching, OutOfOrderError, UnknownVoucherError
from matching.lines import Line, RefundCase, in_order
from matching.outcome import Allocation, Matched, Paid, PassedOver, Restored
from matching.vouchers import Reason, Voucher

__all__ = [
    "Allocation",
    "Line",
    "Matched",
    "Matching",
    "OutOfOrderError",
    "Paid",
    "PassedOver",
    "Reason",
    "RefundCase",
    "Restored",
    "UnknownVoucherError",
    "Voucher",
    "in_order",
]
