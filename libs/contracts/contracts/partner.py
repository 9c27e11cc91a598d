"""What partner states, on the stream `partner`; keyed by the partner."""

from typing import ClassVar

from pydantic import AwareDatetime

from contracts.audience import ForPartner
from contracts.event import Event


class PartnerEvent(Event):
    """A partner account's whole state after the fact; `partner_id` is the account itself."""

    STREAM: ClassVar[str] = "partner"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "partner_id"

    name: ForPartner[str]
    account_name: ForPartner[str]
    kind: ForPartner[str]  # "solution_provider" | "distributor" | "reseller" | "government"
    tier: ForPartner[int | None] = None  # 1 distributor, 2 reseller
    site: ForPartner[str]  # "china" | "international"
    currency: ForPartner[str]  # "CNY" on the China site, "USD" on the international one
    status: ForPartner[str]  # "active" | "restricted" | "delisted"
    coupon_mode: ForPartner[str] = "issue_to_customers"  # or "use_vouchers": it issues no coupons
    is_test_account: ForPartner[bool] = False
    verification_enabled: ForPartner[bool] = False  # sensitive operations ask for a code
    mobile: ForPartner[str | None] = None
    email: ForPartner[str | None] = None
    joined_on: ForPartner[AwareDatetime]


class PartnerJoined(PartnerEvent):
    """A partner account exists. For a reseller `distributor_id` is the one above it."""

    TYPE: ClassVar[str] = "partner.joined"


class PartnerUpdated(PartnerEvent):
    """The account's status or coupon mode is another."""

    TYPE: ClassVar[str] = "partner.updated"


class PartnerSolutionChanged(Event):
    """A partner's solution is there, or is certified otherwise; its whole state after the fact."""

    STREAM: ClassVar[str] = "partner"
    TYPE: ClassVar[str] = "partner.solution_changed"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "solution_id"

    solution_id: ForPartner[str]
    name: ForPartner[str]
    # "basic_software" | "cloud_software" | "advanced_cloud_software" | "consulting"
    solution_class: ForPartner[str]
    certification: ForPartner[str]  # "none" | "cloud_software" | "advanced_cloud_software"


class PartnerOperatorEvent(Event):
    """An operator (操作员账号) of a partner, with the roles and permission items it has."""

    STREAM: ClassVar[str] = "partner"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "operator_id"

    operator_id: ForPartner[str]
    account_name: ForPartner[str]
    name: ForPartner[str]
    role: ForPartner[str]  # "administrator" | "account_manager" | "finance"
    permissions: ForPartner[list[str]]
    status: ForPartner[str]  # "active" | "disabled"
    credential_ref: str | None = None  # names the password that the gateway keeps


class PartnerOperatorAdded(PartnerOperatorEvent):
    """An operator may sign in."""

    TYPE: ClassVar[str] = "partner.operator_added"


class PartnerOperatorChanged(PartnerOperatorEvent):
    """An operator has another name, role, items, status or password."""

    TYPE: ClassVar[str] = "partner.operator_changed"
