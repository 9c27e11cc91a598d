"""A master's organisation units and members; what the bus tells of both stands in the customer."""

from datetime import datetime

from sqlalchemy import ARRAY, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.customer import CustomerEvent, CustomerUpdated
from customer_sync.customers.models import Customer, StateConflictError
from customer_sync.models import Tables

# A member's status; it is being created while its association is pending. The vendor also knows
# 3, 101 and 102 (docs/domain/enterprise.md B.4).
NORMAL, CREATING, CLOSED = 1, 2, 4


class Organization(Tables):
    """A unit of a master's organisation; the root has nothing above it, and perhaps no name."""

    __tablename__ = "enterprise_organizations"
    __table_args__ = (
        Index("enterprise_organizations_of_master", "master_id"),
        Index("enterprise_roots", "master_id", unique=True,
              postgresql_where=text("parent_id IS NULL")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)  # digits only
    relation_id: Mapped[str]  # of the unit to the one above it
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    master_id: Mapped[str]
    parent_id: Mapped[str | None]
    name: Mapped[str | None]
    depth: Mapped[int]  # 0: the root
    created_at: Mapped[datetime]


class Member(Tables):
    """A customer's membership of an enterprise: of whose, where in it, and how it is called."""

    __tablename__ = "enterprise_members"
    __table_args__ = (Index("enterprise_members_of_master", "master_id", "customer_id"),)

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    master_id: Mapped[str]
    organization_id: Mapped[str]
    display_name: Mapped[str]  # "": none was given
    permission_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[int]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    def leave(self, customer: Customer, now: datetime) -> type[CustomerEvent]:
        """The membership ends, and the custody with it; refused when it has ended before."""
        if self.status != NORMAL:
            raise StateConflictError(f"the member's status is {self.status}")
        self.status, self.left_at = CLOSED, now
        customer.enterprise_master_id, customer.financial_custody = None, False
        customer.shows_consumption = False
        return CustomerUpdated
