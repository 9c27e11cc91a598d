"""Which vouchers may pay for a line at this moment, as sets of bits.

Each voucher is one bit of an integer, and the higher one pays first. So the vouchers for a line are
a few integers and-ed, and the first of them is the highest bit: no voucher is looked at that may
not pay.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from matching.lines import Line
from matching.outcome import Allocation
from matching.vouchers import Voucher

ZERO = Decimal("0.00")
NEVER = datetime.max.replace(tzinfo=UTC)

Bits = int


class Standing:
    """Of vouchers in the order of their bits, the last of which pays first."""

    def __init__(self, vouchers: Sequence[Voucher]):
        self.vouchers = vouchers
        self.left = [voucher.remaining for voucher in vouchers]
        self._usable: Bits = 0
        self._customers = _by_value([voucher.customer_ids for voucher in vouchers])
        limits: dict[str, list[frozenset[Any]]] = {
            "service_type_code": [voucher.service_type_codes for voucher in vouchers],
            "product_id": [voucher.product_ids for voucher in vouchers],
            "region_code": [voucher.region_codes for voucher in vouchers],
            "charging_mode": [voucher.charging_modes for voucher in vouchers],
        }
        self._limits = [
            (Line._fields.index(name), *_by_value(values)) for name, values in limits.items()
        ]
        # When a voucher begins or ends, the next one last; each is taken off when it has come. One
        # that ends as it begins has ended.
        turns = [(v.effective_at, bit, True) for bit, v in enumerate(vouchers)]
        turns += [(v.expire_at, bit, False) for bit, v in enumerate(vouchers)]
        self._turns = sorted(turns, key=lambda turn: (turn[0], not turn[2]), reverse=True)
        self._next_turn = self._turns[-1][0] if turns else NEVER

    def restore(self, bit: int, amount: Decimal, now: datetime) -> bool:
        """Give back to the voucher; False when it is not in force, and the amount is lost."""
        holds = self.vouchers[bit].holds_at(now)
        if holds:
            self.left[bit] += amount
            self._usable |= 1 << bit
        return holds

    def pay(
        self, line: Line, due: Decimal, paid: tuple[Allocation, ...]
    ) -> tuple[tuple[Allocation, ...], Decimal]:
        """Let those that may pay what is due of the line: what was paid with it, and is due yet."""
        if line.trade_time >= self._next_turn:
            self._turn(line.trade_time)
        candidates = self._usable and self._candidates(line)
        while candidates and due:
            bit = candidates.bit_length() - 1
            left = self.left[bit]
            part = due if due < left else left
            paid += (Allocation(self.vouchers[bit].voucher_id, part),)
            due -= part
            if part < left:
                self.left[bit] = left - part
            else:
                self.left[bit] = ZERO
                self._usable ^= 1 << bit
                candidates ^= 1 << bit
        return paid, due

    def _turn(self, now: datetime) -> None:
        """Let begin and end what begins and ends until now."""
        while self._turns and self._turns[-1][0] <= now:
            _, bit, begins = self._turns.pop()
            if not begins:
                self._usable &= ~(1 << bit)
            elif self.left[bit]:
                self._usable |= 1 << bit
        self._next_turn = self._turns[-1][0] if self._turns else NEVER

    def _candidates(self, line: Line) -> Bits:
        """Those that have something left and may pay for the line."""
        named, others = self._customers
        found = self._usable & named.get(line.customer_id, others)
        if not found:
            return 0
        for field, named, others in self._limits:
            found &= named.get(line[field], others)
        return found


def _by_value(limits: Sequence[frozenset[Any]]) -> tuple[dict[Any, Bits], Bits]:
    """Whom one limit lets pay: by each value that vouchers name, and for all other values."""
    others: Bits = 0
    named: dict[Any, Bits] = {}
    for bit, values in enumerate(limits):
        if not values:
            others |= 1 << bit
        for value in values:
            named[value] = named.get(value, 0) | 1 << bit
    return {value: bits | others for value, bits in named.items()}, others
