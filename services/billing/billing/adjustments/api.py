"""The door to adjustments of bills."""

from fastapi.responses import Response

from billing.adjustments.make_adjustment import MakeAdjustment, make_adjustment
from billing.adjustments.native_answers import AdjustmentAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/api/adjustments", response_model=AdjustmentAnswer)
async def adjustments(
    body: MakeAdjustment,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Compensate a customer for a line of its bill, or charge it more."""
    line = await make_adjustment(session, principal, body, now)
    return await idempotency.answer(AdjustmentAnswer.of(line))
