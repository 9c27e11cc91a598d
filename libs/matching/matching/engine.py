"""The matching of vouchers and lines (docs/domain/partner-vouchers.md F10, H.21; decision 0110).

    matching = Matching(vouchers, refunded={line.refund_of for line in refunds_that_restore})
    for line in lines:  # by trade time, as `in_order` has them
        matched = matching.take(line)

It holds what is left of each voucher, and what was paid for the lines that a refund names: not the
lines, and nothing of what came out.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from matching.lines import Line
from matching.outcome import Allocation, Matched, Paid, PassedOver, Restored
from matching.standing import ZERO, Standing
from matching.vouchers import Reason, Voucher

BEFORE_ALL = Line("", datetime.min.replace(tzinfo=UTC), "", ZERO, "", "", "", 0)


class OutOfOrderError(ValueError):
    """A line comes after one that it stands before, or twice."""


class UnknownVoucherError(ValueError):
    """A voucher paid for a line before, and is not among those given."""


class Matching:
    """One pass over the lines of a bill."""

    def __init__(
        self,
        vouchers: Iterable[Voucher],
        *,
        paid_before: Mapping[str, Paid] | None = None,
        refunded: Container[str | None] | None = None,
        explain: bool = False,
    ):
        """Begin.

        `paid_before`: how lines of earlier passes, which are refunded in this one, are paid; those
        that vouchers paid nothing of may be left out. `refunded`: the lines of this pass that a
        later line of it refunds; without it each line that vouchers paid is remembered, which takes
        memory. `explain`: say of each line why each other voucher was passed over, at the price of
        looking at all of them.
        """
        ranked = sorted(vouchers, key=lambda voucher: voucher.rank, reverse=True)
        restricted = Standing([voucher for voucher in ranked if voucher.customer_ids])
        self._standings = (restricted, Standing([one for one in ranked if not one.customer_ids]))
        self._place = {
            voucher.voucher_id: (standing, bit)
            for standing in self._standings
            for bit, voucher in enumerate(standing.vouchers)
        }
        # One that is empty now may have something when it is asked.
        self._paid_before = {} if paid_before is None else paid_before
        self._refunded = refunded
        self._paid: dict[str, Paid] = {}
        self._explain = explain
        self._last = BEFORE_ALL

    def left(self) -> dict[str, Decimal]:
        """What is left of each voucher now."""
        return {name: standing.left[bit] for name, (standing, bit) in self._place.items()}

    def take(self, line: Line) -> Matched:
        """Let the vouchers pay for the line, or get back what they paid.

        Raises:
            OutOfOrderError: a line before it was not taken in order.
            UnknownVoucherError: see there.

        """
        if line.trade_time <= self._last.trade_time:
            self._refuse_disorder(line)
        self._last = line
        due = line.amount
        if due < 0:
            return self._refund(line)
        paid: tuple[Allocation, ...] = ()
        for standing in self._standings:
            if due:
                paid, due = standing.pay(line, due, paid)
        if paid and (self._refunded is None or line.line_id in self._refunded):
            self._paid[line.line_id] = Paid(due, paid)
        passed_over = self._passed_over(line, paid) if self._explain else ()
        return Matched(line.line_id, due, paid, (), ZERO, passed_over)

    def _refuse_disorder(self, line: Line) -> None:
        if line.place <= self._last.place:
            raise OutOfOrderError(f"{line.line_id} after {self._last.line_id}")

    def _refund(self, line: Line) -> Matched:
        """In the three cases vouchers get back what they paid, the last one first.

        For the rest the partner gets money, at most what was money: what a voucher paid and does
        not get back is forfeited.
        """
        back = -line.amount
        paid = self._paid_for(line.refund_of)
        if paid is None or line.refund_of is None:
            return Matched(line.line_id, -back)
        restored: list[Restored] = []
        vouchers = list(paid.vouchers)
        while line.refund_case is not None and vouchers and back:
            voucher_id, amount = vouchers.pop()
            part = min(amount, back)
            if part < amount:
                vouchers.append(Allocation(voucher_id, amount - part))
            restored.append(self._restore(voucher_id, part, line.trade_time))
            back -= part
        money = min(back, paid.money)
        self._paid[line.refund_of] = Paid(paid.money - money, tuple(vouchers))
        return Matched(line.line_id, -money, (), tuple(restored), back - money)

    def _paid_for(self, line_id: str | None) -> Paid | None:
        """How a line is paid; None when vouchers paid nothing of it."""
        if line_id is None:
            return None
        return self._paid.get(line_id) or self._paid_before.get(line_id)

    def _restore(self, voucher_id: str, amount: Decimal, now: datetime) -> Restored:
        if voucher_id not in self._place:
            raise UnknownVoucherError(voucher_id)
        standing, bit = self._place[voucher_id]
        return Restored(voucher_id, amount, expired=not standing.restore(bit, amount, now))

    def _passed_over(
        self, line: Line, allocations: tuple[Allocation, ...]
    ) -> tuple[PassedOver, ...]:
        """Every voucher that paid nothing, in the order in which they would have paid."""
        paid = {allocation.voucher_id for allocation in allocations}
        found: list[PassedOver] = []
        for standing in self._standings:
            for voucher, left in zip(
                reversed(standing.vouchers), reversed(standing.left), strict=True
            ):
                if voucher.voucher_id not in paid:
                    reason = Reason.LINE_COVERED if left else Reason.USED_UP
                    found.append(PassedOver(voucher.voucher_id, voucher.refuses(line) or reason))
        return tuple(found)
