"""Copies of other services' things: customers, partners and their solutions, orders."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from voucher.models import Tables
from wire.vocabulary import RESALE_TYPES, AssociationStatus

ASSOCIATED, PENDING = AssociationStatus.ASSOCIATED, AssociationStatus.PENDING


class Customer(Tables):
    """What voucher must know of a customer; customer-sync owns it."""

    __tablename__ = "customers"
    __table_args__ = (
        Index(
            "customers_of_master",
            "enterprise_master_id",
            postgresql_where=text("enterprise_master_id IS NOT NULL"),
        ),
    )

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    account_name: Mapped[str | None]  # None until its next event: older copies have none
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    association_status: Mapped[str]
    associated_on: Mapped[datetime | None]
    first_associated_on: Mapped[datetime | None]  # the earliest that was ever heard of
    # A custody member of an enterprise: its master pays for it (docs/domain/enterprise.md B.4).
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    enterprise_master_id: Mapped[str | None]
    # What its partner calls it by; None until its next event: older copies have none.
    label: Mapped[str | None]
    account_manager_id: Mapped[str | None]
    is_enterprise_master: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int]

    @property
    def has_resale_type(self) -> bool:
        """Whether coupons may be issued and reclaimed by the API (docs/domain/coupons.md F15.1)."""
        return self.association_type in RESALE_TYPES

    def is_resale_of(self, partner_id: str) -> bool:
        """Whether it is the partner's resale customer now."""
        is_associated = self.association_status == ASSOCIATED
        return self.partner_id == partner_id and is_associated and self.has_resale_type

    @property
    def is_first_association(self) -> bool:
        """Whether it was never associated before its present association."""
        return self.associated_on is not None and self.associated_on == self.first_associated_on


class Partner(Tables):
    """What voucher must know of a partner account; partner owns it."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]  # None until its next event: older copies have none
    account_name: Mapped[str | None]
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    status: Mapped[str]
    coupon_mode: Mapped[str]
    is_test_account: Mapped[bool]
    version: Mapped[int]


class Solution(Tables):
    """What voucher must know of a partner's solution; partner owns it."""

    __tablename__ = "solutions"

    solution_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    certification: Mapped[str]  # "none" | "cloud_software" | "advanced_cloud_software"
    version: Mapped[int]


class Order(Tables):
    """What voucher must know of an order; order owns it."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_of_members", "member_ids", postgresql_using="gin"),
        Index("orders_of_customer", "customer_id"),
        Index(
            "orders_of_agent",
            "paying_agent_id",
            postgresql_where=text("paying_agent_id IS NOT NULL"),
        ),
    )

    order_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]
    paying_agent_id: Mapped[str | None]  # the enterprise master asked to pay, or that did
    status: Mapped[int]
    order_type: Mapped[int | None]  # None until its next event: older copies have none
    currency: Mapped[str]
    discount_id: Mapped[str | None]  # the discount that it carries
    lines: Mapped[list[Any]]
    # The ids of a combined order's members.
    member_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    version: Mapped[int]
