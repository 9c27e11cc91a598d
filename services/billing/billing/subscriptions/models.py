"""Subscriptions to files, and what became of each file that was due."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import NotFoundError, RefusedError

TESTING, ACTIVE, FAILING, ENDED = "testing", "active", "failing", "ended"
WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"
DAILY, MONTHLY = "daily", "monthly"
S3, FOLDER = "s3", "folder"


class SubscriptionNotFoundError(NotFoundError):
    """There is no such subscription, or it is not the caller's."""


class SubscriptionEndedError(RefusedError):
    """It was ended before."""

    code = "CHB.0409"


class FileSubscription(Tables):
    """Who wants which file how often, and where it belongs. The secret is encrypted."""

    __tablename__ = "file_subscriptions"
    __table_args__ = (
        Index("subscriptions_of_partner", "partner_id", "subscription_id"),
        Index("subscriptions_to_test", "subscription_id",
              postgresql_where=text("state = 'testing'")),
        Index("subscriptions_due", "next_at",
              postgresql_where=text("state IN ('active', 'failing')")),
    )  # fmt: skip

    subscription_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    frequency: Mapped[str]  # daily | monthly
    format: Mapped[str]
    view: Mapped[str]
    language: Mapped[str]
    target_kind: Mapped[str]  # s3 | folder
    target: Mapped[dict[str, Any]]  # endpoint, region, bucket, access_key_id; or folder; prefix
    secret_key_id: Mapped[str | None]  # which of ENCRYPTION_KEYS
    secret: Mapped[bytes | None]
    # testing: the test write is under way. failing: it, or the last delivery, went wrong.
    state: Mapped[str]  # testing | active | failing | ended
    last_error: Mapped[str | None]
    last_delivered_at: Mapped[datetime | None]
    next_at: Mapped[datetime]  # when the next file is due
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]

    def end(self, now: datetime) -> None:
        """Deliver nothing any more."""
        if self.state == ENDED:
            raise SubscriptionEndedError
        self.state, self.ended_at = ENDED, now
        self.secret = self.secret_key_id = None
        self.version += 1


class Delivery(Tables):
    """A file that a subscription is owed: tried on following days, five times at most."""

    __tablename__ = "file_deliveries"
    __table_args__ = (
        Index("deliveries_of_subscription", "subscription_id", "delivery_id"),
        Index("deliveries_to_do", "next_try_at", postgresql_where=text("state = 'waiting'")),
    )

    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("file_subscriptions.subscription_id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    cycle: Mapped[str]
    day: Mapped[str]  # of a daily one, YYYYMMDD; else empty
    export_id: Mapped[str | None]
    state: Mapped[str]  # waiting | delivered | given_up
    tries: Mapped[int]
    next_try_at: Mapped[datetime]
    error: Mapped[str | None]
    files: Mapped[list[Any]]  # the names that were written
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None]  # by the wall
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]
