"""The door to payment attempts: order's reservations."""

from fastapi import Response

from chassis.answers import JsonAnswer
from chassis.authority import STANDALONE
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal, WrongPrincipalError
from chassis.parts import CurrentParts
from chassis.routes import Router
from voucher.attempts.list_coupon_options import ListCouponOptions, list_coupon_options
from voucher.attempts.reserve_coupons import ReserveCoupons, reserve_coupons
from voucher.attempts.reserve_for_usage import ReserveForUsage, reserve_for_usage
from voucher.coupons.coupon_notes import Tried, refusals_kept

router = Router()


@router.post("/internal/reservations", dependencies=[STANDALONE])
async def reservations(
    principal: CurrentPrincipal, parts: CurrentParts, now: Now, wanted: ReserveCoupons
) -> Response:
    """Order reserves coupons for a payment attempt; a refusal is kept by another transaction."""
    coupon_ids = [coupon.coupon_id for coupon in wanted.coupons]
    tried = Tried(coupon_ids, wanted.order_id, wanted.attempt_id, wanted.customer_id)
    async with refusals_kept(parts.database, principal, tried, now) as session:
        reserved = await reserve_coupons(session, principal, wanted, now)
    return JsonAnswer(reserved)


@router.post("/internal/usage-reservations", dependencies=[STANDALONE])
async def usage_reservations(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: ReserveForUsage
) -> Response:
    """Billing reserves what coupons pay of usage."""
    if not principal.is_administrator:
        raise WrongPrincipalError
    return JsonAnswer(await reserve_for_usage(session, wanted, now))


@router.post("/internal/coupon-options")
async def coupon_options(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: ListCouponOptions
) -> Response:
    """What coupons would pay of an order at each of its prices."""
    return JsonAnswer(await list_coupon_options(session, principal, wanted, now))
