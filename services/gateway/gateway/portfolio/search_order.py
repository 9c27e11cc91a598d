"""The order of a search's answer: along which indexes it lies, and the place where a page ends."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, true, tuple_
from sqlalchemy.sql import literal

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from gateway.portfolio.models import VisibleCustomer
from gateway.portfolio.search_conditions import (
    CustomerSearch,
    Row,
    age,
    age_between,
    amount_between,
    consumption,
)
from wire.times import parse_native_instant

_is_amount = re.compile(r"-?\d{1,20}(\.\d{1,10})?", re.ASCII).fullmatch


class SearchOrder:
    """How a search sorts, and after which customer its page begins.

    Raises:
        BadFieldError: the cursor is not one of ours, or belongs to another order.

    """

    def __init__(self, search: CustomerSearch, cycle: str):
        self._search, self._cycle = search, cycle
        self._sort, self._order = search.sort, search.order
        self._after = None if search.after is None else self._read_cursor(search.after)

    def value(self, row: Row) -> ColumnElement[Any]:
        """What is sorted by, before the customer's id."""
        if self._sort == "consumption":
            return consumption(row, self._cycle)
        if self._sort == "associated_on":
            return age(row)
        found: ColumnElement[Any] = getattr(row, self._sort)
        return found

    def directed(self, *keys: Any) -> list[ColumnElement[Any]]:
        """For ORDER BY."""
        return [key.asc() if self._order == "asc" else key.desc() for key in keys]

    def beyond(self, value: Any, customer_id: Any) -> ColumnElement[bool]:
        """Whether a row with these comes after the cursor."""
        if self._after is None:
            return true()
        key, at = tuple_(value, customer_id), tuple_(*self._after)
        return key > at if self._order == "asc" else key < at

    def parts(self, wanted: ColumnElement[bool]) -> list[Select[Any]]:
        """The rows after the cursor that are wanted, each part in the order of an index.

        One part follows the other. By consumption they are who has some this month, who has none,
        and whose refunds outweigh it. What the search asks of the order's own value is heeded.
        """
        row: Row = VisibleCustomer
        rows = select(row).where(wanted)
        if self._sort == "associated_on":
            rows = rows.where(age_between(row, self._search))
        if self._sort != "consumption":
            key = (self.value(row), row.customer_id)
            return [rows.where(self.beyond(*key)).order_by(*self.directed(*key))]
        amount = (row.consumption_amount, row.customer_id)
        this_month = rows.where(
            row.consumption_cycle == self._cycle,
            amount_between(row.consumption_amount, self._search),
            self.beyond(*amount),
        ).order_by(*self.directed(*amount))
        other_month = row.consumption_cycle.is_distinct_from(self._cycle)
        found = [
            this_month.where(row.consumption_amount > 0),
            rows.where(
                or_(other_month, row.consumption_amount == 0),
                amount_between(literal(0), self._search),
                self._beyond_among_none(row),
            ).order_by(*self.directed(row.customer_id)),
            this_month.where(row.consumption_amount < 0),
        ]
        return found[::-1] if self._order == "asc" else found

    def cursor(self, last: dict[str, Any]) -> str:
        """The place after a row, for the next page."""
        value = last["sort_value"]
        if isinstance(value, datetime):
            told = value.isoformat()
        else:
            told = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return cursor_after(self._name, told, last["customer_id"])

    def _beyond_among_none(self, row: Row) -> ColumnElement[bool]:
        """The cursor's place among those who have all consumed nothing."""
        if self._after is None:
            return true()
        value, customer_id = self._after
        ascending = self._order == "asc"
        if value != 0:
            return true() if (value < 0) == ascending else false()
        key, at = tuple_(row.customer_id), tuple_(customer_id)
        return key > at if ascending else key < at

    @property
    def _name(self) -> str:
        """A cursor belongs to one order of the list."""
        return f"customers:{self._sort}:{self._order}"

    def _read_cursor(self, cursor: str) -> list[Any]:
        told, customer_id = keys_after(self._name, cursor, 2)
        try:
            if self._sort == "associated_on":
                return [parse_native_instant(told), customer_id]
            if self._sort == "consumption":
                return [_amount(told), customer_id]
        except ValueError as error:
            raise BadFieldError("after", "not a cursor of this search") from error
        return [told, customer_id]


def _amount(told: str) -> Decimal:
    if not _is_amount(told):
        raise ValueError("not an amount")
    return Decimal(told)
