"""Attempts to pay orders, as order names them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables

OPEN, CAPTURED, RELEASED = "open", "captured", "released"  # payment attempt


class Attempt(Tables):
    """A payment attempt of order: a row from its reservation or its outcome, whichever came first.

    It has no tenant's column: a late reservation of any tenant must see it.
    """

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_open", "opened_at", postgresql_where=text("state = 'open'")),)

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(index=True)
    customer_id: Mapped[str]  # whose coupons: for a custody member's order its master's
    state: Mapped[str]
    asked: Mapped[list[Any]]  # ids of the coupons asked for
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
