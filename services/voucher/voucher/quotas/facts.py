"""The state of a quota as every event about it states it."""

from datetime import datetime
from typing import Any

from voucher.quotas.models import Quota


def quota_state(quota: Quota, now: datetime) -> dict[str, Any]:
    """The fields of `QuotaEvent`."""
    return {
        "occurred_at": now,
        "partner_id": quota.partner_id,
        "distributor_id": quota.distributor_id,
        "version": quota.version,
        "quota_id": quota.id,
        "parent_quota_id": quota.parent_quota_id,
        "quota_type": quota.quota_type,
        "quota_status": quota.quota_status,
        "currency": quota.currency,
        "quota_value": quota.quota_value,
        "balance": quota.balance,
        "effective_at": quota.effective_at,
        "expire_at": quota.expire_at,
    }
