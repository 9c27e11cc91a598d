"""Copies of other services' things: customers, partners, orders."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables

RESALE_TYPES = frozenset({"2", "3"})  # China, international (docs/domain/customers.md B.2)
ASSOCIATED = "associated"


class CustomerCopy(Tables):
    """What voucher must know of a customer; customer-sync owns it."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    association_status: Mapped[str]
    associated_on: Mapped[datetime | None]
    first_associated_on: Mapped[datetime | None]  # the earliest that was ever heard of
    # A custody member of an enterprise: its master pays for it (docs/domain/enterprise.md B.4).
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    enterprise_master_id: Mapped[str | None]
    version: Mapped[int]

    @property
    def is_resale(self) -> bool:
        """Whether coupons may be issued and reclaimed by the API (docs/domain/coupons.md F15.1)."""
        return self.association_type in RESALE_TYPES

    def is_resale_of(self, partner_id: str) -> bool:
        """Whether it is the partner's resale customer now."""
        is_associated = self.association_status == ASSOCIATED
        return self.partner_id == partner_id and is_associated and self.is_resale

    @property
    def is_first_association(self) -> bool:
        """Whether it was never associated before its present association."""
        return self.associated_on is not None and self.associated_on == self.first_associated_on


class PartnerCopy(Tables):
    """What voucher must know of a partner account; partner owns it."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    status: Mapped[str]
    coupon_mode: Mapped[str]
    is_test_account: Mapped[bool]
    version: Mapped[int]


class OrderCopy(Tables):
    """What voucher must know of an order; order owns it."""

    __tablename__ = "orders"

    order_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]
    paying_agent_id: Mapped[str | None]  # the enterprise master asked to pay, or that did
    status: Mapped[int]
    currency: Mapped[str]
    lines: Mapped[list[Any]]
    version: Mapped[int]
