"""What an enterprise puts in the way of unlinking or switching a customer (domain.md B.3)."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.enterprise.models import Member
from customer_sync.models import Customer


async def find_enterprise_blockers(session: AsyncSession, customer: Customer) -> list[str]:
    """What stands in the way, in words; nothing when nothing does.

    The customer's row is locked: its master makes it no member, and it makes none, meanwhile.
    """
    found: list[str] = []
    if customer.enterprise_master_id is not None and not customer.financial_custody:
        found.append("enterprise_master: an independent member must leave it first")
    if not customer.is_enterprise_master:
        return found
    independent = await session.scalar(
        select(func.count())
        .select_from(Member)
        .join(Customer, Customer.id == Member.customer_id)
        .where(
            Member.master_id == customer.id,
            Customer.enterprise_master_id == customer.id,
            ~Customer.financial_custody,
        )
    )
    if independent:
        found.append(f"independent_members: the enterprise master has {independent}")
    return found
