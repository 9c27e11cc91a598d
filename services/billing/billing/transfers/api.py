"""The door to what moves between a partner's account and its customers' or resellers'."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.parts import IN_TURN
from billing.transfers.list_adjust_records import ListAdjustRecords, list_adjust_records
from billing.transfers.reclaim_from_reseller import ReclaimFromReseller, reclaim_from_reseller
from billing.transfers.reclaim_funds import ReclaimFunds, reclaim_funds
from billing.transfers.transfer_funds import TransferFunds, transfer_funds
from billing.transfers.transfer_to_reseller import TransferToReseller, transfer_to_reseller
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/v2/accounts/partner-accounts/adjust-amount", dependencies=[IN_TURN])
async def adjust_amount(
    body: TransferFunds, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """update_customer_account_amount."""
    return JsonAnswer({"transfer_id": await transfer_funds(session, principal, body, now)})


@router.post("/v2/accounts/partner-accounts/reclaim", dependencies=[IN_TURN])
async def reclaim_amount(
    body: ReclaimFunds, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """reclaim_to_partner_account."""
    return JsonAnswer({"trans_id": await reclaim_funds(session, principal, body, now)})


@router.post("/v2/accounts/partner-accounts/indirect-partner-adjust", dependencies=[IN_TURN])
async def adjust_reseller(
    body: TransferToReseller, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """update_indirect_partner_account."""
    return JsonAnswer({"transfer_id": await transfer_to_reseller(session, principal, body, now)})


@router.post("/v2/accounts/partner-accounts/indirect-partner-reclaim", dependencies=[IN_TURN])
async def reclaim_reseller(
    body: ReclaimFromReseller, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """reclaim_indirect_partner_account."""
    return JsonAnswer({"trans_id": await reclaim_from_reseller(session, principal, body, now)})


@router.get("/v3/accounts/partner-accounts/adjust-records")
async def adjust_records(
    query: Annotated[ListAdjustRecords, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_partner_adjust_records."""
    return JsonAnswer(await list_adjust_records(session, principal, query))
