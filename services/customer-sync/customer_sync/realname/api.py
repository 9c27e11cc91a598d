"""The HTTP door of real-name authentication; all of it is the authority's alone."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, Principal
from chassis.routes import Router
from customer_sync.read_body import read_body
from customer_sync.realname.applications import (
    Application,
    EnterpriseApplication,
    EnterpriseChange,
    personal_model_of,
)
from customer_sync.realname.apply_for_verification import apply_for_verification
from customer_sync.realname.decide_review import Review, decide_review
from customer_sync.realname.face_tickets import TicketShown, give_ticket, redeem_ticket
from customer_sync.realname.show_verification import ReviewWanted, show_review, show_status

router = Router()
BY_A_PERSON = {"is_review": 1}


async def _apply(
    request: Request, session: HttpSession, principal: Principal, wanted: Application, now: Now
) -> Response:
    switched_on = request.app.state.settings.realname_authentication
    await apply_for_verification(session, principal, wanted, switched_on=switched_on, now=now)
    return JsonAnswer(BY_A_PERSON)


@router.post("/v2/customers/realname-auths/individual")
async def apply_as_person(
    request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """create_personal_realname_auth."""
    wanted = await read_body(personal_model_of(principal.site), await request.body())
    return await _apply(request, session, principal, wanted, now)


@router.post("/v2/customers/realname-auths/enterprise")
async def apply_as_enterprise(
    request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """create_enterprise_realname_authentication."""
    wanted = await read_body(EnterpriseApplication, await request.body())
    return await _apply(request, session, principal, wanted, now)


@router.put("/v2/customers/realname-auths/enterprise")
async def become_enterprise(
    request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """change_enterprise_realname_authentication."""
    wanted = await read_body(EnterpriseChange, await request.body())
    return await _apply(request, session, principal, wanted, now)


@router.get("/v2/customers/realname-auths/result")
async def review_result(
    wanted: Annotated[ReviewWanted, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """show_realname_authentication_review_result."""
    return JsonAnswer(await show_review(session, principal, wanted.customer_id))


@router.get("/v2/customers/real-name-auth-status")
async def status(principal: CurrentPrincipal, session: HttpSession) -> Response:
    """show_real_name_auth_status."""
    return JsonAnswer(await show_status(session, principal))


@router.post("/api/customers/{customer_id}/realname-review")
async def review(
    customer_id: str,
    decided: Review,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Decide on an application, as the vendor would."""
    customer = await decide_review(session, principal, customer_id, decided, now)
    shown = {"customer_id": customer.id, "verified_status": customer.verified_status}
    return await idempotency.answer(201, shown)


@router.get("/v2/customers/real-name-auth-qrcode")
async def face_page(
    request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """show_real_name_auth_qr_code; a read that gives a ticket away."""
    page_url = request.app.state.settings.face_verification_page
    return JsonAnswer({"qr_code_url": await give_ticket(session, principal, page_url, now)})


@router.post("/api/face-tickets")
async def redeem(
    shown: TicketShown, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Tell the operator of the page which customer a ticket is for."""
    customer_id = await redeem_ticket(session, principal, shown.ticket, now)
    return JsonAnswer({"customer_id": customer_id}, 201)
