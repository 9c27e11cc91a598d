"""The door to what became of an order, and to what may be done with it."""

from fastapi import Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag, tagged
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from order.history.native_answers import (
    OrderActionsAnswer,
    OrderHistoryAnswer,
    native_action,
    native_history,
)
from order.history.show_actions import show_actions
from order.history.show_history import show_history

router = Router()


@router.get("/api/orders/{order_id}/history", response_model=OrderHistoryAnswer)
async def history(
    request: Request, order_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """What became of the order, by whom, failed payments included."""
    found = await show_history(session, principal, order_id)
    return tagged(request, native_history(found), etag(found.order.version))


@router.get("/api/orders/{order_id}/actions", response_model=OrderActionsAnswer)
async def actions(
    request: Request, order_id: str, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """What may be done with the order now, and why not."""
    found = await show_actions(session, principal, order_id, now)
    language = spoken_language(request.scope["headers"], is_ours=True)
    shown = [native_action(action, language) for action in found]
    return JsonAnswer(OrderActionsAnswer(order_id=order_id.upper(), as_of=now, actions=shown))
