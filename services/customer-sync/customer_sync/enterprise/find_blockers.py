"""What an enterprise puts in the way of unlinking or switching a customer.

See docs/domain/association.md B.3.
"""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.customers.models import Customer
from customer_sync.enterprise.models import Member


class Blocker(NamedTuple):
    """What stands in the way, in both languages."""

    en: str
    zh: str


async def find_enterprise_blockers(session: AsyncSession, customer: Customer) -> list[Blocker]:
    """What stands in the way; nothing when nothing does.

    The customer's row is locked: its master makes it no member, and it makes none, meanwhile.
    """
    found: list[Blocker] = []
    if customer.enterprise_master_id is not None and not customer.financial_custody:
        found.append(
            Blocker(
                "enterprise_master: an independent member must leave it first",
                "企业主账号：财务独立企业子账号须先与其解除关联",
            )
        )
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
        found.append(
            Blocker(
                f"independent_members: the enterprise master has {independent}",
                f"财务独立企业子账号：该企业主账号下有 {independent} 个",
            )
        )
    return found
