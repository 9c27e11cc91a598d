"""The door to subscriptions: made, looked after, tested, ended."""

from typing import Annotated

from fastapi import Query, Response

from billing.parts import CurrentParts
from billing.subscriptions.native_answers import (
    DeliveriesAnswer,
    SubscriptionAnswer,
    SubscriptionsAnswer,
    native_delivery,
    native_subscription,
)
from billing.subscriptions.subscribe import (
    ListSubscriptions,
    Subscribe,
    ask_for_test,
    end_subscription,
    find_subscription,
    list_deliveries,
    list_subscriptions,
    subscribe,
)
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.post("/api/file-subscriptions", response_model=SubscriptionAnswer)
async def make(
    wanted: Subscribe,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Have a file delivered each day or each month; a test write comes first."""
    found = await subscribe(session, principal, parts.deliveries.targets, wanted, now)
    parts.deliveries.wake()
    location = {"Location": f"/api/file-subscriptions/{found.subscription_id}"}
    return await idempotency.answer(native_subscription(found), location)


@router.get("/api/file-subscriptions", response_model=SubscriptionsAnswer)
async def subscriptions(
    query: Annotated[ListSubscriptions, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The subscriptions that there are, the newest first."""
    page, following = await list_subscriptions(session, principal, query)
    shown = [native_subscription(one) for one in page]
    return JsonAnswer(SubscriptionsAnswer(subscriptions=shown, next=following))


@router.get("/api/file-subscriptions/{subscription_id}", response_model=SubscriptionAnswer)
async def show(subscription_id: str, principal: CurrentPrincipal, session: HttpSession) -> Response:
    """A subscription, the result of its test write, and its last error."""
    found = await find_subscription(session, principal, subscription_id)
    return JsonAnswer(native_subscription(found))


@router.get("/api/file-subscriptions/{subscription_id}/deliveries", response_model=DeliveriesAnswer)
async def deliveries(
    subscription_id: str,
    query: Annotated[ListSubscriptions, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The files that were due, and what became of each."""
    page, following = await list_deliveries(session, principal, subscription_id, query)
    shown = [native_delivery(one) for one in page]
    return JsonAnswer(DeliveriesAnswer(deliveries=shown, next=following))


@router.post("/api/file-subscriptions/{subscription_id}/test", response_model=SubscriptionAnswer)
async def test(
    subscription_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Make another test write."""
    found = await ask_for_test(session, principal, subscription_id, now)
    parts.deliveries.wake()
    return await idempotency.answer(native_subscription(found))


@router.delete("/api/file-subscriptions/{subscription_id}")
async def end(
    subscription_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Deliver nothing any more, and forget the bucket's secret."""
    await end_subscription(session, principal, subscription_id, now)
    return await idempotency.answer(None)
