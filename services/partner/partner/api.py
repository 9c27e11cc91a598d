"""The HTTP door: the vendor's list of resellers, and the native API for accounts and operators."""

from typing import Annotated

from fastapi import Header, Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag, tagged, version_of
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from partner.add_operator import AddOperator, add_operator
from partner.change_operator import ChangeOperator, change_operator
from partner.change_partner import ChangePartner, change_partner
from partner.find_partner import find_partner
from partner.list_indirect_partners import ListIndirectPartners, list_indirect_partners
from partner.list_operators import ListOperators, list_operators
from partner.list_partners import ListPartners, list_partners
from partner.native_answers import (
    OperatorAnswer,
    OperatorsAnswer,
    PartnerAnswer,
    PartnersAnswer,
)
from partner.register_partner import RegisterPartner, register_partner

router = Router()


@router.post("/v2/partners/indirect-partners/query")
async def indirect_partners(
    wanted: ListIndirectPartners, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_indirect_partners; tier-1 distributors only."""
    page, count = await list_indirect_partners(session, principal.partner_id, wanted)
    return JsonAnswer({"count": count, "indirect_partners": page})


@router.post("/api/partners", response_model=PartnerAnswer)
async def register(
    new: RegisterPartner,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Register a partner account."""
    partner = await register_partner(session, principal, new, now)
    headers = {
        "Location": f"/api/partners/{partner.partner_id}",
        "ETag": etag(partner.version),
    }
    return await idempotency.answer(PartnerAnswer.of(partner), headers)


@router.get("/api/partners", response_model=PartnersAnswer)
async def partners(wanted: Annotated[ListPartners, Query()], session: HttpSession) -> Response:
    """Partner accounts by filters."""
    page, following = await list_partners(session, wanted)
    shown = [PartnerAnswer.of(one) for one in page]
    return JsonAnswer(PartnersAnswer(partners=shown, next=following))


@router.get("/api/partners/{partner_id}", response_model=PartnerAnswer)
async def partner(
    request: Request, partner_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """One partner account."""
    found = await find_partner(session, principal, partner_id)
    return tagged(request, PartnerAnswer.of(found), etag(found.version))


@router.patch("/api/partners/{partner_id}", response_model=PartnerAnswer)
async def changed_partner(
    partner_id: str,
    change: ChangePartner,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Change an account's status or coupon mode."""
    expected = version_of(if_match)
    changed = await change_partner(session, principal, partner_id, change, expected, now)
    answer = JsonAnswer(PartnerAnswer.of(changed))
    answer.headers["ETag"] = etag(changed.version)
    return answer


@router.post("/api/partners/{partner_id}/operators", response_model=OperatorAnswer)
async def new_operator(
    partner_id: str,
    new: AddOperator,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Add an operator."""
    operator = await add_operator(session, principal, partner_id, new, now)
    return await idempotency.answer(OperatorAnswer.of(operator))


@router.patch("/api/partners/{partner_id}/operators/{operator_id}", response_model=OperatorAnswer)
async def changed_operator(
    partner_id: str,
    operator_id: str,
    change: ChangeOperator,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """Disable an operator or let it in again, give it other items, another role or password."""
    operator = await change_operator(session, principal, partner_id, operator_id, change, now)
    return JsonAnswer(OperatorAnswer.of(operator))


@router.get("/api/partners/{partner_id}/operators", response_model=OperatorsAnswer)
async def operators(
    partner_id: str,
    wanted: Annotated[ListOperators, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The operators of a partner."""
    page, following = await list_operators(session, principal, partner_id, wanted)
    shown = [OperatorAnswer.of(one) for one in page]
    return JsonAnswer(OperatorsAnswer(operators=shown, next=following))
