"""Copies of other services' things: partners and customers."""

from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables

# association types, China and international (docs/domain/customers.md B.2)
RESALE_TYPES = frozenset({"2", "3"})
ASSOCIATED = "associated"


class Partner(Tables):
    """Our copy of a partner account."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    version: Mapped[int]


class Customer(Tables):
    """Our copy of a customer: whose it is, how it is associated, in which currency it pays."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    account_name: Mapped[str]
    customer_name: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    association_type: Mapped[str]
    association_status: Mapped[str]
    account_manager_id: Mapped[str | None]
    version: Mapped[int]

    @property
    def is_resale(self) -> bool:
        """Whether a partner's funds may reach it."""
        return self.association_status == ASSOCIATED and self.association_type in RESALE_TYPES
