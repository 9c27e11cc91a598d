"""Which vouchers would pay for which lines: the dry run, and what a settlement carries out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from matching import Line, Matched, Matching, RefundCase, in_order
from voucher.copies import Partner
from voucher.partner_vouchers.limits import ChargingModeWanted
from voucher.partner_vouchers.models import PartnerVoucher, SettledLine
from voucher.partner_vouchers.native_answers import (
    AllocationAnswer,
    MatchedAnswer,
    MatchedLineAnswer,
    PassedOverAnswer,
    RestoredAnswer,
)
from voucher.partner_vouchers.paid_before import paid_before
from wire.types import Id, NativeInstant, SignedAmount, WireRequest

LINES_MAX = 1000
USES_VOUCHERS = "use_vouchers"
# How long an ended voucher is looked at, to say that it has ended.
EXPIRED_TOLD = timedelta(days=92)
ZERO = Decimal("0.00")


class LineWanted(WireRequest):
    """A line of the partner's bill; a refund's amount is negative."""

    model_config = ConfigDict(extra="forbid")

    line_id: Id
    trade_time: NativeInstant
    customer_id: Id
    amount: SignedAmount
    currency: str | None = Field(default=None, description="the partner's, when given")
    service_type_code: Id
    product_id: Id
    region_code: Id
    charging_mode: ChargingModeWanted  # 1 yearly/monthly, 3 on demand, 10 reserved, 11 savings
    refund_of: Id | None = None
    # Only these cases give a voucher back; "none" says what an absent one says.
    refund_case: (
        Literal["not_effective", "provisioning_failed", "renewal_not_effective", "none"] | None
    ) = None

    @model_validator(mode="after")
    def _refunds_name_what_they_refund(self) -> "LineWanted":
        if self.amount < 0 and self.refund_of is None:
            raise ValueError("a refund names the line that it refunds")
        if self.amount > 0 and (self.refund_of or self.refund_case) is not None:
            raise ValueError("a refund has a negative amount")
        return self

    def for_matching(self) -> Line:
        """As the matching takes it."""
        case = None if self.refund_case in (None, "none") else RefundCase(self.refund_case)
        return Line(
            self.line_id, self.trade_time, self.customer_id, self.amount, self.service_type_code,
            self.product_id, self.region_code, self.charging_mode, self.refund_of, case,
        )  # fmt: skip


class MatchLines(WireRequest):
    """The body of `POST /api/partner-vouchers/matching`."""

    model_config = ConfigDict(extra="forbid")

    partner_id: Id
    lines: list[LineWanted] = Field(min_length=1, max_length=LINES_MAX)


class NotInVoucherModeError(RefusedError):
    """The partner issues coupons to its customers, and so uses no vouchers itself."""

    code = "CHB.0409"


class LineSettledError(RefusedError):
    """The line is settled already."""

    code = "CHB.0409"


@dataclass(frozen=True, slots=True)
class Matches:
    """The lines by trade time, and what came out for each."""

    partner: Partner
    vouchers: dict[str, PartnerVoucher]
    lines: list[Line]
    matched: list[Matched]

    def answer(self, settlement_id: str | None = None) -> MatchedAnswer:
        """As the native API shows it."""
        currency = self.partner.currency
        parts = [(one.line_id, part) for one in self.matched for part in one.allocations]
        back = [(one.line_id, part) for one in self.matched for part in one.restored]
        return MatchedAnswer(
            settlement_id=settlement_id,
            partner_id=self.partner.partner_id,
            currency=currency,
            due=sum((one.due for one in self.matched), ZERO),
            lines=[
                _line_answer(line, one, currency)
                for line, one in zip(self.lines, self.matched, strict=True)
            ],
            allocations=[
                AllocationAnswer(
                    line_id=line_id, voucher_id=part.voucher_id, currency=currency,
                    amount=part.amount,
                )
                for line_id, part in parts
            ],
            restored=[
                RestoredAnswer(
                    line_id=line_id, voucher_id=part.voucher_id, currency=currency,
                    amount=part.amount, expired=part.expired,
                )
                for line_id, part in back
            ],
        )  # fmt: skip


def _line_answer(line: Line, matched: Matched, currency: str) -> MatchedLineAnswer:
    return MatchedLineAnswer(
        line_id=line.line_id,
        currency=currency,
        amount=line.amount,
        due=matched.due,
        forfeited=matched.forfeited,
        passed_over=[
            PassedOverAnswer(voucher_id=over.voucher_id, reason=over.reason)
            for over in matched.passed_over
        ],
    )


async def rehearse_matching(
    session: AsyncSession, principal: Principal, wanted: MatchLines
) -> MatchedAnswer:
    """What a settlement of the lines would be now; nothing is written.

    Raises:
        NotFoundError: no such partner, or not the caller's.
        BadFieldError: a line comes twice, or is not in the partner's currency.
        NotInVoucherModeError: the partner issues coupons.
        LineSettledError: see there.

    """
    partner = await find(session, Partner, wanted.partner_id)
    own = (partner.partner_id, partner.distributor_id) if partner else ()
    if partner is None or (principal.is_partner and principal.partner_id not in own):
        raise NotFoundError(wanted.partner_id)
    return (await match_lines(session, partner, wanted.lines)).answer()


async def match_lines(
    session: AsyncSession, partner: Partner, wanted: Sequence[LineWanted], *, lock: bool = False
) -> Matches:
    """The lines by trade time, and what comes out; with `lock` the vouchers stay as they are.

    Raises:
        BadFieldError: a line comes twice, or is not in the partner's currency.
        NotInVoucherModeError: the partner issues coupons.
        LineSettledError: see there.

    """
    if partner.coupon_mode != USES_VOUCHERS:
        raise NotInVoucherModeError("the partner issues coupons to its customers")
    await _refuse_lines(session, partner, wanted)
    lines = in_order(line.for_matching() for line in wanted)
    paid = await paid_before(
        session, partner.partner_id, {line.refund_of for line in lines if line.refund_of}
    )
    named = {part.voucher_id for one in paid.values() for part in one.vouchers}
    ended = lines[0].trade_time - EXPIRED_TOLD
    looked_at = select(PartnerVoucher).where(
        PartnerVoucher.partner_id == partner.partner_id,
        or_(PartnerVoucher.expire_at > ended, PartnerVoucher.id.in_(named)),
    )
    if lock:
        looked_at = looked_at.order_by(PartnerVoucher.id).with_for_update()
    found = await session.scalars(looked_at.execution_options(populate_existing=True))
    vouchers = {voucher.id: voucher for voucher in found}
    matching = Matching(
        [voucher.for_matching() for voucher in vouchers.values()], paid_before=paid, explain=True
    )
    return Matches(partner, vouchers, lines, [matching.take(line) for line in lines])


async def _refuse_lines(
    session: AsyncSession, partner: Partner, wanted: Sequence[LineWanted]
) -> None:
    seen: set[str] = set()
    for index, line in enumerate(wanted):
        if line.line_id in seen:
            raise BadFieldError(f"lines[{index}].line_id", "came more than once")
        seen.add(line.line_id)
        if line.currency not in (None, partner.currency):
            raise BadFieldError(f"lines[{index}].currency", f"the partner's is {partner.currency}")
    settled = select(SettledLine.line_id).where(
        SettledLine.partner_id == partner.partner_id, SettledLine.line_id.in_(seen)
    )
    known = await session.scalar(settled.order_by(SettledLine.line_id).limit(1))
    if known is not None:
        raise LineSettledError(f"the line {known} is settled already")
