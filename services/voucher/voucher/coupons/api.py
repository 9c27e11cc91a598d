"""The door to coupons: the vendor's operations."""

from typing import Annotated

from fastapi import Header, Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.parts import CurrentParts
from chassis.routes import Router
from voucher.coupons.activate_coupon import activate_coupon
from voucher.coupons.coupon_notes import Tried, refusals_kept
from voucher.coupons.create_partner_coupons import CreatePartnerCoupons, create_partner_coupons
from voucher.coupons.freeze_coupon import FreezeCoupon, freeze_coupon, unfreeze_coupon
from voucher.coupons.issue_vendor_coupon import IssueCoupon, issue_coupon
from voucher.coupons.list_customer_coupon_change_records import (
    ListCustomerCouponChangeRecords,
    list_customer_coupon_change_records,
)
from voucher.coupons.list_issued_partner_coupons import (
    ListIssuedPartnerCoupons,
    list_issued_partner_coupons,
)
from voucher.coupons.list_order_coupons import ListOrderCoupons, list_order_coupons
from voucher.coupons.list_partner_coupons_record import (
    ListPartnerCouponsRecord,
    list_partner_coupons_record,
)
from voucher.coupons.list_sub_customer_coupons import (
    ListSubCustomerCoupons,
    list_sub_customer_coupons,
)
from voucher.coupons.native_answers import CouponAnswer, native_coupon
from voucher.coupons.reclaim_partner_coupons import ReclaimPartnerCoupons, reclaim_partner_coupons
from wire.types import PathId

router = Router()


Language = Annotated[str, Header(alias="X-Language")]


@router.post("/v2/promotions/benefits/partner-coupons")
async def create_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: CreatePartnerCoupons,
    x_language: Language = "en_us",
) -> Response:
    """create_partner_coupons."""
    issued = await create_partner_coupons(session, principal, wanted, now)
    return JsonAnswer(issued.answer(x_language))


@router.post("/v2/promotions/benefits/partner-coupons/reclaim")
async def reclaim_coupons(
    principal: CurrentPrincipal, parts: CurrentParts, now: Now, wanted: ReclaimPartnerCoupons
) -> Response:
    """reclaim_partner_coupons; a refusal is kept by another transaction."""
    tried = Tried([wanted.coupon_id])
    async with refusals_kept(parts.database, principal, tried, now) as session:
        await reclaim_partner_coupons(session, principal, wanted, now)
    return Response(status_code=204)


@router.get("/v2/promotions/benefits/partner-coupons")
async def issued_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListIssuedPartnerCoupons, Query()],
) -> Response:
    """list_issued_partner_coupons."""
    return JsonAnswer(await list_issued_partner_coupons(session, principal, wanted, now))


@router.get("/v2/promotions/benefits/partner-coupons/records/query")
async def coupons_record(
    principal: CurrentPrincipal,
    session: HttpSession,
    wanted: Annotated[ListPartnerCouponsRecord, Query()],
) -> Response:
    """list_partner_coupons_record."""
    return JsonAnswer(await list_partner_coupons_record(session, principal, wanted))


@router.get("/v2/promotions/benefits/coupons")
async def own_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListSubCustomerCoupons, Query()],
) -> Response:
    """list_sub_customer_coupons."""
    return JsonAnswer(await list_sub_customer_coupons(session, principal, wanted, now))


@router.get("/v2/orders/customer-orders/order-coupons")
async def order_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListOrderCoupons, Query()],
) -> Response:
    """list_order_coupons_by_order_id."""
    return JsonAnswer(await list_order_coupons(session, principal, wanted, now))


@router.get("/v2/promotions/benefits/account-change-records")
async def change_records(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListCustomerCouponChangeRecords, Query()],
) -> Response:
    """list_customer_coupon_change_records."""
    return JsonAnswer(await list_customer_coupon_change_records(session, principal, wanted, now))


@router.post("/api/coupons", response_model=CouponAnswer)
async def issue(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: IssueCoupon,
) -> Response:
    """A coupon of the vendor's own; the administrator."""
    coupon = await issue_coupon(session, principal, wanted, now)
    return await idempotency.answer(native_coupon(coupon, now))


@router.post("/api/coupons/{coupon_id}/activation", response_model=CouponAnswer)
async def activation(
    coupon_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Usable from now on; its holder."""
    return await idempotency.answer(await activate_coupon(session, principal, coupon_id, now))


@router.post("/api/coupons/{coupon_id}/freezing", response_model=CouponAnswer)
async def freeze(
    coupon_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: FreezeCoupon,
) -> Response:
    """No order may take it; the administrator."""
    done = await freeze_coupon(session, principal, coupon_id, wanted, now)
    return await idempotency.answer(done)


@router.post("/api/coupons/{coupon_id}/unfreezing", response_model=CouponAnswer)
async def unfreeze(
    coupon_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: FreezeCoupon,
) -> Response:
    """Orders may take it again; the administrator."""
    done = await unfreeze_coupon(session, principal, coupon_id, wanted, now)
    return await idempotency.answer(done)
