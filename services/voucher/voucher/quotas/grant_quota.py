"""The administrator grants a partner a quota (the vendor's side in standalone mode)."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.copies import Partner
from voucher.ledger.post_movements import post_grant
from voucher.quotas.facts import quota_granted
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import NORMAL, Quota
from wire.types import Amount, Id, Instant, WireRequest
from wire.vocabulary import QuotaType


class LimitsWanted(QuotaLimits):
    """As an answer shows them, so that what was read can be granted again."""

    currency: str | None = Field(default=None, exclude=True, description="the quota's, when given")


class GrantQuota(WireRequest):
    """The body of `POST /api/quotas`; amounts are texts in `currency`, at most 2 decimals."""

    model_config = ConfigDict(extra="forbid")

    partner_id: Id
    quota_type: Literal[0, 1] = 0
    quota_value: Amount
    currency: str
    effective_at: Instant
    expire_at: Instant
    limits: LimitsWanted = Field(default_factory=LimitsWanted)


async def grant_quota(
    session: AsyncSession, principal: Principal, wanted: GrantQuota, now: datetime
) -> Quota:
    """Make the quota and state it.

    Raises:
        NotFoundError: no such partner.
        BadFieldError: not the partner's currency, or the times are out of order or past.

    """
    partner = await find(session, Partner, wanted.partner_id)
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
        returned_amount=Decimal(0),
        effective_at=wanted.effective_at,
        expire_at=wanted.expire_at,
        limits=wanted.limits.kept(),
        created_at=now,
        updated_at=now,
        version=1,
    )
    session.add(quota)
    post_grant(session, quota.posted_for, quota.quota_value, now)
    outbox.publish(session, quota_granted(quota, now))
    value = str(quota.quota_value)
    audit.record(session, principal, "quota.grant", quota.id, now, value=value)
    return quota


def _refuse_bad_fields(wanted: GrantQuota, partner: Partner, now: datetime) -> None:
    if wanted.currency != partner.currency:
        raise BadFieldError("currency", f"the partner's is {partner.currency}")
    refuse_bad_limits(wanted.limits, wanted.quota_type, wanted.currency)
    if wanted.expire_at <= wanted.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if wanted.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")


def refuse_bad_limits(limits: LimitsWanted, quota_type: int, currency: str) -> None:
    """Raise BadFieldError for another currency, or limits of the other type of quota."""
    if limits.currency not in (None, currency):
        raise BadFieldError("limits.currency", f"the quota's is {currency}")
    if limits.max_deduction_ratio is not None and quota_type != QuotaType.FLEXI:
        raise BadFieldError("limits.max_deduction_ratio", "of flexi quotas only")
    if limits.accumulative_consumption is not None and quota_type != QuotaType.CASH:
        raise BadFieldError("limits.accumulative_consumption", "of cash coupon quotas only")
