"""Partner's events, made from its rows: each carries the whole state after the fact."""

from datetime import datetime
from typing import TypeVar

from contracts.partner import (
    PartnerEvent,
    PartnerJoined,
    PartnerOperatorAdded,
    PartnerOperatorChanged,
    PartnerUpdated,
)
from partner.models import Operator, Partner

AccountFact = TypeVar("AccountFact", bound=PartnerEvent)
OperatorFact = TypeVar("OperatorFact", PartnerOperatorAdded, PartnerOperatorChanged)


def partner_joined(partner: Partner, occurred_at: datetime) -> PartnerJoined:
    """The account exists."""
    return _account_fact(PartnerJoined, partner, occurred_at)


def partner_updated(partner: Partner, now: datetime) -> PartnerUpdated:
    """The account is another from now on."""
    return _account_fact(PartnerUpdated, partner, now)


def operator_added(
    operator: Operator, distributor_id: str | None, credential_ref: str | None = None
) -> PartnerOperatorAdded:
    """The operator may sign in; the reference is told once, when the gateway binds it."""
    return _operator_fact(
        PartnerOperatorAdded, operator, distributor_id, credential_ref, operator.added_at
    )


def operator_changed(
    operator: Operator, distributor_id: str | None, credential_ref: str | None, now: datetime
) -> PartnerOperatorChanged:
    """The operator is another from now on, or has another password."""
    return _operator_fact(PartnerOperatorChanged, operator, distributor_id, credential_ref, now)


def _operator_fact(
    contract: type[OperatorFact],
    operator: Operator,
    distributor_id: str | None,
    credential_ref: str | None,
    now: datetime,
) -> OperatorFact:
    return contract(
        occurred_at=now,
        partner_id=operator.partner_id,
        distributor_id=distributor_id,
        version=operator.version,
        operator_id=operator.operator_id,
        account_name=operator.account_name,
        name=operator.name,
        role=operator.role,
        permissions=operator.permissions,
        status=operator.status,
        credential_ref=credential_ref,
    )


def _account_fact(
    contract: type[AccountFact], partner: Partner, occurred_at: datetime
) -> AccountFact:
    return contract(
        occurred_at=occurred_at,
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        version=partner.version,
        name=partner.name,
        account_name=partner.account_name,
        kind=partner.kind,
        tier=partner.tier,
        site=partner.site,
        currency=partner.currency,
        status=partner.status,
        coupon_mode=partner.coupon_mode,
        is_test_account=partner.is_test_account,
        verification_enabled=partner.verification_enabled,
        mobile=partner.mobile,
        email=partner.email,
        joined_on=partner.joined_on,
    )
