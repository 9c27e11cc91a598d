"""One partner account, for those who may see it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from partner.models import Partner


async def find_partner(session: AsyncSession, principal: Principal, partner_id: str) -> Partner:
    """The administrator finds every account, a partner its own.

    Raises:
        NotFoundError: the same whether the account does not exist or is another's.

    """
    wanted = select(Partner).where(Partner.partner_id == partner_id)
    if not principal.is_administrator:
        wanted = wanted.where(Partner.partner_id == principal.partner_id)
    found = await session.scalar(wanted)
    if found is None:
        raise NotFoundError(partner_id)
    return found
