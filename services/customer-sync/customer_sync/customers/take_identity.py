"""Login names, phones and mailboxes are unique over the customers of all partners.

Functions of the database take and count them: a request may read none but the one it asks for.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

NAME, MOBILE, EMAIL = "name", "mobile", "email"


async def take_identity(session: AsyncSession, kind: str, value: str, accounts_max: int) -> bool:
    """Use it for one account more; False when that would be more than `accounts_max`.

    Exact under concurrency: a second taker waits for the first one's commit.
    """
    taken = select(func.take_identity(kind, _folded(kind, value), accounts_max))
    return bool(await session.scalar(taken))


async def accounts_with(session: AsyncSession, kind: str, value: str) -> int:
    """How many accounts use it now."""
    counted = select(func.accounts_with_identity(kind, _folded(kind, value)))
    return await session.scalar(counted) or 0


def _folded(kind: str, value: str) -> str:
    """Phones as they are: ten digits after a 1; names and mailboxes without case."""
    return value if kind == MOBILE else value.lower()
