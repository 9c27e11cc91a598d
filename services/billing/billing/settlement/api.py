"""The door to settlements: the native API."""

from fastapi.responses import Response

from billing.settlement.request_settlement import RequestSettlement, request_settlement
from billing.settlement.show_settlement import (
    SettlementAnswer,
    native_settlement,
    show_settlement,
)
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/api/settlements", response_model=SettlementAnswer)
async def request(
    wanted: RequestSettlement,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Settle a partner's month, correct it with a reason, or go on with one that failed."""
    settlement = await request_settlement(session, principal, wanted, now)
    location = {"Location": f"/api/settlements/{settlement.settlement_id}"}
    return await idempotency.answer(await native_settlement(session, settlement), location)


@router.get("/api/settlements/{settlement_id}", response_model=SettlementAnswer)
async def show(settlement_id: str, principal: CurrentPrincipal, session: HttpSession) -> Response:
    """How far a settlement is, and what came out."""
    return JsonAnswer(await show_settlement(session, principal, settlement_id))
