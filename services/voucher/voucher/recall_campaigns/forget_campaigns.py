"""Campaigns that ended long ago, or were never started, are forgotten; what they did stays."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from chassis.database import Database
from chassis.job_turns import KEPT_DAYS, forget_jobs
from voucher.recall_campaigns.models import PLANNED, RecallCampaign, RecallCampaignItem

EVERY_SECONDS = 3600.0
CAMPAIGNS_AT_ONCE = 2  # of 50,000 coupons each at most


async def forget_campaigns(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions."""
    async with database.transaction() as session:
        await session.execute(
            delete(RecallCampaign).where(
                RecallCampaign.status == PLANNED,
                RecallCampaign.created_at < now - timedelta(days=KEPT_DAYS),
            )
        )
    await forget_jobs(database, RecallCampaign, RecallCampaignItem, CAMPAIGNS_AT_ONCE, now)
