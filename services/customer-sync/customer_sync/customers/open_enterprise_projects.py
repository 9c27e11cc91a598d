"""create_enterprise_project_auth: a customer opens the management of enterprise projects."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import NotFoundError
from chassis.identity import Principal
from customer_sync.customers.models import Customer, EnterpriseProjects


async def open_enterprise_projects(
    session: AsyncSession, principal: Principal, now: datetime
) -> None:
    """Open it for the calling customer; again changes nothing.

    Raises:
        NotFoundError: the customer is not known here.

    """
    customer = await session.scalar(select(Customer).where(Customer.id == principal.id))
    if customer is None:
        raise NotFoundError
    row = {
        "customer_id": customer.id,
        "partner_id": customer.partner_id,
        "distributor_id": customer.distributor_id,
        "opened_at": now,
    }
    opened = await session.execute(
        insert(EnterpriseProjects)
        .values(row)
        .on_conflict_do_nothing()
        .returning(EnterpriseProjects.customer_id)
    )
    if opened.first() is not None:
        audit.record(session, principal, "customer.open_projects", customer.id, now)
