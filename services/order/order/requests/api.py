"""The door to requests of customers to their partner to pay an order."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.parts import CurrentParts
from order.requests.list_requests import ListRequests, list_requests
from order.requests.native_answers import (
    PaymentRequestAnswer,
    PaymentRequestsAnswer,
    listed_request,
    native_request,
)
from order.requests.pay_request import pay_request
from order.requests.reject_request import RejectRequest, reject_request
from order.requests.request_payment import request_payment
from order.requests.withdraw_request import withdraw_request

router = Router()


async def _turn(parts: CurrentParts) -> AsyncIterator[None]:
    """Such a payment takes two connections for a moment: a few at once leave the pool its own."""
    async with parts.two_connections:
        yield


@router.post("/api/orders/{order_id}/payment-request", response_model=PaymentRequestAnswer)
async def ask(
    order_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Ask the partner to pay the order."""
    request = await request_payment(session, principal, order_id, now)
    return await idempotency.answer(native_request(request))


@router.delete("/api/orders/{order_id}/payment-request")
async def withdraw(
    order_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Do not ask the partner any more."""
    await withdraw_request(session, principal, order_id, now)
    return await idempotency.answer(None)


@router.get("/api/payment-requests", response_model=PaymentRequestsAnswer)
async def requests(
    wanted: Annotated[ListRequests, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """Requests by customer, order and status."""
    page, following = await list_requests(session, principal, wanted)
    shown = [listed_request(one) for one in page]
    return JsonAnswer(PaymentRequestsAnswer(payment_requests=shown, next=following))


@router.post(
    "/api/payment-requests/{request_id}/pay",
    response_model=PaymentRequestAnswer,
    dependencies=[Depends(_turn, scope="function")],
)
async def pay(
    request_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Pay the order that the customer asked to be paid."""
    request, due = await pay_request(
        parts.database,
        session,
        parts.peers,
        principal,
        request_id,
        now,
        sandbox=parts.settings.sandbox,
    )
    parts.provisioning.expect(due)
    return await idempotency.answer(native_request(request))


@router.post("/api/payment-requests/{request_id}/reject", response_model=PaymentRequestAnswer)
async def reject(
    request_id: str,
    rejection: RejectRequest,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Do not pay the order that the customer asked to be paid."""
    request = await reject_request(session, principal, request_id, rejection, now)
    return await idempotency.answer(native_request(request))
