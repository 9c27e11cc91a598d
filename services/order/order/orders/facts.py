"""Order's events, made from its rows: each carries the whole state after the fact."""

from datetime import datetime
from typing import Any, TypeVar

from contracts.order import OrderEvent
from contracts.order import OrderLine as LineOfEvent
from order.orders.models import Order, OrderLine

Fact = TypeVar("Fact", bound=OrderEvent)

_OF_THE_EVENT = {"event_id", "occurred_at", "restated", "lines"}
_SAME_IN_ORDER = [name for name in OrderEvent.model_fields if name not in _OF_THE_EVENT]


def order_fact(contract: type[Fact], order: Order, now: datetime, **more: Any) -> Fact:
    """An event about the order as it is now; `more` are the contract's own fields."""
    state = {name: getattr(order, name) for name in _SAME_IN_ORDER}
    lines = [_line(line) for line in order.lines]
    return contract(occurred_at=now, lines=lines, **state, **more)


def _line(line: OrderLine) -> LineOfEvent:
    return LineOfEvent(**{name: getattr(line, name) for name in LineOfEvent.model_fields})
