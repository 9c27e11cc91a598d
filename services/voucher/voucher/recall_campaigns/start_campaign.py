"""Start a campaign: what its preview named is from now on recalled, coupon by coupon."""

from datetime import datetime

from pydantic import ConfigDict
from sqlalchemy import Text, cast, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, kept_claims
from chassis.jobs import WAITING, find_job
from voucher.recall_campaigns.look import Preview, look, seen
from voucher.recall_campaigns.models import RecallCampaign, RecallCampaignItem
from wire.types import Id, WireRequest

COUPONS_MAX = 50_000  # of one campaign


class StartRecall(WireRequest):
    """The body; `preview` names what the caller saw."""

    model_config = ConfigDict(extra="forbid")

    preview: Id


class PreviewChangedError(RefusedError):
    """Something else would happen by now: look again."""

    code = "CHB.0409"


async def start_campaign(
    session: AsyncSession, principal: Principal, campaign_id: str, wanted: StartRecall,
    now: datetime,
) -> RecallCampaign:  # fmt: skip
    """Look once more and keep what is seen as items, in one statement.

    Raises:
        JobNotFoundError
        CampaignStateError: it was started or stopped before.
        PreviewChangedError: the preview is no longer what would happen.
        BadFieldError: more coupons than a campaign may have.

    """
    campaign = await find_job(session, RecallCampaign, principal, campaign_id, lock=True)
    campaign.refuse_unless_planned()
    preview = await _keep_items(session, campaign, now)
    if preview.name != wanted.preview:
        raise PreviewChangedError(f"the preview is {preview.name} by now")
    if preview.count > COUPONS_MAX:
        raise BadFieldError("filter", f"{preview.count} coupons; at most {COUPONS_MAX}")
    campaign.begin(preview.name, preview.count, preview.amount, now)
    campaign.started_by = kept_claims(principal)
    audit.record(
        session, principal, "recall_campaign.start", campaign_id, now, preview=preview.name,
        coupons=preview.count, amount=str(preview.amount), reason=campaign.reason,
    )  # fmt: skip
    return campaign


async def _keep_items(session: AsyncSession, campaign: RecallCampaign, now: datetime) -> Preview:
    found = seen(campaign, now)
    values = {
        "job_id": literal(campaign.job_id),
        "position": func.row_number().over(order_by=found.c.coupon_id),
        "partner_id": literal(campaign.partner_id),
        "distributor_id": cast(literal(campaign.distributor_id), Text),
        "coupon_id": found.c.coupon_id,
        "quota_id": found.c.quota_id,
        "customer_id": found.c.customer_id,
        "amount": found.c.amount,
        "state": literal(WAITING),
        "tries": literal(0),
        "not_before": literal(now),
    }
    rows = select(*values.values()).where(found.c.why.is_(None))
    items = insert(RecallCampaignItem).from_select(list(values), rows)
    return await look(session, campaign, now, beside=items, found=found)
