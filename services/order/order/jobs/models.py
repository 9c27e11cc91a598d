"""Bulk work with orders: a job and its items."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped

from chassis.jobs import ItemColumns, JobColumns
from order.models import Tables


class OrderJob(JobColumns, Tables):
    """What a partner wants done many times over."""

    __tablename__ = "order_jobs"
    __table_args__ = (
        Index("jobs_of_partner", "partner_id", "job_id"),
        Index("jobs_running", "job_id", postgresql_where=text("status = 'running'")),
        Index("jobs_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    kind: Mapped[str]
    started_at: Mapped[datetime]


class JobItem(ItemColumns, Tables):
    """One deed of a job."""

    __tablename__ = "order_job_items"
    __table_args__ = (
        ForeignKeyConstraint(["job_id"], ["order_jobs.job_id"]),
        Index("job_items_waiting", "job_id", "position",
              postgresql_where=text("state = 'waiting'")),
    )  # fmt: skip

    wanted: Mapped[dict[str, Any]]
    # Made or acted on; of an item that waits: placed, and to be paid by its next turn.
    order_id: Mapped[str | None]

    def succeed(self, order_id: str | None, now: datetime) -> None:
        """Done, in the transaction of the deed."""
        self.order_id = order_id
        self.end(now)
