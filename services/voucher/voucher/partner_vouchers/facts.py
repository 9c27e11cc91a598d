"""The events of partner vouchers, each with the whole state after the fact."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from contracts.voucher import (
    PartnerVoucherEvent,
    VoucherLimits,
    VoucherPartnerVoucherExpired,
    VoucherPartnerVoucherGranted,
    VoucherPartnerVoucherRestored,
    VoucherPartnerVoucherUsed,
)
from voucher.partner_vouchers.models import PartnerVoucher

Fact = TypeVar("Fact", bound=PartnerVoucherEvent)


def partner_voucher_granted(voucher: PartnerVoucher, now: datetime) -> VoucherPartnerVoucherGranted:
    """The partner got the voucher."""
    return _fact(VoucherPartnerVoucherGranted, voucher, now)


def partner_voucher_used(
    voucher: PartnerVoucher, now: datetime, settlement_id: str, line_id: str, amount: Decimal
) -> VoucherPartnerVoucherUsed:
    """The voucher paid for a line of the partner's bill."""
    return _fact(
        VoucherPartnerVoucherUsed,
        voucher,
        now,
        settlement_id=settlement_id,
        line_id=line_id,
        amount=amount,
    )


def partner_voucher_restored(
    voucher: PartnerVoucher,
    now: datetime,
    settlement_id: str,
    line_id: str,
    base_line_id: str,
    amount: Decimal,
    *,
    lapsed: bool,
) -> VoucherPartnerVoucherRestored:
    """A refund gave back what the voucher had paid for the base line."""
    return _fact(
        VoucherPartnerVoucherRestored,
        voucher,
        now,
        settlement_id=settlement_id,
        line_id=line_id,
        base_line_id=base_line_id,
        amount=amount,
        lapsed=lapsed,
    )


def partner_voucher_expired(voucher: PartnerVoucher, now: datetime) -> VoucherPartnerVoucherExpired:
    """Its time ran out with a balance left."""
    return _fact(VoucherPartnerVoucherExpired, voucher, now, amount=voucher.balance)


def _limits(voucher: PartnerVoucher) -> VoucherLimits:
    rules = voucher.rules
    return VoucherLimits(
        customer_ids=rules.customer_ids,
        service_type_codes=rules.service_type_codes,
        product_ids=rules.product_ids,
        region_codes=rules.region_codes,
        charging_modes=list(rules.charging_modes),
    )


def _fact(contract: type[Fact], voucher: PartnerVoucher, now: datetime, **own: Any) -> Fact:
    return contract(
        occurred_at=now,
        partner_id=voucher.partner_id,
        distributor_id=voucher.distributor_id,
        version=voucher.version,
        voucher_id=voucher.id,
        origin=voucher.origin,
        status=voucher.status,
        currency=voucher.currency,
        face_value=voucher.amount,
        balance=voucher.balance,
        effective_at=voucher.effective_at,
        expire_at=voucher.expire_at,
        limits=_limits(voucher),
        **own,
    )
