"""The Kafka door: partner accounts and debts arrive as copies."""

from chassis import copies
from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.billing import BillingArrearsCleared, BillingArrearsOpened
from contracts.partner import PartnerJoined
from customer_sync.models import Arrears, Partner

consumers = Consumers("customer_sync")


@consumers.on(PartnerJoined)
async def on_partner_joined(event: PartnerJoined, session: EventSession) -> None:
    """Know the account: its kind, standing and the one above it."""
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
