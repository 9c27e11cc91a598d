"""Tickets to the page on which a person shows its face."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables


class FaceTicket(Tables):
    """Good for one visit; only its hash is kept."""

    __tablename__ = "face_tickets"
    __table_args__ = (Index("face_tickets_of_customer", "customer_id"),)

    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    expires_at: Mapped[datetime]
