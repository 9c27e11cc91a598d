"""Customers and authorizations, and the copies of what others own."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Computed, Index, Text, text
from sqlalchemy import Identity as GeneratedId
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES
from chassis.errors import RefusedError
from contracts.customer import (
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRefused,
    AuthorizationTerminated,
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerEvent,
    CustomerFrozen,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerVerified,
)

REFERRAL, RESALE, RESALE_ABROAD = "1", "2", "3"  # domain.md B.2
RESALE_TYPES = frozenset({RESALE, RESALE_ABROAD})
PENDING, ASSOCIATED, UNLINKED = "pending", "associated", "unlinked"
REQUESTED, ACTIVE, REFUSED, TERMINATED = "requested", "active", "refused", "terminated"
NOT_VERIFIED, IN_REVIEW, REJECTED, VERIFIED = "-1", "0", "1", "2"
PERSONAL, ENTERPRISE = 0, 1
REVIEWING, REFUSED_REVIEW, PASSED = 0, 1, 2  # review_result
NOT_FROZEN = 0  # is_frozen; 1: the account, 2: its resources too

_STATED = (
    "partner_id", "distributor_id", "version", "site", "currency", "account_name", "customer_name",
    "xaccount_id", "xaccount_type", "association_type", "association_status", "associated_on",
    "unlinked_on", "label", "mobile", "email", "country_code", "account_manager_id",
    "account_manager_name", "customer_type", "verified_status", "is_frozen", "customer_level",
    "is_enterprise_master", "enterprise_master_id", "financial_custody", "registered_at",
)  # fmt: skip
_GRAMS = (
    "search_grams('a', lower(account_name), '{1,2}')"
    " || search_grams('c', lower(coalesce(customer_name, '')), '{1,2}')"
    " || search_grams('l', coalesce(label, ''), '{1,2}')"
)


class Tables(DeclarativeBase):
    """Of this service alone."""

    type_annotation_map = COLUMN_TYPES


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
    enterprise_master_id: Mapped[str | None]  # whose member it is (domain.md B.4)
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    domain_area: Mapped[str | None]  # international site: ISO 3166
    closes_market_messages: Mapped[bool] = mapped_column(default=False)
    mirrored: Mapped[bool] = mapped_column(default=False)  # an upstream is the authority
    registered_at: Mapped[datetime]
    version: Mapped[int]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text), Computed(_GRAMS, persisted=True))

    def fact(self, kind: type[CustomerEvent], now: datetime, **more: Any) -> CustomerEvent:
        """The event of the next version, with the whole state after it."""
        self.version = (self.version or 0) + 1
        return self.present(kind, now, **more)

    def present(self, kind: type[CustomerEvent], at: datetime, **more: Any) -> CustomerEvent:
        """An event of the present version."""
        state = {name: getattr(self, name) for name in _STATED}
        return kind(customer_id=self.id, occurred_at=at, **state, **more)

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
    "version": 0,
}


class Identity(Tables):
    """How many accounts use a login name, a phone or a mailbox, over all partners."""

    __tablename__ = "identities"

    kind: Mapped[str] = mapped_column(primary_key=True)  # name | mobile | email
    value: Mapped[str] = mapped_column(primary_key=True)  # names and mailboxes in lower case
    accounts: Mapped[int]


class Tally(Tables):
    """How many of a partner's associated customers count for something (migration 0007)."""

    __tablename__ = "tallies"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    counted: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    distributor_id: Mapped[str | None]
    customers: Mapped[int]


class TallyChange(Tables):
    """Somebody who counts since then, or does no more; appended by triggers, summed up later."""

    __tablename__ = "tally_changes"

    number: Mapped[int] = mapped_column(BigInteger, GeneratedId(always=True), primary_key=True)
    partner_id: Mapped[str] = mapped_column(index=True)
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    associated_day: Mapped[date]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    account_name: Mapped[str] = mapped_column(server_default="")  # letters folded
    customer_name: Mapped[str] = mapped_column(server_default="")  # letters folded
    label: Mapped[str] = mapped_column(server_default="")
    by: Mapped[int]


