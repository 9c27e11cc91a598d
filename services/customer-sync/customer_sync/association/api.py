"""The HTTP door of applications to unlink or to switch a customer."""

from typing import Annotated, Any

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.association.apply_for_change import Switch, apply_for_change
from customer_sync.association.decide_change import Answer, decide_change
from customer_sync.association.list_applications import ApplicationsWanted, list_applications
from customer_sync.association.models import AssociationApplication

router = Router()  # reads
commands = Router()


@commands.post("/api/customers/{customer_id}/unlinking")
async def apply_to_unlink(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Apply for the end of the association."""
    application = await apply_for_change(session, principal, customer_id, None, now)
    return await idempotency.answer(201, _shown(application))


@commands.post("/api/customers/{customer_id}/switching")
async def apply_to_switch(
    customer_id: str,
    wanted: Switch,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Apply for another association type."""
    application = await apply_for_change(
        session, principal, customer_id, wanted.association_type, now
    )
    return await idempotency.answer(201, _shown(application))


@commands.post("/api/association-applications/{application_id}/{answer}")
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
    return await idempotency.answer(200, _shown(decided))


@router.get("/api/association-applications")
async def applications(
    wanted: Annotated[ApplicationsWanted, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """Applications by customer, kind and status."""
    page, following = await list_applications(session, principal, wanted)
    shown = [_shown(application) for application in page]
    return JsonAnswer({"applications": shown, "next": following})


def _shown(application: AssociationApplication) -> dict[str, Any]:
    return {
        "application_id": application.id,
        "customer_id": application.customer_id,
        "partner_id": application.partner_id,
        "kind": application.kind,
        "association_type": application.association_type,
        "applied_by": application.applied_by,
        "status": application.status,
        "applied_at": application.applied_at,
        "decided_at": application.decided_at,
        "version": application.version,
    }
