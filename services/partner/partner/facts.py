"""Partner's events, made from its rows: each carries the whole state after the fact."""

from datetime import datetime
from typing import Any

from contracts.partner import PartnerJoined, PartnerOperatorAdded, PartnerOperatorChanged
from partner.models import Operator, Partner


def partner_joined(partner: Partner, occurred_at: datetime) -> PartnerJoined:
    """The account exists."""
    return PartnerJoined(
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


def operator_added(
    operator: Operator, distributor_id: str | None, credential_ref: str | None = None
) -> PartnerOperatorAdded:
    """The operator may sign in; the reference is told once, when the gateway binds it."""
    state = _operator_state(operator, distributor_id)
    return PartnerOperatorAdded(
        occurred_at=operator.added_at, credential_ref=credential_ref, **state
    )


def operator_changed(
    operator: Operator, distributor_id: str | None, credential_ref: str | None, now: datetime
) -> PartnerOperatorChanged:
    """The operator is another from now on, or has another password."""
    state = _operator_state(operator, distributor_id)
    return PartnerOperatorChanged(occurred_at=now, credential_ref=credential_ref, **state)


def _operator_state(operator: Operator, distributor_id: str | None) -> dict[str, Any]:
    return {
        "partner_id": operator.partner_id,
        "distributor_id": distributor_id,
        "version": operator.version,
        "operator_id": operator.operator_id,
        "account_name": operator.account_name,
        "name": operator.name,
        "role": operator.role,
        "permissions": operator.permissions,
        "status": operator.status,
    }
