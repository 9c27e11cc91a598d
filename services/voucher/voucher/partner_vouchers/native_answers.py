"""What the native API shows of partner vouchers; amounts are texts of two decimals."""

from datetime import datetime

from matching import Reason
from voucher.partner_vouchers.models import PartnerVoucher
from wire.native import Money, NativeAnswer


class VoucherLimitsAnswer(NativeAnswer):
    """What it may pay for; an empty list does not limit."""

    customer_ids: list[str]
    service_type_codes: list[str]
    product_ids: list[str]
    region_codes: list[str]
    charging_modes: list[int]  # 1 yearly/monthly, 3 on demand, 10 reserved instance, 11 savings


class PartnerVoucherAnswer(NativeAnswer):
    """A voucher as it is at the moment."""

    voucher_id: str
    partner_id: str
    distributor_id: str | None
    origin: str  # "incentive" | "poc"
    status: int  # 2 usable, 3 used, 4 expired
    site: str
    currency: str
    amount: Money
    balance: Money
    lapsed_amount: Money  # came back by refunds when its time was over
    effective_at: datetime
    expire_at: datetime
    limits: VoucherLimitsAnswer
    created_at: datetime
    ended_at: datetime | None
    version: int


class PartnerVouchersAnswer(NativeAnswer):
    """A page of vouchers; `next` goes into `after` for the next page, null on the last one."""

    partner_vouchers: list[PartnerVoucherAnswer]
    next: str | None


class PassedOverAnswer(NativeAnswer):
    """A voucher that was looked at and paid nothing of the line, and why."""

    voucher_id: str
    reason: Reason


class MatchedLineAnswer(NativeAnswer):
    """due = amount - its allocations + its restored + forfeited."""

    line_id: str
    currency: str
    amount: Money
    due: Money
    forfeited: Money  # of a refund: what vouchers had paid and do not get back
    passed_over: list[PassedOverAnswer]


class AllocationAnswer(NativeAnswer):
    """What a voucher pays of a line."""

    line_id: str
    voucher_id: str
    currency: str
    amount: Money


class RestoredAnswer(NativeAnswer):
    """What a voucher gets back by a refund; with `expired` its time was over, and it lapses."""

    line_id: str
    voucher_id: str
    currency: str
    amount: Money
    expired: bool


class MatchedAnswer(NativeAnswer):
    """Which vouchers pay for which lines, and what is due then, in sum and of each line."""

    settlement_id: str | None  # null: nothing was deducted
    partner_id: str
    currency: str
    due: Money
    lines: list[MatchedLineAnswer]
    allocations: list[AllocationAnswer]
    restored: list[RestoredAnswer]


def native_voucher(voucher: PartnerVoucher, now: datetime) -> PartnerVoucherAnswer:
    """The voucher; one whose time has passed is expired."""
    return PartnerVoucherAnswer.of(
        voucher,
        voucher_id=voucher.id,
        status=voucher.status_at(now),
        limits=VoucherLimitsAnswer.of(voucher.rules),
    )
