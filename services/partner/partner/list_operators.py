"""The operators of a partner."""

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from partner.find_partner import find_partner
from partner.models import Operator
from wire.types import WireQuery

PAGE_OPERATORS = 50
PAGE_OPERATORS_MAX = 200


class OperatorsWanted(WireQuery):
    """The page; `after` is the `next_after` of the page before."""

    after: str | None = Field(None, max_length=64)
    limit: int = Field(PAGE_OPERATORS, ge=1, le=PAGE_OPERATORS_MAX)


async def list_operators(
    session: AsyncSession, principal: Principal, partner_id: str, wanted: OperatorsWanted
) -> tuple[list[Operator], str | None]:
    """The page's operators, first added first, and after which id the next page starts.

    Raises:
        NotFoundError: no such account, or not the caller's.

    """
    partner = await find_partner(session, principal, partner_id)
    query = select(Operator).where(Operator.partner_id == partner.partner_id)
    if wanted.after is not None:
        query = query.where(Operator.operator_id > wanted.after)
    query = query.order_by(Operator.operator_id).limit(wanted.limit + 1)
    found = list(await session.scalars(query))
    page = found[: wanted.limit]
    return page, page[-1].operator_id if len(found) > wanted.limit else None
