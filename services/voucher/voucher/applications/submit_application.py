"""A partner asks for a test coupon."""

from datetime import datetime

from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find, until
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.applications.caps import HIGHEST_CAP, refuse_over_cap
from voucher.applications.check_link import CHARACTERS_MAX, check_link
from voucher.applications.facts import application_submitted
from voucher.applications.models import PENDING, Application
from voucher.copies import Partner, Solution
from voucher.find_partner import PartnerBarredError
from wire.types import Amount, Id, WireRequest

CAPS_ARE_IN = "CNY"


class SubmitApplication(WireRequest):
    """The body of `POST /api/test-coupon-applications`; the amount in the partner's currency."""

    model_config = ConfigDict(extra="forbid")

    solution_id: Id
    amount: Amount
    currency: str | None = Field(default=None, description="the partner's, when given")
    resource_list_url: str = Field(min_length=1, max_length=CHARACTERS_MAX)
    remark: str | None = Field(None, max_length=512)


class ApplicationOpenError(RefusedError):
    """Another application of the partner waits for its decision."""

    code = "CHB.0409"


class OtherCurrencyError(RefusedError):
    """The caps are amounts of the China site."""

    code = "CHB.0409"


async def submit_application(
    session: AsyncSession, principal: Principal, wanted: SubmitApplication, now: datetime
) -> Application:
    """Keep it; one at a time of each partner, whose copy is locked.

    Raises:
        BadFieldError: the link is none of a shared list, or the currency is not the partner's.
        NotFoundError: no such solution, or not the caller's.
        PartnerBarredError: the partner is restricted or has left.
        ApplicationOpenError, OtherCurrencyError: see there.
        OverTheCapError: more than any certification leaves for the solution.

    """
    check_link(wanted.resource_list_url)
    partner = await _lock_partner(session, principal.partner_id)
    if wanted.currency not in (None, partner.currency):
        raise BadFieldError("currency", f"the partner's is {partner.currency}")
    await _find_own_solution(session, partner.partner_id, wanted.solution_id)
    open_one = select(Application.id).where(
        Application.partner_id == partner.partner_id, Application.status == PENDING
    )
    if await session.scalar(open_one) is not None:
        raise ApplicationOpenError("another application waits for its decision")
    await refuse_over_cap(session, wanted.solution_id, wanted.amount, HIGHEST_CAP)
    application = Application(
        id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        solution_id=wanted.solution_id,
        status=PENDING,
        currency=partner.currency,
        amount=wanted.amount,
        resource_list_url=wanted.resource_list_url,
        remark=wanted.remark,
        created_at=now,
        version=1,
    )
    session.add(application)
    audit.record(
        session, principal, "application.submit", application.id, now,
        solution_id=wanted.solution_id, amount=str(wanted.amount),
    )  # fmt: skip
    outbox.publish(session, application_submitted(application, now))
    return application


async def _lock_partner(session: AsyncSession, partner_id: str) -> Partner:
    if await find(session, Partner, partner_id) is None:
        raise PartnerBarredError("unknown partner account", code="CBC.0155")
    partner = await session.get_one(
        Partner, partner_id, with_for_update=True, populate_existing=True
    )
    if partner.status != "active":
        raise PartnerBarredError
    if partner.currency != CAPS_ARE_IN:
        raise OtherCurrencyError(f"the caps are in {CAPS_ARE_IN}")
    return partner


async def _find_own_solution(session: AsyncSession, partner_id: str, solution_id: str) -> None:
    own = select(Solution.solution_id).where(
        Solution.solution_id == solution_id, Solution.partner_id == partner_id
    )
    if await until(session, lambda asked: asked.scalar(own)) is None:
        raise NotFoundError(f"solution {solution_id}")
