"""The HTTP door of applications to unlink or to switch a customer."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.association.apply_for_change import ApplyForChange, apply_for_change
from customer_sync.association.decide_change import Answer, decide_change
from customer_sync.association.list_applications import ListApplications, list_applications
from customer_sync.association.native_answers import (
    ApplicationAnswer,
    ApplicationsAnswer,
    native_application,
)

router = Router()


@router.post("/api/customers/{customer_id}/unlinking", response_model=ApplicationAnswer)
async def apply_to_unlink(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Apply for the end of the association."""
    application = await apply_for_change(session, principal, customer_id, None, now)
    return await idempotency.answer(native_application(application))


@router.post("/api/customers/{customer_id}/switching", response_model=ApplicationAnswer)
async def apply_to_switch(
    customer_id: str,
    wanted: ApplyForChange,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Apply for another association type."""
    application = await apply_for_change(
        session, principal, customer_id, wanted.association_type, now
    )
    return await idempotency.answer(native_application(application))


@router.post(
    "/api/association-applications/{application_id}/{answer}", response_model=ApplicationAnswer
)
async def decide(
    application_id: str,
    answer: Answer,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Agree, refuse or withdraw."""
    decided = await decide_change(session, principal, application_id, answer, now)
    return await idempotency.answer(native_application(decided))


@router.get("/api/association-applications", response_model=ApplicationsAnswer)
async def applications(
    wanted: Annotated[ListApplications, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """Applications by customer, kind and status."""
    page, following = await list_applications(session, principal, wanted)
    shown = [native_application(application) for application in page]
    return JsonAnswer(ApplicationsAnswer(applications=shown, next=following))
