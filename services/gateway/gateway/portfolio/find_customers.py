"""Search over the whole portfolio: any combination of filters, sorted and counted.

What few match is gathered by the filters' indexes and then sorted; what many match is soon met
along the order's own index. So neither looks at more than some thousands of a million rows, and the
count is exact up to a bound, unless the caller wants it exactly.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, null, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.errors import BadFieldError
from chassis.folding import fold_name
from chassis.identity import Principal
from contracts.customer import Customer
from gateway.portfolio.freshness import customer_stale_since, portfolio_freshness
from gateway.portfolio.models import CustomerRow, ResourceRow, Tenant, VisibleCustomer
from gateway.portfolio.search_conditions import (
    CustomerSearch,
    Row,
    by_index,
    conditions,
    consumption,
)
from gateway.portfolio.search_order import SearchOrder
from wire.times import cycle_of

COUNTED_MAX = 1_000  # customers
# Rows that are read along the sort index for each row of the page; a filter that fills the page
# within them counts as frequent.
FIRST_ROWS = 10
WALK_ROWS_MAX = 5_000  # rows along the sort index, for a page of a frequent filter
SMALL_MAX = 5_000  # customers of a portfolio that is looked through whole
RESOURCES_MAX = 3 * COUNTED_MAX  # looked through for customers of whom something expires


async def find_customers(
    session: AsyncSession, principal: Principal, search: CustomerSearch, now: datetime
) -> dict[str, Any]:
    """A page of customers, how many match in all, and the cursor of the next page.

    Where `count_is_exact` is false, more than `count` match. `as_of` and `stale_since` are as in
    `portfolio.freshness`; of the answer: one parked key may be missing in it, or be in it wrongly.
    Consumption is that of the bill cycle which `now` lies in, Beijing time.

    Raises:
        BadFieldError: the cursor is not one of ours, or belongs to another order; or nothing is
            left of the name when it is folded.

    """
    if search.name is not None:
        search = search.model_copy(update={"name": await _folded(session, search.name)})
    freshness = await portfolio_freshness(session, principal)
    query = _Query(
        session, principal, search, now, some_are_stale=freshness.stale_since is not None
    )
    rows = await query.page()
    more = len(rows) > search.limit
    rows = rows[: search.limit]
    answer: dict[str, Any] = {
        "next": query.order.cursor(rows[-1]) if more else None,
        **freshness.told(),
    }
    if search.count:
        number = await query.count()
        answer["count"] = COUNTED_MAX if number is None else number
        answer["count_is_exact"] = number is not None
    for row in rows:
        row.pop("sort_value")
    return {"customers": rows, **answer}


async def _folded(session: AsyncSession, name: str) -> str:
    folded = await fold_name(session, name)
    if not folded:
        raise BadFieldError("name", "nothing but characters without a width")
    return folded


@dataclass(frozen=True)
class _Matches:
    """How many match, at most one more than are counted; the ids of their page, in order.

    The page is right when they are all there.
    """

    number: int
    ids: list[str]
    is_all: bool


class _Query:
    """One search, asked in the ways that suit rare and frequent matches."""

    def __init__(
        self,
        session: AsyncSession,
        principal: Principal,
        search: CustomerSearch,
        now: datetime,
        *,
        some_are_stale: bool,
    ):
        self.order = SearchOrder(search, cycle_of(now))
        self._session = session
        self._search = search
        self._now = now
        self._some_are_stale = some_are_stale
        self._owned = _owned(principal, ResourceRow)
        self._visible = and_(VisibleCustomer.version > 0, _owned(principal, VisibleCustomer))
        self._matches: _Matches | None = None
        self._seems_frequent = False

    async def page(self) -> list[dict[str, Any]]:
        """In order; a row more than the page has says that another page follows."""
        rows = await self._page_along_the_order((self._search.limit + 1) * FIRST_ROWS)
        if rows is not None:
            self._seems_frequent = len(rows) > self._search.limit
            if not self._seems_frequent and self._search.after is None:
                self._matches = _Matches(len(rows), [], is_all=True)
            return rows
        matches = await self._gather_some()
        if not matches.is_all:
            rows = await self._page_along_the_order(WALK_ROWS_MAX)
            if rows is not None:
                return rows
            matches = await self._gather_all()
        row = VisibleCustomer
        return await self._read(row, self._visible & row.customer_id.in_(matches.ids))

    async def count(self) -> int | None:
        """How many match, after the page; None when they are more than are counted."""
        if self._matches is None and not self._seems_frequent:
            await self._gather_some()
        if self._matches and self._matches.is_all:
            return self._matches.number
        if self._search.count == "exact":
            return (await self._gather_all()).number
        everybody, number = await self._count_as_they_lie()
        if everybody <= SMALL_MAX:
            return number
        if number > COUNTED_MAX:
            return None
        matches = self._matches or await self._gather_some()
        return matches.number if matches.is_all else None

    async def _page_along_the_order(self, rows_max: int) -> list[dict[str, Any]] | None:
        """The page, if the next rows of the order have it."""
        found: list[dict[str, Any]] = []
        for part in self.order.parts(self._visible):
            stretch = part.limit(rows_max).subquery()
            row = aliased(CustomerRow, stretch, adapt_on_names=True)
            found += await self._read(row, conditions(row, self._search, self._now))
            if len(found) > self._search.limit:
                return found
            seen = select(func.count()).select_from(stretch)
            if await self._session.scalar(seen) == rows_max:
                return None
        return found

    async def _count_as_they_lie(self) -> tuple[int, int]:
        """How many customers there are at all, and how many of them match, up to some thousands.

        Without an index: it would list all who have a text, before the first one is counted.
        """
        some = select(VisibleCustomer).where(self._visible).limit(SMALL_MAX + 1).subquery()
        row = aliased(CustomerRow, some, adapt_on_names=True)
        matching = conditions(row, self._search, self._now)
        numbers = select(func.count(), func.count().filter(matching)).select_from(some)
        everybody, number = (await self._session.execute(numbers)).one()
        return everybody, number

    async def _gather_all(self) -> _Matches:
        """All who match, however long it takes."""
        self._matches = await self._gather(None, None)
        return self._matches

    async def _gather_some(self) -> _Matches:
        """So many of those who match as are counted; all, if they are no more."""
        matches = await self._gather(COUNTED_MAX + 1, RESOURCES_MAX)
        if matches.is_all and self._search.expires_within_days is not None:
            # Other resources may lead to more of them.
            matches = await self._gather(COUNTED_MAX + 1, None)
        self._matches = matches
        return matches

    async def _gather(self, limit: int | None, resources_max: int | None) -> _Matches:
        row = VisibleCustomer
        ending = select(ResourceRow.customer_id, ResourceRow.partner_id).where(self._owned)
        wanted = by_index(row, self._search, self._now, ending.limit(resources_max))
        matches = (
            select(row.customer_id, self.order.value(row).label("value"))
            .where(self._visible, wanted)
            .limit(limit)
            .cte("matches")
            .prefix_with("MATERIALIZED")
        )
        place = (matches.c.value, matches.c.customer_id)
        page = select(matches.c.customer_id).where(self.order.beyond(*place))
        page = page.order_by(*self.order.directed(*place)).limit(self._search.limit + 1)
        counted = select(func.count()).select_from(matches).scalar_subquery()
        found = await self._session.execute(select(counted, func.array(page.scalar_subquery())))
        number, ids = found.one()
        return _Matches(number, ids, is_all=limit is None or number < limit)

    async def _read(self, row: Row, wanted: ColumnElement[bool]) -> list[dict[str, Any]]:
        stale_since = customer_stale_since(row.customer_id) if self._some_are_stale else null()
        columns = [
            *_shown(row, self._now),
            stale_since.label("stale_since"),
            self.order.value(row).label("sort_value"),
        ]
        key = (self.order.value(row), row.customer_id)
        page = select(*columns).where(wanted).order_by(*self.order.directed(*key))
        found = await self._session.execute(page.limit(self._search.limit + 1))
        return [dict(each) for each in found.mappings()]


def _owned(principal: Principal, row: type[Tenant]) -> ColumnElement[bool]:
    """The query's own wall; row-level security is the second."""
    if principal.is_administrator:
        return true()
    own: ColumnElement[bool] = row.partner_id == principal.id
    if principal.kind == "distributor":
        return or_(own, row.distributor_id == principal.id)
    return own


def _shown(row: Row, now: datetime) -> list[ColumnElement[Any]]:
    next_expiry = (
        select(func.min(ResourceRow.expire_at))
        .where(ResourceRow.customer_id == row.customer_id, ResourceRow.expire_at >= now)
        .scalar_subquery()
    )
    customer: list[Any] = [getattr(row, name) for name in Customer.model_fields]
    return [
        *customer,
        row.debt_amount,
        row.as_of.label("changed_at"),
        consumption(row, cycle_of(now)).label("consumption_this_month"),
        next_expiry.label("next_expiry"),
    ]
