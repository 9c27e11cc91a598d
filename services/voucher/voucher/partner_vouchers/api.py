"""The door to partner vouchers: the native API."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from voucher.partner_vouchers.grant_partner_voucher import (
    GrantPartnerVoucher,
    grant_partner_voucher,
)
from voucher.partner_vouchers.list_partner_vouchers import (
    ListPartnerVouchers,
    list_partner_vouchers,
)
from voucher.partner_vouchers.match_lines import MatchLines, rehearse_matching
from voucher.partner_vouchers.native_answers import (
    MatchedAnswer,
    PartnerVoucherAnswer,
    PartnerVouchersAnswer,
    native_voucher,
)
from voucher.partner_vouchers.settle_lines import SettleLines, settle_lines

router = Router()


@router.post("/api/partner-vouchers", response_model=PartnerVoucherAnswer)
async def grant(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: GrantPartnerVoucher,
) -> Response:
    """Give a partner a voucher; the administrator."""
    voucher = await grant_partner_voucher(session, principal, wanted, now)
    return await idempotency.answer(native_voucher(voucher, now))


@router.get("/api/partner-vouchers", response_model=PartnerVouchersAnswer)
async def vouchers(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: Annotated[ListPartnerVouchers, Query()],
) -> Response:
    """Partner vouchers; the administrator all, a partner its own and its resellers'."""
    return JsonAnswer(await list_partner_vouchers(session, principal, wanted, now))


@router.post("/api/partner-vouchers/matching", response_model=MatchedAnswer)
async def matching(
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    wanted: MatchLines,
) -> Response:
    """Which vouchers would pay for which lines, and why not the others; nothing is deducted."""
    return await idempotency.answer(await rehearse_matching(session, principal, wanted))


@router.post("/api/partner-vouchers/settlements", response_model=MatchedAnswer)
async def settlement(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
    wanted: SettleLines,
) -> Response:
    """Let the vouchers pay for the lines, once per settlement_id; the administrator."""
    return await idempotency.answer(await settle_lines(session, principal, wanted, now))
