"""What a resource's bandwidth was, every five minutes."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables

Quantity = Numeric(38, 10)


class UsagePoint(Tables):
    """One of the 288 points of a day; a month's 95th percentile is made of them."""

    __tablename__ = "usage_points"
    __table_args__ = (
        Index("points_of_customer", "customer_id", "usage_type", "stat_time", "resource_id"),
    )

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    usage_type: Mapped[str] = mapped_column(primary_key=True)
    stat_time: Mapped[datetime] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    service_type_code: Mapped[str]
    resource_type_code: Mapped[str]
    usage_value: Mapped[Decimal] = mapped_column(Quantity)
    measure_id: Mapped[int]
    guaranteed_value: Mapped[Decimal | None] = mapped_column(Quantity)  # of 95peak_plus alone
