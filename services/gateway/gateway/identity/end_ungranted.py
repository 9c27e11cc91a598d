"""What a partner got for its customer ends with the grant; a grant given again revives nothing."""

from sqlalchemy import exists, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity.find_credential import ACTIVE, may_be_assumed
from gateway.identity.lineage import end_acting
from gateway.identity.models import AccessKey, Account, Authorization, Token


async def end_ungranted(session: AsyncSession, customer_id: str) -> None:
    """End the credentials of every partner that may not act for the customer as it stands now."""
    for partner_id in await _acting(session, customer_id):
        account = await session.get(Account, customer_id, populate_existing=True)
        granted = exists().where(
            Authorization.customer_id == customer_id,
            Authorization.partner_id == partner_id,
            Authorization.status == ACTIVE,
        )
        stands = account is not None and may_be_assumed(account, partner_id)
        if not (stands and await session.scalar(select(granted))):
            await end_acting(session, customer_id, partner_id)


async def _acting(session: AsyncSession, customer_id: str) -> list[str]:
    """The partners that have credentials of the customer; mostly none."""
    asked = (
        select(table.acting_partner_id).where(table.account_id == customer_id)
        for table in (Token, AccessKey)
    )
    found = await session.scalars(union(*asked))
    return [partner_id for partner_id in found if partner_id is not None]
