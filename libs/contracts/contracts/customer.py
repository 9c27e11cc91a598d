"""What customer-sync states, on the stream `customer`; keyed by the customer."""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.audience import ForCustomer, ForPartner
from contracts.event import Event


class Customer(BaseModel):
    """A customer, in every answer and every event that shows one."""

    model_config = ConfigDict(extra="ignore", frozen=True, from_attributes=True)

    customer_id: ForCustomer[str]
    partner_id: ForCustomer[str]
    distributor_id: ForPartner[str | None] = None
    account_name: ForCustomer[str]
    customer_name: ForCustomer[str | None] = None  # verified name
    site: ForCustomer[str]  # "china" | "international"
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    # "1" referral, "2" resale, "3" resale on the international site
    association_type: ForCustomer[str]
    association_status: ForCustomer[str]  # "pending" | "associated" | "unlinked"
    associated_on: ForCustomer[AwareDatetime | None] = None
    unlinked_on: ForCustomer[AwareDatetime | None] = None
    label: ForPartner[str | None] = None
    mobile: ForCustomer[str | None] = None
    email: ForCustomer[str | None] = None
    account_manager_id: ForPartner[str | None] = None
    account_manager_name: ForPartner[str | None] = None
    customer_type: ForCustomer[int] = -1  # -1 none, 0 personal, 1 enterprise
    # "-1" not verified, "0" in review, "1" rejected, "2" verified; "3" on the international site
    verified_status: ForCustomer[str] = "-1"
    is_frozen: ForCustomer[int] = 0  # 0 no, 1 the account, 2 the account and its resources
    customer_level: ForPartner[str | None] = None  # "V0" to "V5"
    registered_at: ForCustomer[AwareDatetime]
    version: ForCustomer[int] = Field(ge=1)


class CustomerEvent(Event, Customer):
    """The customer's whole state after the fact, so that any one event can make a copy."""

    STREAM: ClassVar[str] = "customer"
    VERSION: ClassVar[str] = "1.2"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "customer_id"

    xaccount_id: ForPartner[str | None] = None
    # the platform, as the vendor names it, such as "acme_sales"
    xaccount_type: ForPartner[str | None] = None
    country_code: ForCustomer[str | None] = None
    is_enterprise_master: ForCustomer[bool] = False  # it may have enterprise members
    enterprise_master_id: ForCustomer[str | None] = None  # whose member it is
    # its master pays for it; it cannot receive coupons
    financial_custody: ForCustomer[bool] = False
    # its master may see what it consumes; of a custody member it always may
    shows_consumption: ForCustomer[bool] = False


class CustomerRegistered(CustomerEvent):
    """An account was made for a customer."""

    TYPE: ClassVar[str] = "customer.registered"

    # Names the password that the gateway keeps for it; the password itself never leaves the gateway
    credential_ref: str | None = None


class CustomerUpdated(CustomerEvent):
    """Label, account manager, name or another descriptive field changed."""

    TYPE: ClassVar[str] = "customer.updated"


class CustomerVerified(CustomerEvent):
    """The customer's real name was verified, or another one was."""

    TYPE: ClassVar[str] = "customer.verified"


class CustomerFrozen(CustomerEvent):
    """The customer may not buy, renew or change anything; `is_frozen` says what is frozen."""

    TYPE: ClassVar[str] = "customer.frozen"


class CustomerUnfrozen(CustomerEvent):
    """The customer may buy again."""

    TYPE: ClassVar[str] = "customer.unfrozen"


class CustomerAssociated(CustomerEvent):
    """The customer now belongs to its partner."""

    TYPE: ClassVar[str] = "customer.associated"


class CustomerAssociationChanged(CustomerEvent):
    """The association switched between referral and resale."""

    TYPE: ClassVar[str] = "customer.association_changed"


class CustomerUnlinked(CustomerEvent):
    """The customer no longer belongs to its partner."""

    TYPE: ClassVar[str] = "customer.unlinked"


class AuthorizationEvent(Event):
    """A customer's grant to its partner to act on its behalf (代客)."""

    STREAM: ClassVar[str] = "customer"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "authorization_id"

    authorization_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    status: ForCustomer[str]  # "requested" | "active" | "refused" | "terminated"
    requested_at: ForCustomer[AwareDatetime]
    decided_at: ForCustomer[AwareDatetime | None] = None
    ended_at: ForCustomer[AwareDatetime | None] = None


class AuthorizationRequested(AuthorizationEvent):
    """The partner asked."""

    TYPE: ClassVar[str] = "authorization.requested"


class AuthorizationGranted(AuthorizationEvent):
    """The customer agreed: effective from `occurred_at` on, with no fixed end."""

    TYPE: ClassVar[str] = "authorization.granted"


class AuthorizationRefused(AuthorizationEvent):
    """The customer declined."""

    TYPE: ClassVar[str] = "authorization.refused"


class AuthorizationTerminated(AuthorizationEvent):
    """The grant ended, by the customer or by the end of the association."""

    TYPE: ClassVar[str] = "authorization.terminated"


class AssociationChangeEvent(Event):
    """An application to unlink a customer or to switch its association type."""

    STREAM: ClassVar[str] = "customer"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "application_id"

    application_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    kind: ForCustomer[str]  # "unlink" | "switch"
    # The type to switch to: "1" referral, "2" resale; none when it is to be unlinked
    association_type: ForCustomer[str | None] = None
    applied_by: ForCustomer[str]  # "partner" | "customer": the other side answers
    status: ForCustomer[str]  # "open" | "agreed" | "refused" | "withdrawn"
    applied_at: ForCustomer[AwareDatetime]
    decided_at: ForCustomer[AwareDatetime | None] = None


class AssociationChangeRequested(AssociationChangeEvent):
    """One side applied; the other one is to answer."""

    TYPE: ClassVar[str] = "association.change_requested"


class AssociationChangeDecided(AssociationChangeEvent):
    """It was agreed to, refused or withdrawn.

    An agreed one is followed by `customer.unlinked` or `customer.association_changed`.
    """

    TYPE: ClassVar[str] = "association.change_decided"


class SyncEvent(Event):
    """What a sweep of an upstream Partner Center says of itself (connected mode)."""

    STREAM: ClassVar[str] = "customer"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "sweep_id"

    sweep_id: ForPartner[str]
    started_at: ForPartner[AwareDatetime]


class SyncSweepFinished(SyncEvent):
    """A whole pass over the upstream's customers ended."""

    TYPE: ClassVar[str] = "sync.sweep_finished"

    customers_seen: ForPartner[int]
    customers_changed: ForPartner[int]
    requests_made: ForPartner[int]


class SyncDriftFound(SyncEvent):
    """The mirror and the upstream disagreed where they should not have."""

    TYPE: ClassVar[str] = "sync.drift_found"

    customer_id: ForPartner[str]
    field: ForPartner[str]
    ours: ForPartner[str | None]
    theirs: ForPartner[str | None]
