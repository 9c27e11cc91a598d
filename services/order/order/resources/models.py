"""What customers use, opened by their orders."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from order.models import Tables


class Resource(Tables):
    """Something a customer uses, opened by an order (docs/domain/resources.md B.6)."""

    __tablename__ = "resources"
    __table_args__ = (
        Index("resources_of_customer", "customer_id", "expire_at"),
        Index("resources_of_order", "order_id"),
    )

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    resource_name: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    order_id: Mapped[str]
    line_id: Mapped[str]
    product_id: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    region_code: Mapped[str]
    measure_size: Mapped[Decimal | None]
    charging_mode: Mapped[int]
    status: Mapped[int]  # period: 2 in use, 3 closed, 4 frozen, 5 expired; on-demand: 1 normal …
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime | None]
    expire_policy: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
