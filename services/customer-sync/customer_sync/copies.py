"""Copies of other services' things: partner accounts, arrears."""

from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables


class Partner(Tables):
    """Copy: a partner account.

    Not bound to a tenant: what a reseller may do depends on the account above it.
    """

    __tablename__ = "partners"

    id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    status: Mapped[str]  # active | restricted | delisted
    is_test_account: Mapped[bool]
    version: Mapped[int]


class Arrears(Tables):
    """Copy: what a customer owes; a blocker of unlinking."""

    __tablename__ = "arrears"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    debt_amount: Mapped[Decimal]
    version: Mapped[int]
