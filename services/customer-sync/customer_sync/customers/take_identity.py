"""Login names, phones and mailboxes belong to the whole platform, whoever's customer has them."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.customers.models import Identity

NAME, MOBILE, EMAIL = "name", "mobile", "email"


async def take_identity(session: AsyncSession, kind: str, value: str, accounts_max: int) -> bool:
    """Use it for one account more; False when that would be more than `accounts_max`.

    Exact under concurrency: a second taker waits for the first one's commit.
    """
    row = insert(Identity).values(kind=kind, value=_folded(kind, value), accounts=1)
    taken = await session.execute(
        row.on_conflict_do_update(
            index_elements=["kind", "value"],
            set_={"accounts": Identity.accounts + 1},
            where=Identity.accounts < accounts_max,
        ).returning(Identity.accounts)
    )
    return taken.first() is not None


async def accounts_with(session: AsyncSession, kind: str, value: str) -> int:
    """How many accounts use it now."""
    counted = select(Identity.accounts).where(
        Identity.kind == kind, Identity.value == _folded(kind, value)
    )
    return await session.scalar(counted) or 0


def _folded(kind: str, value: str) -> str:
    """Phones as they are: ten digits after a 1; names and mailboxes without case."""
    return value if kind == MOBILE else value.lower()
