"""What somebody must approve before it goes on (docs/domain/orders.md B.5)."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Text, func, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from order.settings import OrderSettings


@dataclass(frozen=True, slots=True)
class Approvals:
    """Large refunds, by a setting; and in a sandbox the orders that a rule sends to a review."""

    refund_from: Decimal | None = None  # a refund of so much or more; none: no refund is held
    has_rules: bool = False

    @staticmethod
    def of(settings: OrderSettings) -> "Approvals":
        """As the service is set."""
        return Approvals(settings.refund_approval_from, settings.sandbox)

    def holds(self, amount: Decimal) -> bool:
        """Whether a refund of so much waits for an administrator."""
        return self.refund_from is not None and amount >= self.refund_from

    async def wants_review(
        self, session: AsyncSession, customer_id: str, product_ids: Collection[str]
    ) -> bool:
        """Whether a rule says that an order about these products is reviewed; it is used by that.

        No tenant sees rules, so that the database is asked by a function of their owner.
        """
        if not self.has_rules:
            return False
        products = array(sorted(product_ids), type_=Text)
        taken = select(func.take_review_rule(customer_id, products))
        return bool(await session.scalar(taken))


NOTHING = Approvals()
"""Nothing waits: what the system gives back, and what is only tried."""
