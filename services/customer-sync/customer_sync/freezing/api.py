"""The HTTP door of freezing; all of it is the authority's alone."""

from typing import Annotated, Any

from fastapi import Header, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.freezing.freeze_customers import (
    Freezing,
    Refusals,
    Unfreezing,
    freeze_customers,
    unfreeze_customers,
)
from customer_sync.read_body import read_body

router = Router()
Language = Annotated[str, Header(alias="X-Language")]


@router.post("/v2/partners/sub-customers/freeze")
async def freeze(
    request: Request,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    language: Language = "",
) -> Response:
    """freeze_sub_customers."""
    wanted = await read_body(Freezing, await request.body())
    refusals = await freeze_customers(session, principal, wanted, now)
    return JsonAnswer(_details(refusals, language))


@router.post("/v2/partners/sub-customers/unfreeze")
async def unfreeze(
    request: Request,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    language: Language = "",
) -> Response:
    """unfreeze_sub_customers."""
    wanted = await read_body(Unfreezing, await request.body())
    refusals = await unfreeze_customers(session, principal, wanted, now)
    return JsonAnswer(_details(refusals, language))


def _details(refusals: Refusals, language: str) -> dict[str, Any]:
    """Nothing when all went well."""
    if not refusals:
        return {}
    return {
        "error_details": [
            {
                "id": customer_id,
                "error_code": refusal.refusal_code,
                "error_msg": refusal.message(language),
            }
            for customer_id, refusal in refusals
        ]
    }
