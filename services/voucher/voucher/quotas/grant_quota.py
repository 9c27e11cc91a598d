"""The administrator grants a partner a quota (the vendor's side in standalone mode)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from chassis.ids import new_id
from contracts.voucher import VoucherQuotaGranted
from voucher.copies import PartnerCopy
from voucher.ledger.post_movements import post_grant
from voucher.quotas.facts import quota_state
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import NORMAL, Quota
from wire.types import Amount, Id, Instant, WireRequest


class GrantQuota(WireRequest):
    """The body of `POST /api/quotas`; amounts in `currency` with at most 2 decimals."""

    model_config = ConfigDict(extra="forbid")

    partner_id: Id
    quota_type: Literal[0, 1] = 0
    quota_value: Amount
    currency: str
    effective_at: Instant
    expire_at: Instant
    limits: QuotaLimits = Field(default_factory=QuotaLimits)


async def grant_quota(
    session: AsyncSession, principal: Principal, wanted: GrantQuota, now: datetime
) -> Quota:
    """Make the quota and state it.

    Raises:
        NotFoundError: no such partner.
        BadFieldError: not the partner's currency, or the times are out of order or past.

    """
    if not principal.is_administrator:
        raise WrongPrincipalError
    partner = await find(session, PartnerCopy, wanted.partner_id)
    if partner is None:
        raise NotFoundError(f"partner {wanted.partner_id}")
    _refuse_bad_fields(wanted, partner, now)
    quota = Quota(
        id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        quota_type=wanted.quota_type,
        quota_status=NORMAL,
        site=partner.site,
        currency=wanted.currency,
        quota_value=wanted.quota_value,
        balance=wanted.quota_value,
        effective_at=wanted.effective_at,
        expire_at=wanted.expire_at,
        limits=wanted.limits.kept(),
        created_at=now,
        updated_at=now,
        version=1,
    )
    session.add(quota)
    post_grant(session, quota, now)
    outbox.publish(session, VoucherQuotaGranted(**quota_state(quota, now)))
    value = str(quota.quota_value)
    audit.record(session, principal, "grant_quota", quota.id, now, value=value)
    return quota


def _refuse_bad_fields(wanted: GrantQuota, partner: PartnerCopy, now: datetime) -> None:
    if wanted.currency != partner.currency:
        raise BadFieldError("currency", f"the partner's is {partner.currency}")
    if wanted.expire_at <= wanted.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if wanted.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")


def native_quota(quota: Quota, now: datetime) -> dict[str, Any]:
    """The quota as the native API shows it."""
    expired = quota.quota_status == NORMAL and quota.expire_at <= now
    return {
        "quota_id": quota.id,
        "partner_id": quota.partner_id,
        "distributor_id": quota.distributor_id,
        "quota_type": quota.quota_type,
        "quota_status": 3 if expired else quota.quota_status,
        "site": quota.site,
        "currency": quota.currency,
        "quota_value": quota.quota_value,
        "balance": quota.balance,
        "effective_at": quota.effective_at,
        "expire_at": quota.expire_at,
        "limits": quota.limits,
        "created_at": quota.created_at,
        "updated_at": quota.updated_at,
    }
