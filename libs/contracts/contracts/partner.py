"""What partner states, on the stream `partner`; keyed by the partner."""

from typing import ClassVar

from pydantic import AwareDatetime

from contracts.event import Event


class PartnerEvent(Event):
    """A partner account's whole state after the fact; `partner_id` is the account itself."""

    STREAM: ClassVar[str] = "partner"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "partner_id"

    name: str
    account_name: str
    kind: str  # "solution_provider" | "distributor" | "reseller" | "government"
    tier: int | None = None  # 1 distributor, 2 reseller
    site: str  # "china" | "international"
    currency: str  # "CNY" on the China site, "USD" on the international one
    status: str  # "active" | "restricted" | "delisted"
    coupon_mode: str = "issue_to_customers"  # or "use_vouchers": it issues no coupons
    is_test_account: bool = False
    verification_enabled: bool = False  # sensitive operations ask for a code
    mobile: str | None = None
    email: str | None = None
    joined_on: AwareDatetime


class PartnerJoined(PartnerEvent):
    """A partner account exists. For a reseller `distributor_id` is the one above it."""

    TYPE: ClassVar[str] = "partner.joined"


class PartnerOperatorEvent(Event):
    """An operator (操作员账号) of a partner, with the roles and permission items it has."""

    STREAM: ClassVar[str] = "partner"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "operator_id"

    operator_id: str
    account_name: str
    name: str
    role: str  # "administrator" | "account_manager" | "finance"
    permissions: list[str]
    status: str  # "active" | "disabled"
    credential_ref: str | None = None  # names the password that the gateway keeps


class PartnerOperatorAdded(PartnerOperatorEvent):
    """An operator may sign in. `credential_ref` names the password that the gateway keeps."""

    TYPE: ClassVar[str] = "partner.operator_added"


class PartnerOperatorChanged(PartnerOperatorEvent):
    """An operator has another name, role, items, status or password (under `credential_ref`)."""

    TYPE: ClassVar[str] = "partner.operator_changed"
