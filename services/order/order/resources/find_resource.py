"""One resource, and what became of it, for the native API."""

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from order.orders.find_order import visible_with_resellers
from order.resources.models import Resource, ResourceHistory
from wire.types import NativeQuery

PAGE_MAX = 100  # facts
DIGITS_MAX = 18  # of a number that the database knows
HISTORY = "resource-history"


class ResourceNotFoundError(NotFoundError):
    """There is no such resource for the caller: the same whether or not it exists."""


class ListHistory(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    after: str | None = None
    limit: int = Field(default=50, ge=1, le=PAGE_MAX)


async def find_resource(session: AsyncSession, principal: Principal, resource_id: str) -> Resource:
    """The resource with the periods that are paid for.

    Raises:
        ResourceNotFoundError: the caller sees none.

    """
    resource = await session.scalar(
        select(Resource).where(
            Resource.resource_id == resource_id, visible_with_resellers(principal, Resource)
        )
    )
    if resource is None:
        raise ResourceNotFoundError
    return resource


async def list_history(
    session: AsyncSession, principal: Principal, resource_id: str, query: ListHistory
) -> tuple[Sequence[ResourceHistory], str | None]:
    """A page of its facts, the earliest first, and what to ask the next one after.

    Raises:
        ResourceNotFoundError: the caller sees no such resource.

    """
    await find_resource(session, principal, resource_id)
    number = 0
    if query.after:
        number = _number(keys_after(HISTORY, query.after)[0])
    rows = (
        await session.scalars(
            select(ResourceHistory)
            .where(ResourceHistory.resource_id == resource_id, ResourceHistory.number > number)
            .order_by(ResourceHistory.number)
            .limit(query.limit + 1)
        )
    ).all()
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return page, cursor_after(HISTORY, str(page[-1].number)) if more else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise BadFieldError("after", "not a cursor of this list")
    return int(text)
