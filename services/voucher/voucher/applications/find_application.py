"""One application, for those who may see it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from voucher.applications.models import Application


async def find_application(
    session: AsyncSession, principal: Principal, application_id: str, *, lock: bool = False
) -> Application:
    """The administrator finds every one, a partner its own.

    Raises:
        NotFoundError: the same whether there is none or it is another's.

    """
    wanted = select(Application).where(Application.id == application_id)
    if principal.is_partner:
        wanted = wanted.where(Application.partner_id == principal.partner_id)
    found = await session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(application_id)
    return found
