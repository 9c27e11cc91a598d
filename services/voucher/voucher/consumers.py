"""What voucher acts on."""

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import (
    CustomerAssociated,
    CustomerAssociationChanged,
    CustomerFrozen,
    CustomerRegistered,
    CustomerUnfrozen,
    CustomerUnlinked,
    CustomerUpdated,
    CustomerVerified,
)
from contracts.order import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderExpired,
    OrderPaid,
    OrderPaymentFailed,
    OrderPaymentRequested,
    OrderReviewed,
)
from contracts.partner import PartnerJoined
from voucher.attempts.settle_attempt import capture_attempt, release_attempt
from voucher.coupons.recall_customer_coupons import recall_customer_coupons
from voucher.coupons.return_to_quota import TYPE_SWITCHED, UNLINKED
from voucher.keep_copies import keep_customer, keep_order, keep_partner

consumers = Consumers("voucher")


@consumers.on(PartnerJoined)
async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
    """Know the partner."""
    await keep_partner(session, event)


@consumers.on(CustomerRegistered)
async def on_customer_registered(event: CustomerRegistered, session: EventSession) -> None:
    """Know the customer."""
    await keep_customer(session, event)


@consumers.on(CustomerAssociated)
async def on_customer_associated(event: CustomerAssociated, session: EventSession) -> None:
    """Coupons may be issued from now on."""
    await keep_customer(session, event)


@consumers.on(CustomerUpdated)
async def on_customer_updated(event: CustomerUpdated, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerAssociationChanged)
async def on_customer_association_changed(
    event: CustomerAssociationChanged, session: EventSession
) -> None:
    """A switch of type takes the coupons back."""
    before = await keep_customer(session, event)
    if before not in (None, event.association_type):
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, TYPE_SWITCHED, event.occurred_at
        )


@consumers.on(CustomerFrozen)
async def on_customer_frozen(event: CustomerFrozen, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerUnfrozen)
async def on_customer_unfrozen(event: CustomerUnfrozen, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerVerified)
async def on_customer_verified(event: CustomerVerified, session: EventSession) -> None:
    """Keep the copy's version."""
    await keep_customer(session, event)


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """The end of the association takes the coupons back."""
    if await keep_customer(session, event) is not None:
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, UNLINKED, event.occurred_at
        )


@consumers.on(OrderCreated)
async def on_order_created(event: OrderCreated, session: EventSession) -> None:
    """Know the order, to say which coupons it may use."""
    await keep_order(session, event)


@consumers.on(OrderReviewed)
async def on_order_reviewed(event: OrderReviewed, session: EventSession) -> None:
    """It may wait for payment now."""
    await keep_order(session, event)


@consumers.on(OrderPaymentRequested)
async def on_order_payment_requested(event: OrderPaymentRequested, session: EventSession) -> None:
    """The master's coupons may pay it."""
    await keep_order(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture."""
    await keep_order(session, event)
    paid = {use.coupon_id: use.amount for use in event.coupons}
    payer_id = event.paying_agent_id or event.customer_id
    await capture_attempt(
        session, event.attempt_id, event.order_id, payer_id, paid, event.occurred_at
    )


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release."""
    await keep_order(session, event)
    payer_id = event.paying_agent_id or event.customer_id
    await release_attempt(session, event.attempt_id, event.order_id, payer_id, event.occurred_at)


@consumers.on(OrderCompleted)
async def on_order_completed(event: OrderCompleted, session: EventSession) -> None:
    """Nothing is to pay any more."""
    await keep_order(session, event)


@consumers.on(OrderCancelled)
async def on_order_cancelled(event: OrderCancelled, session: EventSession) -> None:
    """Nothing is to pay any more."""
    await keep_order(session, event)


@consumers.on(OrderExpired)
async def on_order_expired(event: OrderExpired, session: EventSession) -> None:
    """Nothing is to pay any more."""
    await keep_order(session, event)
