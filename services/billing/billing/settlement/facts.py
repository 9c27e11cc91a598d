"""The events of partners' bills."""

from collections.abc import Sequence
from datetime import datetime

from billing.settlement.models import Settlement, SettlementVoucher
from contracts.billing import (
    BillingBillPublished,
    BillingBillSettled,
    BillingCorrectionOpened,
    VoucherShare,
)


def bill_settled(
    settlement: Settlement, vouchers: Sequence[SettlementVoucher], now: datetime
) -> BillingBillSettled:
    """The month is settled; voucher moves the balances."""
    return BillingBillSettled(
        occurred_at=now,
        partner_id=settlement.partner_id,
        distributor_id=settlement.distributor_id,
        version=settlement.version,
        settlement_id=settlement.settlement_id,
        bill_cycle=settlement.cycle,
        number=settlement.number,
        corrects=settlement.corrects,
        corrected_because=settlement.reason,
        currency=settlement.currency,
        lines=settlement.lines_done,
        customer_amount=settlement.customer_amount,
        settlement_amount=settlement.settlement_amount,
        adjustment_amount=settlement.adjustment_amount,
        voucher_amount=settlement.voucher_amount,
        forfeited_amount=settlement.forfeited_amount,
        due_amount=settlement.due_amount,
        performance_amount=settlement.performance_amount,
        digest=settlement.digest,
        vouchers=[_share(one) for one in vouchers],
    )


def bill_published(settlement: Settlement, now: datetime) -> BillingBillPublished:
    """It is final until it is corrected."""
    return BillingBillPublished(
        occurred_at=now,
        partner_id=settlement.partner_id,
        distributor_id=settlement.distributor_id,
        version=settlement.version,
        settlement_id=settlement.settlement_id,
        bill_cycle=settlement.cycle,
        number=settlement.number,
        corrects=settlement.corrects,
        corrected_because=settlement.reason,
        currency=settlement.currency,
        due_amount=settlement.due_amount,
    )


def correction_opened(settlement: Settlement, now: datetime) -> BillingCorrectionOpened:
    """Another version of the month was asked for."""
    return BillingCorrectionOpened(
        occurred_at=now,
        partner_id=settlement.partner_id,
        distributor_id=settlement.distributor_id,
        version=settlement.version,
        settlement_id=settlement.settlement_id,
        bill_cycle=settlement.cycle,
        number=settlement.number,
        corrects=settlement.corrects,
        corrected_because=settlement.reason,
        currency=settlement.currency,
    )


def _share(one: SettlementVoucher) -> VoucherShare:
    return VoucherShare(
        voucher_id=one.voucher_id,
        paid_amount=one.paid_amount,
        restored_amount=one.restored_amount,
        lapsed_amount=one.lapsed_amount,
        moved_amount=one.moved,
        lapsing_amount=one.lapsing,
    )
