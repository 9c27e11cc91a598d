"""How far a campaign is; before its start, what it would do at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.jobs import ListJobItems, Progress, find_job, page_of_items, progress_of
from voucher.recall_campaigns.look import Preview, look, seen
from voucher.recall_campaigns.models import PLANNED, RecallCampaign, RecallCampaignItem

ITEMS = "recall-campaign-items"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was seen of one quota's coupons, and what came back."""

    quota_id: str
    count: int
    amount: Decimal
    recalled_amount: Decimal


@dataclass(frozen=True, slots=True)
class CampaignShown:
    """One that was not started has a preview, one that was has its progress."""

    campaign: RecallCampaign
    preview: Preview | None
    progress: Progress[RecallCampaign]
    quotas: Sequence[Recalled]


async def show_campaign(
    session: AsyncSession, principal: Principal, campaign_id: str, now: datetime
) -> CampaignShown:
    """The caller's campaign."""
    campaign = await find_job(session, RecallCampaign, principal, campaign_id)
    return await shown(session, campaign, now)


async def stop_campaign(
    session: AsyncSession, principal: Principal, campaign_id: str, now: datetime
) -> CampaignShown:
    """No further coupon is recalled; those under way come to their end.

    Raises:
        JobNotFoundError, JobEndedError

    """
    campaign = await find_job(session, RecallCampaign, principal, campaign_id, lock=True)
    campaign.stop(now)
    audit.record(session, principal, "recall_campaign.stop", campaign_id, now)
    return await shown(session, campaign, now)


async def shown(session: AsyncSession, campaign: RecallCampaign, now: datetime) -> CampaignShown:
    """What there is to be told of it."""
    if campaign.status == PLANNED:
        preview = await look(session, campaign, now)
        quotas = [Recalled(one.name, one.count, one.amount, Decimal(0)) for one in preview.quotas]
        return CampaignShown(campaign, preview, Progress(campaign, 0, 0, 0, {}), quotas)
    progress = await progress_of(session, campaign, RecallCampaignItem)
    item = RecallCampaignItem
    found = await session.execute(
        select(item.quota_id, func.count(), func.sum(item.amount), func.sum(item.recalled_amount))
        .where(item.job_id == campaign.job_id)
        .group_by(item.quota_id)
        .order_by(item.quota_id)
    )
    quotas = [Recalled(quota, n, was, back or Decimal(0)) for quota, n, was, back in found]
    return CampaignShown(campaign, None, progress, quotas)


async def list_campaign_items(
    session: AsyncSession,
    principal: Principal,
    campaign_id: str,
    wanted: ListJobItems,
    now: datetime,
) -> tuple[RecallCampaign, Sequence[RecallCampaignItem] | Sequence[Row[Any]], str | None]:
    """A page of the coupons in the order of their ids: as they went, or as they would go."""
    campaign = await find_job(session, RecallCampaign, principal, campaign_id)
    if campaign.status != PLANNED:
        page, following = await page_of_items(session, campaign, RecallCampaignItem, wanted, ITEMS)
        return campaign, page, following
    found = seen(campaign, now)
    query = select(found).order_by(found.c.coupon_id).limit(wanted.limit + 1)
    if wanted.after:
        of_campaign, coupon_id = keys_after(ITEMS, wanted.after, 2)
        if of_campaign != campaign_id:
            raise BadFieldError("after", "not a cursor of this list")
        query = query.where(found.c.coupon_id > coupon_id)
    if wanted.state is not None:
        refused = found.c.why.is_not(None)
        query = query.where(refused if wanted.state == "failed" else ~refused)
    rows = (await session.execute(query)).all()
    seen_page = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    following = cursor_after(ITEMS, campaign_id, seen_page[-1].coupon_id) if more else None
    return campaign, seen_page, following
