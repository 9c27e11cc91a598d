"""The door to what moves between a partner's account and its customers'."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.accounts.find_parties import acting_partner_id
from billing.transfers.list_adjust_records import AdjustRecordsQuery, list_adjust_records
from billing.transfers.reclaim_funds import reclaim_funds
from billing.transfers.transfer_funds import transfer_funds
from chassis import audit
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from wire.types import Amount, Id, WireRequest

router = Router()


class AdjustAmount(WireRequest, operation="update_customer_account_amount"):
    """The body of update_customer_account_amount."""

    customer_id: Id
    amount: Amount
    indirect_partner_id: str | None = None


class ReclaimAmount(WireRequest, operation="reclaim_to_partner_account"):
    """The body of reclaim_to_partner_account."""

    customer_id: Id
    amount: Amount
    indirect_partner_id: str | None = None


@router.post("/v2/accounts/partner-accounts/adjust-amount")
async def adjust_amount(
    body: AdjustAmount, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """update_customer_account_amount."""
    partner_id = await acting_partner_id(session, principal, body.indirect_partner_id, waiting=True)
    transfer_id = await transfer_funds(session, partner_id, body.customer_id, body.amount, now)
    audit.record(
        session, principal, "transfer_funds", body.customer_id, now, amount=str(body.amount)
    )
    return JsonAnswer({"transfer_id": transfer_id})


@router.post("/v2/accounts/partner-accounts/reclaim")
async def reclaim_amount(
    body: ReclaimAmount, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """reclaim_to_partner_account."""
    partner_id = await acting_partner_id(session, principal, body.indirect_partner_id, waiting=True)
    trans_id = await reclaim_funds(session, partner_id, body.customer_id, body.amount, now)
    audit.record(
        session, principal, "reclaim_funds", body.customer_id, now, amount=str(body.amount)
    )
    return JsonAnswer({"trans_id": trans_id})


@router.get("/v3/accounts/partner-accounts/adjust-records")
async def adjust_records(
    query: Annotated[AdjustRecordsQuery, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_partner_adjust_records."""
    return JsonAnswer(await list_adjust_records(session, principal, query))
