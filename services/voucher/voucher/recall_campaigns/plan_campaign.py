"""Plan a recall: say which coupons are meant. What it would come to is told at each look."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.copies import find
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, kept_claims
from chassis.ids import new_id
from chassis.jobs import RUNNING
from voucher.copies import Partner
from voucher.coupons.judge_issue import IssueRefusedError
from voucher.quotas.models import Quota
from voucher.recall_campaigns.models import PLANNED, RecallCampaign
from wire.types import Amount, Id, NativeInstant, WireRequest

CUSTOMERS_MAX = 500
OPEN_MAX = 20  # planned or running campaigns of a partner account
REASON_CHARACTERS_MAX = 256
_INSTANTS = {"issued_from", "issued_to", "ends_from", "ends_to"}


class TooManyCampaignsError(RefusedError):
    """So many of the account's are open."""

    code = "CHB.0409"


class RecallFilter(WireRequest):
    """Which of the partner's own coupons; each condition narrows, and there is at least one."""

    model_config = ConfigDict(extra="forbid")

    quota_id: Id | None = None
    customer_ids: Annotated[list[Id], Field(min_length=1, max_length=CUSTOMERS_MAX)] | None = None
    label: Annotated[str, Field(min_length=1, max_length=64)] | None = None  # the customer's
    account_manager_id: Id | None = None  # the customer's
    issued_from: NativeInstant | None = None
    issued_to: NativeInstant | None = None  # exclusive
    ends_from: NativeInstant | None = None
    ends_to: NativeInstant | None = None  # exclusive
    unused_only: bool = False  # those whose whole face value is left
    face_value_from: Amount | None = None
    face_value_to: Amount | None = None  # inclusive
    currency: str | None = Field(default=None, description="the partner's, when given")

    def kept(self) -> dict[str, Any]:
        """As the campaign's row keeps it; `model_validate` reads it again."""
        kept = self.model_dump(mode="json", exclude_defaults=True, exclude=_INSTANTS)
        instants = {name: getattr(self, name) for name in _INSTANTS}
        return kept | {name: at.isoformat() for name, at in instants.items() if at is not None}


class PlanRecall(WireRequest):
    """The body of POST /api/recall-campaigns."""

    model_config = ConfigDict(extra="forbid")

    filter: RecallFilter
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)] | None = None


async def plan_campaign(
    session: AsyncSession, principal: Principal, wanted: PlanRecall, now: datetime
) -> RecallCampaign:
    """Keep what is meant.

    Raises:
        BadFieldError: the filter names no condition, or ends before it begins.
        IssueRefusedError: the quota is not the partner's.
        TooManyCampaignsError

    """
    _check(wanted.filter)
    partner = await find(session, Partner, principal.partner_id)
    if partner is None:
        raise RefusedError("unknown partner account", code="CBC.0155")
    if wanted.filter.currency not in (None, partner.currency):
        raise BadFieldError("filter.currency", f"the partner's is {partner.currency}")
    if wanted.filter.quota_id is not None:
        quota = await session.get(Quota, wanted.filter.quota_id)
        if quota is None or quota.partner_id != principal.partner_id:
            raise IssueRefusedError(code="CBC.99000012")
    await _refuse_many_open(session, principal)
    campaign = RecallCampaign(
        job_id=new_id(),
        partner_id=principal.partner_id,
        distributor_id=principal.distributor_id,
        currency=partner.currency,
        filter=wanted.filter.kept(),
        reason=wanted.reason,
        status=PLANNED,
        total=0,
        amount=Decimal(0),
        started_by=kept_claims(principal),
        created_at=now,
    )
    session.add(campaign)
    await session.flush()
    audit.record(session, principal, "recall_campaign.plan", campaign.job_id, now,
                 filter=campaign.filter)  # fmt: skip
    return campaign


def _check(asked: RecallFilter) -> None:
    if not {name for name in asked.kept() if name != "currency"}:
        raise BadFieldError("filter", "names no condition")
    if asked.customer_ids and len(set(asked.customer_ids)) != len(asked.customer_ids):
        raise BadFieldError("filter.customer_ids", "a customer is named twice")
    for begin, end in (("issued_from", "issued_to"), ("ends_from", "ends_to")):
        low, high = getattr(asked, begin), getattr(asked, end)
        if low is not None and high is not None and high <= low:
            raise BadFieldError(f"filter.{end}", f"not after {begin}")
    least, most = asked.face_value_from, asked.face_value_to
    if least is not None and most is not None and most < least:
        raise BadFieldError("filter.face_value_to", "less than face_value_from")


async def _refuse_many_open(session: AsyncSession, principal: Principal) -> None:
    name = f"voucher.recall_campaigns.{principal.partner_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
    found = await session.scalar(
        select(func.count())
        .select_from(RecallCampaign)
        .where(
            RecallCampaign.partner_id == principal.partner_id,
            RecallCampaign.status.in_((PLANNED, RUNNING)),
        )
    )
    if (found or 0) >= OPEN_MAX:
        raise TooManyCampaignsError(f"{OPEN_MAX} campaigns are open")
