"""The operators of a partner."""

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from partner.find_partner import find_partner
from partner.models import Operator
from wire.types import NativeQuery

PAGE_OPERATORS = 50
OPERATORS = "operators"
PAGE_OPERATORS_MAX = 200


class ListOperators(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    after: str | None = None
    limit: int = Field(PAGE_OPERATORS, ge=1, le=PAGE_OPERATORS_MAX)


async def list_operators(
    session: AsyncSession, principal: Principal, partner_id: str, wanted: ListOperators
) -> tuple[list[Operator], str | None]:
    """The page's operators, first added first, and the cursor of the next page.

    Raises:
        NotFoundError: no such account, or not the caller's.

    """
    partner = await find_partner(session, principal, partner_id)
    query = select(Operator).where(Operator.partner_id == partner.partner_id)
    if wanted.after is not None:
        query = query.where(Operator.operator_id > keys_after(OPERATORS, wanted.after)[0])
    query = query.order_by(Operator.operator_id).limit(wanted.limit + 1)
    found = list(await session.scalars(query))
    page = found[: wanted.limit]
    more = len(found) > wanted.limit
    return page, cursor_after(OPERATORS, page[-1].operator_id) if more else None
