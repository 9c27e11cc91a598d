"""The door to quotas: the vendor's lists, and the native API to grant and change them."""

from typing import Annotated

from fastapi import Header, Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from voucher.quotas.adjust_quota import AdjustQuota, adjust_quota
from voucher.quotas.change_quota import ChangeQuota, change_quota
from voucher.quotas.find_quota import find_quota
from voucher.quotas.grant_quota import GrantQuota, grant_quota
from voucher.quotas.list_coupon_quotas_records import (
    ListCouponQuotasRecords,
    list_coupon_quotas_records,
)
from voucher.quotas.list_issued_coupon_quotas import (
    ListIssuedCouponQuotas,
    list_issued_coupon_quotas,
)
from voucher.quotas.list_quota_coupons import ListQuotaCoupons, list_quota_coupons
from voucher.quotas.list_quotas import ListQuotas, list_quotas
from voucher.quotas.native_answers import (
    QuotaAnswer,
    QuotaPage,
    QuotasAnswer,
    native_quota,
    quota_page,
)
from voucher.quotas.reclaim_coupon_quotas import ReclaimCouponQuotas, reclaim_coupon_quotas
from voucher.quotas.show_statement import QuotaStatement, ShowStatement, show_statement
from voucher.quotas.update_coupon_quotas import UpdateCouponQuotas, update_coupon_quotas
from wire.types import PathId

router = Router()

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


@router.post("/v2/partners/coupon-quotas/indirect-partner-adjust")
async def hand_out(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: UpdateCouponQuotas,
    x_language: Language = "en_us",
) -> Response:
    """update_coupon_quotas."""
    done = await update_coupon_quotas(session, principal, wanted, now)
    return JsonAnswer(done.answer(x_language))


@router.post("/v2/partners/coupon-quotas/indirect-partner-reclaim")
async def reclaim(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: ReclaimCouponQuotas,
    x_language: Language = "en_us",
) -> Response:
    """reclaim_coupon_quotas."""
    done = await reclaim_coupon_quotas(session, principal, wanted, now)
    return JsonAnswer(done.answer(x_language))


@router.get("/v2/partners/issued-coupon-quotas")
async def issued_quotas(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListIssuedCouponQuotas, Query()],
) -> Response:
    """list_issued_coupon_quotas."""
    return JsonAnswer(await list_issued_coupon_quotas(session, principal, wanted, now))


@router.get("/v2/partners/coupon-quotas/records")
async def quotas_records(
    principal: CurrentPrincipal,
    session: HttpSession,
    wanted: Annotated[ListCouponQuotasRecords, Query()],
) -> Response:
    """list_coupon_quotas_records."""
    return JsonAnswer(await list_coupon_quotas_records(session, principal, wanted))


@router.post("/api/quotas", response_model=QuotaAnswer)
async def grant(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: GrantQuota,
) -> Response:
    """Grant a quota; the administrator."""
    quota = await grant_quota(session, principal, wanted, now)
    return await idempotency.answer(native_quota(quota, now))


@router.get("/api/quotas", response_model=QuotasAnswer)
async def quotas(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListQuotas, Query()],
) -> Response:
    """Quotas; the administrator all, a partner its own and its resellers'."""
    return JsonAnswer(await list_quotas(session, principal, wanted, now))


@router.get("/api/quotas/{quota_id}", response_model=QuotaPage)
async def quota(
    quota_id: PathId, request: Request, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """A quota, its limits in words; its owner, the distributor above, the administrator."""
    found = await find_quota(session, principal, quota_id)
    language = spoken_language(request.scope["headers"], is_ours=True)
    return JsonAnswer(quota_page(found, now, language))


@router.patch("/api/quotas/{quota_id}", response_model=QuotaAnswer)
async def change(
    quota_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: ChangeQuota,
) -> Response:
    """Change its status, limits or end; the administrator."""
    changed = await change_quota(session, principal, quota_id, wanted, now)
    return JsonAnswer(native_quota(changed, now))


@router.post("/api/quotas/{quota_id}/adjustments", response_model=QuotaAnswer)
async def adjust(
    quota_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: AdjustQuota,
) -> Response:
    """Raise or lower its value; the administrator."""
    adjusted = await adjust_quota(session, principal, quota_id, wanted, now)
    return await idempotency.answer(native_quota(adjusted, now))


@router.get("/api/quotas/{quota_id}/statement", response_model=QuotaStatement)
async def statement(
    quota_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    wanted: Annotated[ShowStatement, Query()],
) -> Response:
    """Its movements, the oldest first."""
    return JsonAnswer(await show_statement(session, principal, quota_id, wanted))
