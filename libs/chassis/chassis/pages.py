"""What counted lists share: a time filter, filters of equality, a page with its total."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from wire.times import next_second


def between(column: Any, begin: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """A time filter in whole seconds, exclusive on both ends (docs/domain/wire-protocol.md D.5)."""
    found: list[ColumnElement[bool]] = []
    if begin is not None:
        found.append(column >= next_second(begin))
    if end is not None:
        found.append(column < end)
    return found


def equal(pairs: Mapping[Any, Any]) -> list[ColumnElement[bool]]:
    """Column → value; None does not filter."""
    return [column == value for column, value in pairs.items() if value is not None]


async def counted_page(
    session: AsyncSession, wanted: Select[Any], limit: int, offset: int
) -> tuple[int, Sequence[Row[Any]]]:
    """How many there are, and the rows from `offset` on; `wanted` is already ordered."""
    counted = select(func.count()).select_from(wanted.order_by(None).subquery())
    total = await session.scalar(counted) or 0
    rows = await session.execute(wanted.limit(limit).offset(offset))
    return total, rows.all()
