"""The door to what moves between an enterprise master and its members."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.enterprise.list_amounts import (
    ListReclaimable,
    ShowTransferable,
    list_reclaimable,
    show_transferable,
)
from billing.enterprise.reclaim_from_member import ReclaimFromMember, reclaim_from_member
from billing.enterprise.transfer_to_member import TransferToMember, transfer_to_member
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()
_PATH = "/v2/enterprises/multi-accounts"


@router.get(f"{_PATH}/transfer-amount")
async def transferable(
    query: Annotated[ShowTransferable, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """show_multi_account_transfer_amount."""
    return JsonAnswer(await show_transferable(session, principal, query, now))


@router.get(f"{_PATH}/retrieve-amount")
async def reclaimable(
    query: Annotated[ListReclaimable, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_enterprise_multi_account."""
    return JsonAnswer(await list_reclaimable(session, principal, query, now))


@router.post(f"{_PATH}/transfer-amount")
async def transfer(
    body: TransferToMember, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """update_sub_enterprise_amount."""
    await transfer_to_member(session, principal, body, now)
    return Response(status_code=204)


@router.post(f"{_PATH}/retrieve-amount")
async def reclaim(
    body: ReclaimFromMember, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """reclaim_sub_enterprise_amount."""
    await reclaim_from_member(session, principal, body, now)
    return Response(status_code=204)
