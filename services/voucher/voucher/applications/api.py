"""The door to applications for test coupons: the native API."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag, tagged
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from voucher.applications.decide_application import DecideApplication, decide_application
from voucher.applications.find_application import find_application
from voucher.applications.list_applications import ListApplications, list_applications
from voucher.applications.native_answers import (
    ApplicationAnswer,
    ApplicationsAnswer,
    native_application,
)
from voucher.applications.submit_application import SubmitApplication, submit_application
from voucher.applications.withdraw_application import withdraw_application

router = Router(prefix="/api/test-coupon-applications")


@router.post("", response_model=ApplicationAnswer)
async def submit(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: SubmitApplication,
) -> Response:
    """Ask for a test coupon; one application at a time."""
    application = await submit_application(session, principal, wanted, now)
    location = {"Location": f"/api/test-coupon-applications/{application.id}"}
    return await idempotency.answer(native_application(application), location)


@router.get("", response_model=ApplicationsAnswer)
async def applications(
    principal: CurrentPrincipal,
    session: HttpSession,
    wanted: Annotated[ListApplications, Query()],
) -> Response:
    """Applications; the administrator all, a partner its own."""
    return JsonAnswer(await list_applications(session, principal, wanted))


@router.get("/{application_id}", response_model=ApplicationAnswer)
async def application(
    request: Request, application_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """One application."""
    found = await find_application(session, principal, application_id)
    return tagged(request, native_application(found), etag(found.version))


@router.post("/{application_id}/withdrawal", response_model=ApplicationAnswer)
async def withdrawal(
    application_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Take an application back."""
    withdrawn = await withdraw_application(session, principal, application_id, now)
    return await idempotency.answer(native_application(withdrawn))


@router.post("/{application_id}/decision", response_model=ApplicationAnswer)
async def decision(
    application_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: DecideApplication,
) -> Response:
    """Approve an application with an amount, or reject it; the administrator."""
    decided = await decide_application(session, principal, application_id, wanted, now)
    return await idempotency.answer(native_application(decided))
