"""The HTTP door: the vendor's list of resellers, and the native API for accounts and operators."""

from typing import Annotated, Any

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.routes import Router
from partner.add_operator import NewOperator, add_operator
from partner.change_operator import ChangedOperator, change_operator
from partner.find_partner import find_partner
from partner.list_indirect_partners import IndirectPartnersWanted, list_indirect_partners
from partner.list_operators import OperatorsWanted, list_operators
from partner.list_partners import PartnersWanted, list_partners
from partner.models import DISTRIBUTOR, Operator, Partner
from partner.register_partner import NewPartner, register_partner

router = Router()


@router.post("/v2/partners/indirect-partners/query")
async def indirect_partners(
    wanted: IndirectPartnersWanted, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_indirect_partners; tier-1 distributors only."""
    if principal.kind != DISTRIBUTOR:
        raise WrongPrincipalError
    page, count = await list_indirect_partners(session, principal.partner_id, wanted)
    return JsonAnswer({"count": count, "indirect_partners": page})


@router.post("/api/partners")
async def register(
    new: NewPartner,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Register a partner account."""
    _require_administrator(principal)
    partner = await register_partner(session, principal, new, now)
    location = {"Location": f"/api/partners/{partner.partner_id}"}
    return await idempotency.answer(201, _partner(partner), location)


@router.get("/api/partners")
async def partners(
    wanted: Annotated[PartnersWanted, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """Partner accounts by filters."""
    _require_administrator(principal)
    page, following = await list_partners(session, wanted)
    return JsonAnswer({"partners": [_partner(p) for p in page], "next": following})


@router.get("/api/partners/{partner_id}")
async def partner(partner_id: str, principal: CurrentPrincipal, session: HttpSession) -> Response:
    """One partner account."""
    _require_partner_or_administrator(principal)
    found = await find_partner(session, principal, partner_id)
    return JsonAnswer(_partner(found))


@router.post("/api/partners/{partner_id}/operators")
async def new_operator(
    partner_id: str,
    new: NewOperator,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Add an operator."""
    _require_partner_or_administrator(principal)
    operator = await add_operator(session, principal, partner_id, new, now)
    return await idempotency.answer(201, _operator(operator))


@router.patch("/api/partners/{partner_id}/operators/{operator_id}")
async def changed_operator(
    partner_id: str,
    operator_id: str,
    change: ChangedOperator,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """Disable an operator or let it in again, give it other items, another role or password."""
    _require_partner_or_administrator(principal)
    operator = await change_operator(session, principal, partner_id, operator_id, change, now)
    return JsonAnswer(_operator(operator))


@router.get("/api/partners/{partner_id}/operators")
async def operators(
    partner_id: str,
    wanted: Annotated[OperatorsWanted, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The operators of a partner."""
    _require_partner_or_administrator(principal)
    page, following = await list_operators(session, principal, partner_id, wanted)
    return JsonAnswer({"operators": [_operator(o) for o in page], "next": following})


def _require_administrator(principal: Principal) -> None:
    if not principal.is_administrator:
        raise WrongPrincipalError


def _require_partner_or_administrator(principal: Principal) -> None:
    if not (principal.is_administrator or principal.is_partner):
        raise WrongPrincipalError


def _partner(partner: Partner) -> dict[str, Any]:
    manager = {"id": partner.account_manager_id, "name": partner.account_manager_name}
    return {
        "partner_id": partner.partner_id,
        "distributor_id": partner.distributor_id,
        "name": partner.name,
        "account_name": partner.account_name,
        "kind": partner.kind,
        "tier": partner.tier,
        "site": partner.site,
        "currency": partner.currency,
        "status": partner.status,
        "coupon_mode": partner.coupon_mode,
        "is_test_account": partner.is_test_account,
        "verification_enabled": partner.verification_enabled,
        "mobile": partner.mobile,
        "email": partner.email,
        "account_manager": manager if partner.account_manager_id else None,
        "joined_on": partner.joined_on,
        "version": partner.version,
    }


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        "operator_id": operator.operator_id,
        "partner_id": operator.partner_id,
        "account_name": operator.account_name,
        "name": operator.name,
        "role": operator.role,
        "permissions": operator.permissions,
        "status": operator.status,
        "added_at": operator.added_at,
        "version": operator.version,
    }
