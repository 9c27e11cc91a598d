"""Which rules an order's pieces or its payment may have."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from order.sandbox.models import REVIEW, ProvisioningRule


async def rules_for(
    session: AsyncSession,
    at: str,
    order_id: str | None,
    customer_id: str,
    product_ids: Collection[str],
    kept: Collection[str] = (),
) -> Sequence[ProvisioningRule]:
    """The narrowest scope first, of one scope the oldest; locked, so that each use counts.

    With those that are `kept` by its pieces already.
    """
    found = await session.scalars(
        select(ProvisioningRule)
        .where(
            ProvisioningRule.at == at,
            ProvisioningRule.outcome != REVIEW,  # those are for orders that are placed
            or_(
                ProvisioningRule.order_id == order_id,
                ProvisioningRule.customer_id == customer_id,
                ProvisioningRule.product_id.in_(product_ids),
                ProvisioningRule.rule_id.in_(kept),
            ),
        )
        .order_by(ProvisioningRule.rule_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return sorted(found, key=lambda rule: (rule.breadth, rule.rule_id))


def is_silent(rule: ProvisioningRule, since: datetime, now: datetime) -> bool:
    """Whether nothing is heard yet of a piece that has had the rule since then."""
    waited = (now - since).total_seconds()
    return waited < rule.delay_seconds or (rule.outcome == "hang" and not rule.delay_seconds)
