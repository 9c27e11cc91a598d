"""The HTTP door of real-name authentication; all of it is the authority's alone."""

from typing import Annotated

from fastapi import Depends, Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now, WallNow
from chassis.database import HttpSession
from chassis.etags import etag
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, Principal
from chassis.routes import Router
from chassis.site_body import SiteBody
from contracts.customer import Customer
from customer_sync.customers.shown import CustomersAnswer, native_customer, native_customers
from customer_sync.parts import CurrentParts
from customer_sync.realname.applications import (
    Application,
    EnterpriseApplication,
    EnterpriseChange,
    PersonalApplication,
    PersonalApplicationAbroad,
)
from customer_sync.realname.apply_for_verification import apply_for_verification
from customer_sync.realname.decide_review import DecideReview, decide_review
from customer_sync.realname.face_tickets import RedeemTicket, give_ticket, redeem_ticket
from customer_sync.realname.native_answers import ReviewAnswer, TicketAnswer
from customer_sync.realname.show_verification import ShowReview, show_review, show_status
from customer_sync.realname.verify_customer import (
    VerifyCustomer,
    VerifyCustomers,
    verify_customer,
    verify_customers,
)

router = Router()
PersonApplying = Annotated[
    PersonalApplication | PersonalApplicationAbroad,
    Depends(SiteBody(PersonalApplication, PersonalApplicationAbroad)),
]
BY_A_PERSON = {"is_review": 1}


async def _apply(
    parts: CurrentParts, session: HttpSession, principal: Principal, wanted: Application, now: Now
) -> None:
    switched_on = parts.settings.realname_authentication
    await apply_for_verification(session, principal, wanted, switched_on=switched_on, now=now)


@router.post("/v2/customers/realname-auths/individual")
async def apply_as_person(
    wanted: PersonApplying,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """create_personal_realname_auth."""
    await _apply(parts, session, principal, wanted, now)
    return JsonAnswer(BY_A_PERSON)


@router.post("/v2/customers/realname-auths/enterprise")
async def apply_as_enterprise(
    wanted: EnterpriseApplication,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """create_enterprise_realname_authentication."""
    await _apply(parts, session, principal, wanted, now)
    return JsonAnswer(BY_A_PERSON)


@router.put("/v2/customers/realname-auths/enterprise")
async def become_enterprise(
    wanted: EnterpriseChange,
    parts: CurrentParts,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """change_enterprise_realname_authentication."""
    await _apply(parts, session, principal, wanted, now)
    return await idempotency.answer(BY_A_PERSON)


@router.get("/v2/customers/realname-auths/result")
async def review_result(
    wanted: Annotated[ShowReview, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """show_realname_authentication_review_result."""
    return JsonAnswer(await show_review(session, principal, wanted.customer_id))


@router.get("/v2/customers/real-name-auth-status")
async def status(principal: CurrentPrincipal, session: HttpSession) -> Response:
    """show_real_name_auth_status."""
    return JsonAnswer(await show_status(session, principal))


@router.post("/api/customers/{customer_id}/realname-review", response_model=ReviewAnswer)
async def review(
    customer_id: str,
    decided: DecideReview,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Decide on an application, as the vendor would."""
    customer = await decide_review(session, principal, customer_id, decided, now)
    return await idempotency.answer(ReviewAnswer.of(customer))


@router.get("/v2/customers/real-name-auth-qrcode")
async def face_page(
    parts: CurrentParts, principal: CurrentPrincipal, session: HttpSession, now: WallNow
) -> Response:
    """show_real_name_auth_qr_code; a read that gives a ticket away."""
    page_url = parts.settings.face_verification_page
    return JsonAnswer({"qr_code_url": await give_ticket(session, principal, page_url, now)})


@router.post("/api/face-tickets", response_model=TicketAnswer)
async def redeem(
    shown: RedeemTicket,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: WallNow,
) -> Response:
    """Tell the operator of the page which customer a ticket is for."""
    customer_id = await redeem_ticket(session, principal, shown.ticket, now)
    return await idempotency.answer(TicketAnswer(customer_id=customer_id))


@router.post("/api/customers/verifications", response_model=CustomersAnswer)
async def verify_many(
    wanted: VerifyCustomers,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Record many verified names, as the vendor would."""
    customers = await verify_customers(session, principal, wanted, now)
    return await idempotency.answer(native_customers(customers))


@router.post("/api/customers/{customer_id}/verification", response_model=Customer)
async def verify(
    customer_id: str,
    verification: VerifyCustomer,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Record a verified name, as the vendor would."""
    customer = await verify_customer(session, principal, customer_id, verification, now)
    return await idempotency.answer(native_customer(customer), {"ETag": etag(customer.version)})
