"""The events of quotas, each with the whole state after the fact."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from contracts.voucher import (
    QuotaEvent,
    VoucherQuotaChanged,
    VoucherQuotaGranted,
    VoucherQuotaReclaimed,
)
from voucher.quotas.models import Quota

Fact = TypeVar("Fact", bound=QuotaEvent)


def quota_granted(quota: Quota, now: datetime) -> VoucherQuotaGranted:
    """A partner may issue coupons from it."""
    return _fact(VoucherQuotaGranted, quota, now)


def quota_changed(quota: Quota, now: datetime) -> VoucherQuotaChanged:
    """Its status, value, limits or end changed, or its children moved its balance."""
    return _fact(VoucherQuotaChanged, quota, now)


def quota_reclaimed(quota: Quota, now: datetime, amount: Decimal) -> VoucherQuotaReclaimed:
    """The distributor took it back with what it had, or with what came back to it later."""
    return _fact(VoucherQuotaReclaimed, quota, now, amount=amount)


def _fact(contract: type[Fact], quota: Quota, now: datetime, **own: Any) -> Fact:
    return contract(
        occurred_at=now,
        partner_id=quota.partner_id,
        distributor_id=quota.distributor_id,
        version=quota.version,
        quota_id=quota.id,
        parent_quota_id=quota.parent_quota_id,
        quota_type=quota.quota_type,
        quota_status=quota.quota_status,
        currency=quota.currency,
        quota_value=quota.quota_value,
        balance=quota.balance,
        effective_at=quota.effective_at,
        expire_at=quota.expire_at,
        **own,
    )
