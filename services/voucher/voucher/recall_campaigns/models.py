"""A recall of many coupons: planned, then carried out coupon by coupon."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped

from chassis.errors import RefusedError
from chassis.jobs import RUNNING, STOPPED, ItemColumns, JobColumns
from voucher.models import Tables

PLANNED = "planned"


class CampaignStateError(RefusedError):
    """It was started or stopped before."""

    code = "CHB.0409"


class RecallCampaign(JobColumns, Tables):
    """Which coupons a partner wants back; nothing moves before it is started."""

    __tablename__ = "recall_campaigns"
    __table_args__ = (
        Index("recall_campaigns_of", "partner_id", "status"),
        Index("recall_campaigns_running", "job_id", postgresql_where=text("status = 'running'")),
        Index("recall_campaigns_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
        Index(
            "recall_campaigns_planned", "created_at", postgresql_where=text("status = 'planned'")
        ),
    )

    currency: Mapped[str]
    filter: Mapped[dict[str, Any]]
    reason: Mapped[str | None]
    preview: Mapped[str | None]  # the one it was started with
    amount: Mapped[Decimal]  # that was seen when it was started
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]

    def refuse_unless_planned(self) -> None:
        """Raise CampaignStateError for one that was started or stopped before."""
        if self.status != PLANNED:
            raise CampaignStateError("started or stopped before")

    def begin(self, preview: str, count: int, amount: Decimal, now: datetime) -> None:
        """From now on coupons are recalled."""
        self.status, self.started_at = RUNNING, now
        self.preview, self.total, self.amount = preview, count, amount

    def stop(self, now: datetime) -> None:
        """One that was never started is given up."""
        if self.status == PLANNED:
            self.status, self.ended_at = STOPPED, now
        super().stop(now)


class RecallCampaignItem(ItemColumns, Tables):
    """One coupon of a campaign that was started; positions are in the order of the coupons' ids."""

    __tablename__ = "recall_campaign_items"
    __table_args__ = (
        ForeignKeyConstraint(["job_id"], ["recall_campaigns.job_id"]),
        Index("recall_campaign_items_waiting", "job_id", "position",
              postgresql_where=text("state = 'waiting'")),
    )  # fmt: skip

    coupon_id: Mapped[str]
    quota_id: Mapped[str]
    customer_id: Mapped[str]
    amount: Mapped[Decimal]  # that was seen when the campaign was started
    recalled_amount: Mapped[Decimal | None]

    def succeed(self, amount: Decimal, now: datetime) -> None:
        """Done, in the transaction of the recall."""
        self.recalled_amount = amount
        self.end(now)
