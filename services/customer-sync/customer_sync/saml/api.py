"""The HTTP door of users' bindings; it is the authority's alone."""

from datetime import datetime

from fastapi import Response

from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.saml.bind_user import BindUser, bind_user
from wire.native import NativeAnswer

router = Router()


class BindingAnswer(NativeAnswer):
    """A user of the platform, and the account that it has here."""

    customer_id: str
    xuser_id: str
    xaccount_id: str
    xaccount_type: str
    bound_at: datetime


@router.post("/api/saml-bindings", response_model=BindingAnswer)
async def bind(
    wanted: BindUser,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Bind a user of the platform to the account made for it."""
    bound = await bind_user(session, principal, wanted, now)
    return await idempotency.answer(BindingAnswer.of(bound))
