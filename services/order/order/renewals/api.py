"""The door to renewals."""

from fastapi import Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.parts import CurrentParts
from order.renewals.quote_renewals import QuoteRenewals, RenewalQuoteAnswer, quote_renewals
from order.renewals.renew_resources import RenewResources, renew_resources
from order.renewals.set_auto_renewal import (
    SetAutoRenewal,
    cancel_auto_renewal,
    set_auto_renewal,
)
from order.renewals.set_renew_config import SetRenewConfig, set_renew_config
from wire.types import PathId

router = Router()


@router.post("/v2/orders/subscriptions/resources/renew")
async def renew(
    wanted: RenewResources, principal: CurrentPrincipal, parts: CurrentParts, now: Now
) -> Response:
    """renewal_resources, paid in further transactions where it is wanted."""
    order = await renew_resources(
        parts.database, parts.peers, principal, wanted, now, sandbox=parts.settings.sandbox
    )
    parts.provisioning.expect(now)
    return JsonAnswer({"order_ids": [order.order_id], "fail_resource_infos": []})


@router.post("/v2/orders/subscriptions/resources/autorenew/{resource_id}")
async def auto_renew(
    resource_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    wanted: SetAutoRenewal | None = None,
) -> Response:
    """auto_renewal_resources; nothing in it is required, so it may have no body."""
    await set_auto_renewal(session, principal, resource_id, wanted or SetAutoRenewal(), now)
    return Response(status_code=204)


@router.delete("/v2/orders/subscriptions/resources/autorenew/{resource_id}")
async def stop_auto_renewing(
    resource_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """cancel_auto_renewal_resources."""
    await cancel_auto_renewal(session, principal, resource_id, now)
    return await idempotency.answer(None)


@router.post("/v2/orders/subscriptions/resources/renew/config")
async def configure(
    wanted: SetRenewConfig, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """set_resources_renew_config."""
    await set_renew_config(session, principal, wanted, now)
    return JsonAnswer({"error_code": "CBC.0000", "error_msg": "success"})


@router.post("/api/resources/renewal-quotes", response_model=RenewalQuoteAnswer)
async def quote(
    asked: QuoteRenewals,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """What a renewal would cost and until when; nothing is written."""
    found = await quote_renewals(session, parts.peers, principal, asked, now)
    return await idempotency.answer(found)
