"""The HTTP door: the vendor's coupon operations, the native API, and order's reservations."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.errors import RefusedError
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from voucher.attempts.reserve_coupons import ReserveCoupons, reserve_coupons
from voucher.coupons.create_partner_coupons import CreatePartnerCoupons, create_partner_coupons
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
from voucher.coupons.reclaim_partner_coupons import ReclaimPartnerCoupons, reclaim_partner_coupons
from voucher.ledger.prove_ledger import prove_ledger
from voucher.quotas.grant_quota import GrantQuota, grant_quota, native_quota
from voucher.quotas.list_quota_coupons import ListQuotaCoupons, list_quota_coupons
from voucher.quotas.list_quotas import ListQuotas, list_quotas

router = Router()


class ConnectedError(RefusedError):
    """In connected mode the upstream is the authority; this command is not forwarded."""

    code = "CHB.0002"


def _standalone(request: Request) -> None:
    if request.app.state.settings.connected:
        raise ConnectedError


STANDALONE = [Depends(_standalone)]
Language = Annotated[str, Header(alias="X-Language")]


@router.post("/v2/partners/coupon-quotas/query")
async def quota_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: ListQuotaCoupons | None = None,
) -> Response:
    """list_quota_coupons; no body is an empty one."""
    asked = wanted or ListQuotaCoupons()
    return JsonAnswer(await list_quota_coupons(session, principal, asked, now))


@router.post("/v2/promotions/benefits/partner-coupons", dependencies=STANDALONE)
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


@router.post("/v2/promotions/benefits/partner-coupons/reclaim", dependencies=STANDALONE)
async def reclaim_coupons(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: ReclaimPartnerCoupons
) -> Response:
    """reclaim_partner_coupons."""
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


@router.post("/api/quotas", dependencies=STANDALONE)
async def grant(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: GrantQuota,
) -> Response:
    """Grant a quota; the administrator."""
    quota = await grant_quota(session, principal, wanted, now)
    return await idempotency.answer(201, native_quota(quota, now))


@router.get("/api/quotas")
async def quotas(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListQuotas, Query()],
) -> Response:
    """Quotas; the administrator all, a partner its own and its resellers'."""
    return JsonAnswer(await list_quotas(session, principal, wanted, now))


@router.get("/api/vouchers/proof")
async def proof(principal: CurrentPrincipal, session: HttpSession, now: Now) -> Response:
    """Whether the ledger balances; the administrator."""
    return JsonAnswer(await prove_ledger(session, principal, now))


@router.post("/internal/reservations", dependencies=STANDALONE)
async def reservations(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: ReserveCoupons
) -> Response:
    """Order reserves coupons for a payment attempt."""
    return JsonAnswer(await reserve_coupons(session, principal, wanted, now))
