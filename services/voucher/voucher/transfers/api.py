"""The door to coupons between an enterprise master and its members."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from voucher.transfers.list_coupons_to_move import (
    ListRetrieveCoupons,
    ListTransferCoupons,
    list_retrieve_coupons,
    list_transfer_coupons,
)
from voucher.transfers.retrieve_coupon import RetrieveCoupon, retrieve_coupon
from voucher.transfers.transfer_coupon import TransferCoupon, transfer_coupon

router = Router()


@router.get("/v2/enterprises/multi-accounts/transfer-coupons")
async def transfer_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListTransferCoupons, Query()],
) -> Response:
    """list_multi_account_transfer_coupons."""
    return JsonAnswer(await list_transfer_coupons(session, principal, wanted, now))


@router.post("/v2/enterprises/multi-accounts/transfer-coupon")
async def transfer(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: TransferCoupon
) -> Response:
    """claim_enterprise_multi_account_coupon."""
    return JsonAnswer(await transfer_coupon(session, principal, wanted, now))


@router.get("/v2/enterprises/multi-accounts/retrieve-coupons")
async def retrieve_coupons(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListRetrieveCoupons, Query()],
) -> Response:
    """list_multi_account_retrieve_coupons."""
    return JsonAnswer(await list_retrieve_coupons(session, principal, wanted, now))


@router.post("/v2/enterprises/multi-accounts/retrieve-coupon")
async def retrieve(
    principal: CurrentPrincipal, session: HttpSession, now: Now, wanted: RetrieveCoupon
) -> Response:
    """reclaim_enterprise_multi_account_coupon."""
    return JsonAnswer(await retrieve_coupon(session, principal, wanted, now))
