"""The HTTP door of users' bindings; it is the authority's alone."""

from fastapi import Response

from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.saml.bind_user import BindRequest, bind_user

router = Router()


@router.post("/api/saml-bindings")
async def bind(
    wanted: BindRequest,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Bind a user of the platform to the account made for it."""
    bound = await bind_user(session, principal, wanted, now)
    answer = {
        "customer_id": bound.customer_id,
        "xuser_id": bound.xuser_id,
        "xaccount_id": bound.xaccount_id,
        "xaccount_type": bound.xaccount_type,
        "bound_at": bound.bound_at,
    }
    return await idempotency.answer(201, answer)
