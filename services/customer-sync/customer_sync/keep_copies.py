"""Keep what customer-sync must know of partner accounts and of debts."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from contracts.billing import ArrearsEvent
from contracts.partner import PartnerEvent
from customer_sync.copies import Arrears, Partner


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """The account as it is now; an older fact changes nothing."""
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


async def keep_arrears(session: AsyncSession, event: ArrearsEvent) -> None:
    """What the customer owes now."""
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
