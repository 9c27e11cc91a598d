"""How a request asks for sums over whole tables."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_READ_TABLES_ONCE = text("SELECT set_config('enable_nestloop', 'off', true)")


async def read_tables_once(session: AsyncSession) -> None:
    """To the end of the transaction, join tables as wholes and not row by row.

    Who sees all tenants (`*`) is refused no row by the policy, but PostgreSQL expects half a per
    cent of them, of each table. A join of two seems to be one of a few rows and is done by a loop
    over all of them: quadratic. For transactions that only sum up: another one needs its loops.
    """
    await session.execute(_READ_TABLES_ONCE)
