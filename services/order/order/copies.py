"""Copies of other services' things: customers, their grants, partners."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from order.models import Tables
from wire.vocabulary import RESALE_TYPES, AssociationStatus

ASSOCIATED = AssociationStatus.ASSOCIATED


class Customer(Tables):
    """Copy of customer-sync's customers: whose they are, and by which association."""

    __tablename__ = "customers"
    __table_args__ = (
        Index("customers_of_partner", "partner_id"),
        Index("customers_with_master", "customer_id",
              postgresql_where=text("paying_master_id IS NOT NULL")),
    )  # fmt: skip

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    association_type: Mapped[str]
    association_status: Mapped[str]
    is_frozen: Mapped[int] = mapped_column(server_default=text("0"))  # not 0: it may not buy
    # Its enterprise master, when it is a custody member of one: that account pays its orders.
    paying_master_id: Mapped[str | None]
    version: Mapped[int]
    copied_at: Mapped[datetime] = mapped_column(server_default=func.now())

    def is_resale_of(self, partner_id: str) -> bool:
        """Whether it is the partner's resale customer now."""
        is_associated = self.association_status == ASSOCIATED
        return (
            self.partner_id == partner_id
            and is_associated
            and self.association_type in RESALE_TYPES
        )


class Authorization(Tables):
    """Copy of customer-sync's grants of customers to their partners."""

    __tablename__ = "authorizations"
    __table_args__ = (Index("authorizations_of_customer", "customer_id"),)

    authorization_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[str]
    version: Mapped[int]


class Partner(Tables):
    """Copy of the partner accounts: which reseller stands below which distributor."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    version: Mapped[int]


class Arrears(Tables):
    """Copy of billing's arrears: what a customer owes, and since when without a break."""

    __tablename__ = "arrears"
    __table_args__ = (
        Index("arrears_to_settle", "settle_at", postgresql_where=text("settle_at IS NOT NULL")),
    )  # fmt: skip

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    debt_amount: Mapped[Decimal]
    since: Mapped[datetime | None]  # none: it owes nothing
    version: Mapped[int]
    # Our own: when to look again at what its resources are (`resources.settle_standing`).
    settle_at: Mapped[datetime | None]