class NewCustomerTag(Tables):
    """Whether the vendor takes a verified customer for a new one, and how long (domain.md B.2)."""

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


class RealnameApplication(Tables):
    """A customer's newest application for real-name authentication (domain.md B.2).

    The document's number is not kept: whoever decides reads it in the files.
    """

    __tablename__ = "realname_applications"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[int]
    customer_type: Mapped[int]
    name: Mapped[str]
    is_change: Mapped[bool]  # a verified person becomes an enterprise
    files: Mapped[list[str]] = mapped_column(ARRAY(Text))  # below the download folder, in order
    opinion: Mapped[str | None]
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    def decide(self, *, approved: bool, opinion: str | None, now: datetime) -> None:
        """The review ends; refused when it has ended before."""
        if self.status != REVIEWING:
            raise StateConflictError("the application is decided")
        self.status = PASSED if approved else REFUSED_REVIEW
        self.opinion, self.decided_at = None if approved else opinion, now

    def says_the_same(self, other: "RealnameApplication") -> bool:
        """Whether both ask for the same."""
        same = ("customer_type", "name", "is_change", "files")
        return all(getattr(self, name) == getattr(other, name) for name in same)


class VerificationCode(Tables):
    """The newest code sent to a phone or mailbox; a new one takes its place (domain.md B.9)."""

    __tablename__ = "verification_codes"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    scene: Mapped[int] = mapped_column(primary_key=True)
    receiver: Mapped[str] = mapped_column(primary_key=True)
    code_mac: Mapped[str]  # keyed, since six digits under a bare hash are soon guessed
    expires_at: Mapped[datetime]
    failures: Mapped[int]
    used_at: Mapped[datetime | None]


class Authorization(Tables):
    """A customer's grant to its partner to act on its behalf (domain.md F6)."""

    __tablename__ = "authorizations"
    __table_args__ = (
        Index("authorizations_open", "customer_id", unique=True,
              postgresql_where=text("status IN ('requested', 'active')")),
        Index("authorizations_of_partner", "partner_id", "id"),
        Index("authorizations_of_customer", "customer_id", "id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    status: Mapped[str]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int]

    def grant(self, now: datetime) -> type[AuthorizationEvent]:
        """Effective from now on, with no fixed end."""
        self._decide(ACTIVE, now)
        return AuthorizationGranted

    def refuse(self, now: datetime) -> type[AuthorizationEvent]:
        """The customer declines."""
        self._decide(REFUSED, now)
        return AuthorizationRefused

    def terminate(self, now: datetime) -> type[AuthorizationEvent]:
        """An active grant ends, or, when the association ends, a request nobody answered."""
        if self.status not in (REQUESTED, ACTIVE):
            raise StateConflictError(f"the authorization is {self.status}")
        self.status, self.ended_at = TERMINATED, now
        return AuthorizationTerminated

    def _decide(self, status: str, now: datetime) -> None:
        if self.status != REQUESTED:
            raise StateConflictError(f"the authorization is {self.status}")
        self.status, self.decided_at = status, now

    def fact(self, kind: type[AuthorizationEvent], now: datetime) -> AuthorizationEvent:
        """The event of the next version, with the state after it."""
        self.version = (self.version or 0) + 1
        return self.present(kind, now)

    def present(self, kind: type[AuthorizationEvent], at: datetime) -> AuthorizationEvent:
        """An event of the present version."""
        return kind(
            occurred_at=at,
            partner_id=self.partner_id,
            distributor_id=self.distributor_id,
            version=self.version,
            authorization_id=self.id,
            customer_id=self.customer_id,
            status=self.status,
            requested_at=self.requested_at,
            decided_at=self.decided_at,
            ended_at=self.ended_at,
        )


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
