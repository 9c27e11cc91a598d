"""What orders stated and bills have taken over."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables


class RecordedRefund(Tables):
    """A refund that order stated and that was given back here, once."""

    __tablename__ = "recorded_refunds"

    refund_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    recorded_at: Mapped[datetime]
