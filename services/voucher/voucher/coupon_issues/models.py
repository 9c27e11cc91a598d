"""Issues of coupons to many customers: a job and its items."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped

from chassis.jobs import ItemColumns, JobColumns
from voucher.models import Tables


class CouponIssue(JobColumns, Tables):
    """Coupons of one quota that a partner wants issued."""

    __tablename__ = "coupon_issues"
    __table_args__ = (
        Index("coupon_issues_of", "partner_id", "status"),
        Index("coupon_issues_running", "job_id", postgresql_where=text("status = 'running'")),
        Index("coupon_issues_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    quota_id: Mapped[str]
    indirect_partner_id: Mapped[str | None]  # the reseller whose quota it is
    currency: Mapped[str]
    started_at: Mapped[datetime]


class CouponIssueItem(ItemColumns, Tables):
    """One coupon of a job."""

    __tablename__ = "coupon_issue_items"
    __table_args__ = (
        ForeignKeyConstraint(["job_id"], ["coupon_issues.job_id"]),
        Index("coupon_issue_items_waiting", "job_id", "position",
              postgresql_where=text("state = 'waiting'")),
    )  # fmt: skip

    wanted: Mapped[dict[str, Any]]
    coupon_id: Mapped[str | None]

    def succeed(self, coupon_id: str, now: datetime) -> None:
        """Done, in the transaction of the issue."""
        self.coupon_id = coupon_id
        self.end(now)
