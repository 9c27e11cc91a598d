"""The administrator decides an application (the vendor's side in standalone mode)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from voucher.applications.caps import CAPS, refuse_over_cap
from voucher.applications.facts import application_decided
from voucher.applications.find_application import find_application
from voucher.applications.models import REJECTED, Application
from voucher.copies import Partner, Solution
from voucher.coupons.issue_vendor_coupon import TEST, Holder, Wanted, issue_vendor_coupon
from voucher.coupons.models import CLOUD_GROUP, Coupon
from voucher.find_partner import PartnerBarredError
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import CASH
from wire.types import Amount, WireRequest

TEST_COUPON_DAYS = 365  # the vendor's length is not seen (docs/domain/coupons.md F9)


class DecideApplication(WireRequest):
    """`amount` goes with an approval: what was asked for, if it is absent; a refusal says why."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"]
    amount: Amount | None = None
    currency: str | None = Field(default=None, description="the application's, when given")
    reason: str | None = Field(None, min_length=1, max_length=512)


async def decide_application(
    session: AsyncSession,
    administrator: Principal,
    application_id: str,
    wanted: DecideApplication,
    now: datetime,
) -> Application:
    """Decide it, by the solution's certification at this moment; approved, its coupon is issued.

    Raises:
        NotFoundError: no such application.
        BadFieldError: more than was asked for, an amount with a refusal, or a refusal without why.
        PartnerBarredError: the partner that would hold the coupon is restricted or has left.
        ApplicationDecidedError: it is decided or withdrawn.
        OverTheCapError: more than is left of the solution's cap.

    """
    application = await find_application(session, administrator, application_id, lock=True)
    application.refuse_unless_open()
    if wanted.currency not in (None, application.currency):
        raise BadFieldError("currency", f"the application's is {application.currency}")
    if wanted.decision == "reject":
        _refuse_bad_rejection(wanted)
        application.end(REJECTED, now)
    else:
        amount = await _approvable(session, application, wanted)
        coupon = await _issue(session, administrator, application, amount, now)
        application.approve(amount, coupon.id, now)
    application.reason = wanted.reason
    audit.record(
        session, administrator, "application.decide", application.id, now,
        status=application.status, amount=str(application.approved_amount or ""),
    )  # fmt: skip
    outbox.publish(session, application_decided(application, now))
    return application


async def _approvable(
    session: AsyncSession, application: Application, wanted: DecideApplication
) -> Decimal:
    """The amount; the solution's row is locked, so that nobody else takes the same rest."""
    amount = wanted.amount or application.amount
    if amount > application.amount:
        raise BadFieldError("amount", "more than the amount")
    solution = await session.get_one(
        Solution, application.solution_id, with_for_update=True, populate_existing=True
    )
    cap = CAPS.get(solution.certification, CAPS["none"])
    await refuse_over_cap(session, application.solution_id, amount, cap)
    return amount


async def _issue(
    session: AsyncSession,
    administrator: Principal,
    application: Application,
    amount: Decimal,
    now: datetime,
) -> Coupon:
    """A cash coupon of the approved amount, which the partner account holds."""
    partner = await session.get_one(Partner, application.partner_id, populate_existing=True)
    if partner.status != "active":
        raise PartnerBarredError
    wanted = Wanted(
        coupon_type=CASH,
        group=CLOUD_GROUP,
        origin=TEST,
        face_value=amount,
        discount_ratio=None,
        limits=QuotaLimits(),
        effective_at=now,
        expire_at=now + timedelta(days=TEST_COUPON_DAYS),
    )
    holder = Holder(partner.partner_id, partner)
    return issue_vendor_coupon(session, administrator, holder, wanted, now)


def _refuse_bad_rejection(wanted: DecideApplication) -> None:
    if wanted.amount is not None:
        raise BadFieldError("amount", "goes with an approval")
    if wanted.reason is None:
        raise BadFieldError("reason", "missing")
