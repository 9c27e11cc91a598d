"""Leave a new customer pending: its association comes later (docs/domain/customers.md B.2)."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.customers.models import Customer, PendingAssociation


def associate_later(
    session: AsyncSession, customer: Customer, delay_seconds: float, now: datetime
) -> None:
    """Leave the customer pending until so many seconds have passed."""
    due_at = now + timedelta(seconds=delay_seconds)
    session.add(PendingAssociation(customer_id=customer.id, due_at=due_at))
