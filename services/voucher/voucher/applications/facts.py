"""The events of applications, each with the whole state after the fact."""

from datetime import datetime
from typing import TypeVar

from contracts.voucher import (
    ApplicationEvent,
    VoucherApplicationDecided,
    VoucherApplicationSubmitted,
)
from voucher.applications.models import Application

Fact = TypeVar("Fact", bound=ApplicationEvent)


def application_submitted(application: Application, now: datetime) -> VoucherApplicationSubmitted:
    """A partner asks for a test coupon."""
    return _fact(VoucherApplicationSubmitted, application, now)


def application_decided(application: Application, now: datetime) -> VoucherApplicationDecided:
    """It is approved and its coupon issued; or it is rejected or withdrawn."""
    return _fact(VoucherApplicationDecided, application, now)


def _fact(contract: type[Fact], application: Application, now: datetime) -> Fact:
    return contract(
        occurred_at=now,
        partner_id=application.partner_id,
        distributor_id=application.distributor_id,
        version=application.version,
        application_id=application.id,
        solution_id=application.solution_id,
        status=application.status,
        currency=application.currency,
        amount=application.amount,
        approved_amount=application.approved_amount,
        coupon_id=application.coupon_id,
        decided_because=application.reason,
    )
