"""The door to the coupons' whys: which rule refuses, what became of one, why it is as it is."""

from fastapi import Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from voucher.whys.explain_coupon import CouponExplanation, explain_coupon
from voucher.whys.show_history import CouponHistory, show_history
from voucher.whys.validate_coupons import CouponValidation, ValidateCoupons, validate_coupons
from wire.types import PathId

router = Router()


@router.post("/api/coupons/validations", response_model=CouponValidation)
async def validations(
    request: Request,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: ValidateCoupons,
) -> Response:
    """Which of the coupons would pay what, and every rule that was asked; nothing is written."""
    language = spoken_language(request.scope["headers"], is_ours=True)
    found = await validate_coupons(session, principal, wanted, now, language)
    return await idempotency.answer(found)


@router.get("/api/coupons/{coupon_id}/history", response_model=CouponHistory)
async def history(coupon_id: PathId, principal: CurrentPrincipal, session: HttpSession) -> Response:
    """All that became of it, refusals too."""
    return JsonAnswer(await show_history(session, principal, coupon_id))


@router.get("/api/coupons/{coupon_id}/explanation", response_model=CouponExplanation)
async def explanation(
    coupon_id: PathId, request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Why it is what it is now."""
    language = spoken_language(request.scope["headers"], is_ours=True)
    return JsonAnswer(await explain_coupon(session, principal, coupon_id, now, language))
