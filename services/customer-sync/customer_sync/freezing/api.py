"""The HTTP door of freezing; all of it is the authority's alone."""

from typing import Annotated, Any

from fastapi import Header, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.freezing.freeze_customers import (
    FreezeCustomers,
    Refusals,
    UnfreezeCustomers,
    freeze_customers,
    unfreeze_customers,
)

router = Router()
Language = Annotated[str, Header(alias="X-Language")]


@router.post("/v2/partners/sub-customers/freeze")
async def freeze(
    wanted: FreezeCustomers,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    language: Language = "",
) -> Response:
    """freeze_sub_customers."""
    refusals = await freeze_customers(session, principal, wanted, now)
    return JsonAnswer(_details(refusals, language))


@router.post("/v2/partners/sub-customers/unfreeze")
async def unfreeze(
    wanted: UnfreezeCustomers,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    language: Language = "",
) -> Response:
    """unfreeze_sub_customers."""
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
