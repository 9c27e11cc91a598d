"""The history of orders: a row for each fact that was stated, in the fact's own transaction."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, object_session

from chassis.database import PRINCIPAL
from chassis.identity import Principal
from order.models import Tables
from order.orders.models import Order

SYSTEM = "system"


class OrderChange(Tables):
    """What was stated of an order, and by whom; never changed."""

    __tablename__ = "order_changes"
    __table_args__ = (Index("changes_of_order", "order_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    at: Mapped[datetime]
    event: Mapped[str]
    status: Mapped[int]  # after it
    by: Mapped[str]  # the account that acted, "administrator" or "system"
    by_operator: Mapped[str | None]  # of that account
    payer_id: Mapped[str | None]  # who was to pay in the customer's place
    code: Mapped[str | None]  # why a payment failed
    detail: Mapped[str | None]


def note_change(
    order: Order, event: str, now: datetime, *, code: str | None, detail: str | None
) -> None:
    """Keep the fact that is being stated; it stays if and only if the transaction commits."""
    session = object_session(order)
    assert session is not None, "a fact is stated of a stored order"
    by, by_operator = _actor(session.info.get(PRINCIPAL))
    session.add(
        OrderChange(
            order_id=order.order_id,
            partner_id=order.partner_id,
            distributor_id=order.distributor_id,
            at=now,
            event=event,
            status=order.status,
            by=by,
            by_operator=by_operator,
            payer_id=order.payer_id,
            code=code,
            detail=detail,
        )
    )


def _actor(principal: Principal | None) -> tuple[str, str | None]:
    """The account and its operator; a partner that acts for a customer is named, not the other."""
    if principal is None:
        return SYSTEM, None
    if principal.is_administrator:
        return principal.kind, None
    return principal.acting_for_partner or principal.id, principal.operator_id
