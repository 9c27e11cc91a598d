"""Customers, the names they hold on the platform, their tags and projects."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, FetchedValue, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from contracts.customer import (
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerEvent,
    CustomerFrozen,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerVerified,
)
from customer_sync.models import Tables
from wire.vocabulary import AssociationStatus, AssociationType

REFERRAL = AssociationType.REFERRAL
RESALE, RESALE_ABROAD = AssociationType.RESALE, AssociationType.RESALE_ABROAD
PENDING = AssociationStatus.PENDING
ASSOCIATED, UNLINKED = AssociationStatus.ASSOCIATED, AssociationStatus.UNLINKED
NOT_VERIFIED, IN_REVIEW, REJECTED, VERIFIED = "-1", "0", "1", "2"
PERSONAL, ENTERPRISE = 0, 1
NOT_FROZEN = 0  # is_frozen; 1: the account, 2: its resources too


class StateConflictError(RefusedError):
    """The customer or authorization is not in a state that allows it."""

    code = "CHB.0409"


class FrozenOtherwiseError(RefusedError):
    """Freezing and unfreezing go by the same type."""

    code = "CBC.0155"


class Customer(Tables):
    """An account that a partner brought, and its association with that partner."""

    __tablename__ = "customers"
    __table_args__ = (
        # Of accounts made here; what an upstream says of its own is taken as it is.
        Index("customers_xaccount", "xaccount_type", "xaccount_id", unique=True,
              postgresql_where=text("NOT mirrored")),
        Index("customers_of_partner", "partner_id", text("associated_on DESC"), text("id DESC"),
              postgresql_include=["distributor_id", "association_type"],
              postgresql_where=text("association_status = 'associated'")),
        Index("customers_grams", "grams", postgresql_using="gin",
              postgresql_where=text("association_status = 'associated'")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    account_name: Mapped[str]
    customer_name: Mapped[str | None]  # verified
    xaccount_id: Mapped[str | None]
    xaccount_type: Mapped[str | None]
    association_type: Mapped[str]  # an upstream may say what we do not know
    association_status: Mapped[str]  # pending | associated | unlinked
    associated_on: Mapped[datetime | None]  # whole seconds, as the wire filters by them
    unlinked_on: Mapped[datetime | None]
    label: Mapped[str | None]
    mobile: Mapped[str | None]
    email: Mapped[str | None]
    country_code: Mapped[str | None]
    account_manager_id: Mapped[str | None]
    account_manager_name: Mapped[str | None]
    customer_type: Mapped[int]
    verified_status: Mapped[str]
    is_frozen: Mapped[int]
    customer_level: Mapped[str | None]
    is_enterprise_master: Mapped[bool] = mapped_column(server_default=text("false"))
    enterprise_master_id: Mapped[str | None]  # whose member it is (docs/domain/enterprise.md B.4)
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    shows_consumption: Mapped[bool] = mapped_column(server_default=text("false"))  # to its master
    domain_area: Mapped[str | None]  # international site: ISO 3166
    closes_market_messages: Mapped[bool] = mapped_column(default=False)
    mirrored: Mapped[bool] = mapped_column(default=False)  # an upstream is the authority
    registered_at: Mapped[datetime]
    version: Mapped[int]
    # A trigger folds what people search by (migration 0019); None where lower case alone does it,
    # or, for the label, nothing.
    folded_account_name: Mapped[str | None] = mapped_column(FetchedValue())
    folded_customer_name: Mapped[str | None] = mapped_column(FetchedValue())
    folded_label: Mapped[str | None] = mapped_column(FetchedValue())
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))

    @property
    def customer_id(self) -> str:
        """The name that the id has everywhere else."""
        return self.id

    def count_fact(self) -> None:
        """One more fact about it is stated; the event carries the number."""
        self.version = (self.version or 0) + 1

    def associate(self, on: datetime) -> type[CustomerEvent]:
        """The customer belongs to its partner from `on` (cut to the second)."""
        self.association_status = ASSOCIATED
        self.associated_on = on.replace(microsecond=0)
        self.unlinked_on = None
        return CustomerAssociated

    def change_association(self, association_type: str) -> type[CustomerEvent]:
        """Referral becomes resale or the other way round."""
        self.association_type = association_type
        return CustomerAssociationChanged

    def verify(self, name: str, customer_type: int) -> type[CustomerEvent]:
        """The vendor's side confirms who the customer is; again: it is somebody else now."""
        self.customer_name, self.customer_type = name, customer_type
        self.verified_status = VERIFIED
        return CustomerVerified

    def freeze(self, level: int) -> type[CustomerEvent] | None:
        """The account, or its resources too; None when it is frozen so already."""
        if self.is_frozen == level:
            return None
        if self.is_frozen != NOT_FROZEN:
            raise FrozenOtherwiseError("frozen by another type: unfreeze it first")
        self.is_frozen = level
        return CustomerFrozen

    def unfreeze(self, level: int) -> type[CustomerEvent] | None:
        """Only by the type that it was frozen with; None when it is not frozen."""
        if self.is_frozen == NOT_FROZEN:
            return None
        if self.is_frozen != level:
            raise FrozenOtherwiseError("frozen by another type")
        self.is_frozen = NOT_FROZEN
        return CustomerUnfrozen

    def unlink(self, on: datetime) -> type[CustomerEvent]:
        """The association ends; refused unless there is one."""
        if self.association_status != ASSOCIATED:
            raise StateConflictError(f"the customer is {self.association_status}")
        self.association_status = UNLINKED
        self.unlinked_on = on.replace(microsecond=0)
        return CustomerUnlinked


# A new account's state: SQLAlchemy would fill it in only with the first flush.
AT_FIRST: dict[str, Any] = {
    "association_status": PENDING,
    "customer_type": -1,
    "verified_status": "-1",
    "is_frozen": 0,
    "is_enterprise_master": False,
    "financial_custody": False,
    "shows_consumption": False,
    "version": 0,
}


class Identity(Tables):
    """How many accounts use a login name, a phone or a mailbox, over all partners."""

    __tablename__ = "identities"

    kind: Mapped[str] = mapped_column(primary_key=True)  # name | mobile | email
    value: Mapped[str] = mapped_column(primary_key=True)  # names and mailboxes in lower case
    accounts: Mapped[int]


class NewCustomerTag(Tables):
    """Whether the vendor takes a verified customer for a new one, and how long.

    See docs/domain/customers.md B.2.
    """

    __tablename__ = "new_customer_tags"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    tag: Mapped[str]  # Y | N | UNDETERMINED
    effective_month: Mapped[str]  # YYYY-MM, Beijing
    expire_month: Mapped[str]  # the last one in which it holds


class EnterpriseProjects(Tables):
    """A customer that has opened the management of enterprise projects, for good."""

    __tablename__ = "enterprise_projects"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    opened_at: Mapped[datetime]


class PendingAssociation(Tables):
    """A new customer's association that is still to be made."""

    __tablename__ = "pending_associations"
    __table_args__ = (Index("pending_associations_due", "due_at"),)

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
