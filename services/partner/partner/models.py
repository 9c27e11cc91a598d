"""Partner accounts and their operators.

An account's `partner_id` is itself, its `distributor_id` the tier-1 distributor above a reseller:
row-level security shows a distributor its resellers and nobody else's.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES

SOLUTION_PROVIDER, DISTRIBUTOR = "solution_provider", "distributor"
RESELLER, GOVERNMENT = "reseller", "government"
# the other kinds have no tier (docs/domain/partners.md B.1)
TIER_OF_KIND = {DISTRIBUTOR: 1, RESELLER: 2}
RESTRICTED, DELISTED = "restricted", "delisted"  # the third status is "active"


class Tables(DeclarativeBase):
    """Partner's own tables."""

    type_annotation_map = COLUMN_TYPES


class Partner(Tables):
    """A partner account (docs/domain/partners.md B.1)."""

    __tablename__ = "partners"
    __table_args__ = (
        UniqueConstraint("account_name", name="partners_account_name"),
        CheckConstraint("(kind = 'reseller') = (distributor_id IS NOT NULL)", "resellers_belong"),
        Index("partners_below", "distributor_id", "joined_on", "partner_id"),
    )

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None] = mapped_column(ForeignKey("partners.partner_id"))
    name: Mapped[str]
    account_name: Mapped[str]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    status: Mapped[str]
    coupon_mode: Mapped[str]
    is_test_account: Mapped[bool]
    # sensitive operations ask for a code (docs/domain/verification.md F3)
    verification_enabled: Mapped[bool]
    mobile: Mapped[str | None]
    email: Mapped[str | None]
    account_manager_id: Mapped[str | None]  # who at a distributor looks after the reseller
    account_manager_name: Mapped[str | None]
    joined_on: Mapped[datetime]  # a reseller's: since when it belongs to its distributor
    version: Mapped[int]

    @property
    def tier(self) -> int | None:
        """1 for a distributor, 2 for a reseller."""
        return TIER_OF_KIND.get(self.kind)


class Operator(Tables):
    """A person who signs in for a partner (操作员账号); the password is the gateway's."""

    __tablename__ = "operators"
    __table_args__ = (
        UniqueConstraint("partner_id", "account_name", name="operators_account_name"),
    )

    operator_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(ForeignKey("partners.partner_id"))
    account_name: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    permissions: Mapped[list[Any]]  # items; a role administrator needs none but for the console
    status: Mapped[str]  # "active" | "disabled"
    added_at: Mapped[datetime]
    version: Mapped[int]
