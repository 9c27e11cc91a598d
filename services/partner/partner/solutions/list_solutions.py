"""The solutions of a partner, and one of them."""

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.errors import NotFoundError
from chassis.identity import Principal
from partner.find_partner import find_partner
from partner.solutions.models import Solution
from wire.types import NativeQuery

SOLUTIONS = "solutions"
PAGE_SOLUTIONS = 50
PAGE_SOLUTIONS_MAX = 200


class ListSolutions(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    after: str | None = None
    limit: int = Field(PAGE_SOLUTIONS, ge=1, le=PAGE_SOLUTIONS_MAX)


async def list_solutions(
    session: AsyncSession, principal: Principal, partner_id: str, wanted: ListSolutions
) -> tuple[list[Solution], str | None]:
    """The page's solutions, first added first, and the cursor of the next page.

    Raises:
        NotFoundError: no such account, or not the caller's.

    """
    partner = await find_partner(session, principal, partner_id)
    query = select(Solution).where(Solution.partner_id == partner.partner_id)
    if wanted.after is not None:
        query = query.where(Solution.solution_id > keys_after(SOLUTIONS, wanted.after)[0])
    found = list(
        await session.scalars(query.order_by(Solution.solution_id).limit(wanted.limit + 1))
    )
    page = found[: wanted.limit]
    more = len(found) > wanted.limit
    return page, cursor_after(SOLUTIONS, page[-1].solution_id) if more else None


async def find_solution(session: AsyncSession, principal: Principal, solution_id: str) -> Solution:
    """One of them.

    Raises:
        NotFoundError: the same whether there is none or it is another's.

    """
    wanted = select(Solution).where(Solution.solution_id == solution_id)
    if not principal.is_administrator:
        wanted = wanted.where(Solution.partner_id == principal.partner_id)
    found = await session.scalar(wanted)
    if found is None:
        raise NotFoundError(solution_id)
    return found
