"""What an administrator wants to see happen to orders that are paid or provisioned."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from order.models import Tables

PROVISIONING, PAYMENT = "provisioning", "payment"
SUCCEED, FAIL, HANG, REVIEW = "succeed", "fail", "hang", "review"


class ProvisioningRule(Tables):
    """A rehearsed outcome for the pieces or payments of one order, customer or product."""

    __tablename__ = "provisioning_rules"
    __table_args__ = (
        Index("rules_of_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("rules_of_customer", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("rules_of_product", "product_id", postgresql_where=text("product_id IS NOT NULL")),
    )

    rule_id: Mapped[str] = mapped_column(primary_key=True)
    # Its scope: exactly one of the three.
    order_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    product_id: Mapped[str | None]
    at: Mapped[str]  # provisioning | payment
    outcome: Mapped[str]  # succeed | fail | hang | review
    delay_seconds: Mapped[int]
    code: Mapped[str | None]  # of a failure
    times: Mapped[int | None]  # pieces, payments or reviews it is good for; none: all
    used: Mapped[int]
    created_at: Mapped[datetime]

    @property
    def is_left(self) -> bool:
        """Whether it is good for one more."""
        return self.times is None or self.used < self.times

    @property
    def breadth(self) -> int:
        """0 for an order, 1 for a customer, 2 for a product: the narrowest scope wins."""
        scopes = (self.order_id, self.customer_id, self.product_id)
        return next(place for place, scope in enumerate(scopes) if scope is not None)

    def is_about(self, product_id: str) -> bool:
        """Whether it is for a piece of this product, of an order that it is for."""
        return self.product_id in (None, product_id)

    def use(self) -> None:
        """One more piece or payment has it."""
        self.used += 1
