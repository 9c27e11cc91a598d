"""What the native API shows of partner accounts and their operators."""

from datetime import datetime

from wire.native import NativeAnswer


class PartnerAnswer(NativeAnswer):
    """A partner account; the account manager is the distributor's, of a reseller."""

    partner_id: str
    distributor_id: str | None
    name: str
    account_name: str
    kind: str
    tier: int | None
    site: str
    currency: str
    status: str
    coupon_mode: str
    is_test_account: bool
    verification_enabled: bool
    mobile: str | None
    email: str | None
    account_manager_id: str | None
    account_manager_name: str | None
    joined_on: datetime
    version: int


class PartnersAnswer(NativeAnswer):
    """A page of accounts; `next` goes into `after` for the next page, null on the last one."""

    partners: list[PartnerAnswer]
    next: str | None


class OperatorAnswer(NativeAnswer):
    """Who signs in for a partner, and what it may do."""

    operator_id: str
    partner_id: str
    account_name: str
    name: str
    role: str
    permissions: list[str]
    status: str
    added_at: datetime
    version: int


class OperatorsAnswer(NativeAnswer):
    """A page of operators; `next` goes into `after` for the next page, null on the last one."""

    operators: list[OperatorAnswer]
    next: str | None
