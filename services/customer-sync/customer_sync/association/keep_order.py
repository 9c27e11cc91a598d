"""Keep what an association's end must know of orders."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from contracts.order import OrderEvent
from customer_sync.association.models import PlacedOrder


async def keep_order(session: AsyncSession, event: OrderEvent) -> None:
    """The order's status as it is now; an older fact changes nothing."""
    await copies.keep(
        session,
        PlacedOrder,
        {
            "order_id": event.order_id,
            "customer_id": event.customer_id,
            "paying_agent_id": event.paying_agent_id,
            "payment_request_id": event.payment_request_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "source_type": event.source_type,
            "status": event.status,
            "version": event.version,
        },
    )
