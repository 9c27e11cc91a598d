"""The door to changes of how resources are charged, and to the end of on-demand ones."""

from typing import Annotated

from fastapi import Header, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.conversions import shown
from order.conversions.close_resource import close_resource
from order.conversions.convert_now import ConvertNow, convert_now
from order.conversions.set_conversion import SetConversion, set_conversion
from order.parts import CurrentParts
from order.resources.native_answers import OneResourceAnswer, one_resource

router = Router()
Language = Annotated[str, Header(alias="X-Language")]


@router.post("/v2/orders/subscriptions/resources/to-on-demand")
async def set_end(
    wanted: SetConversion,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    language: Language = "",
) -> Response:
    """update_period_to_on_demand: from their end on, or not any more."""
    refused = await set_conversion(session, parts.peers, principal, wanted, now)
    return JsonAnswer({"error_details": [shown.error_detail(*one, language) for one in refused]})


@router.post("/v2/orders/subscriptions/resources/to-on-demand/instantly")
async def convert(
    wanted: ConvertNow,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    language: Language = "",
) -> Response:
    """update_period_to_on_demand_instantly: what is left of the periods goes back."""
    done = await convert_now(session, parts.peers, principal, wanted, now, parts.approvals)
    results = [shown.conversion_result(one, language) for one in done]
    return JsonAnswer({"to_ondemand_service_results": results})


@router.post("/api/resources/{resource_id}/closing", response_model=OneResourceAnswer)
async def close(
    resource_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Close an on-demand resource, and what is attached to it."""
    resource = await close_resource(session, principal, resource_id, now)
    return await idempotency.answer(one_resource(resource))
