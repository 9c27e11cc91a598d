"""The Kafka door: partner accounts, debts and orders arrive as copies."""

from chassis import copies
from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.billing import BillingArrearsCleared, BillingArrearsOpened
from contracts.order import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderExpired,
    OrderPaid,
    OrderPaymentRequested,
    OrderReviewed,
)
from contracts.partner import PartnerJoined
from customer_sync.association.keep_order import keep_order
from customer_sync.copies import Arrears, Partner
from customer_sync.customers.take_identity import NAME, take_identity

consumers = Consumers("customer_sync")


@consumers.on(PartnerJoined)
async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
    """Know the account: its kind, standing and the one above it; its login name is taken."""
    await take_identity(session, NAME, event.account_name, 1)
    await copies.keep(
        session,
        Partner,
        {
            "id": event.partner_id,
            "distributor_id": event.distributor_id,
            "kind": event.kind,
            "site": event.site,
            "currency": event.currency,
            "status": event.status,
            "is_test_account": event.is_test_account,
            "version": event.version,
        },
    )


@consumers.on(BillingArrearsOpened)
async def on_billing_arrears_opened(event: BillingArrearsOpened, session: EventSession) -> None:
    """Remember the debt."""
    await _keep_debt(session, event)


@consumers.on(BillingArrearsCleared)
async def on_billing_arrears_cleared(event: BillingArrearsCleared, session: EventSession) -> None:
    """Remember what is left of the debt."""
    await _keep_debt(session, event)


async def _keep_debt(
    session: EventSession, event: BillingArrearsOpened | BillingArrearsCleared
) -> None:
    await copies.keep(
        session,
        Arrears,
        {
            "customer_id": event.customer_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "currency": event.currency,
            "debt_amount": event.debt_amount,
            "version": event.version,
        },
    )


@consumers.on(OrderCreated)
async def on_order_created(event: OrderCreated, session: EventSession) -> None:
    """It waits for review, confirmation or payment."""
    await keep_order(session, event)


@consumers.on(OrderReviewed)
async def on_order_reviewed(event: OrderReviewed, session: EventSession) -> None:
    """It may wait for payment now."""
    await keep_order(session, event)


@consumers.on(OrderPaymentRequested)
async def on_order_payment_requested(event: OrderPaymentRequested, session: EventSession) -> None:
    """It waits for the master of its customer, too."""
    await keep_order(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """It blocks nothing any more."""
    await keep_order(session, event)


@consumers.on(OrderCompleted)
async def on_order_completed(event: OrderCompleted, session: EventSession) -> None:
    """It blocks nothing any more."""
    await keep_order(session, event)


@consumers.on(OrderCancelled)
async def on_order_cancelled(event: OrderCancelled, session: EventSession) -> None:
    """It blocks nothing any more."""
    await keep_order(session, event)


@consumers.on(OrderExpired)
async def on_order_expired(event: OrderExpired, session: EventSession) -> None:
    """It blocks nothing any more."""
    await keep_order(session, event)
