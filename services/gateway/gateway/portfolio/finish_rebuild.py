"""The end of a rebuild: rows that no owner has stated since it began are ghosts, and go.

Whatever lives was stated again, or changed since then; either has set its `seen_at`. Rows of a
parked key stay: what was stated of them waits with the key.
"""

from sqlalchemy import Table, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.rebuild import Tell, count_change
from chassis.tables import ParkedKey, Rebuild
from gateway.portfolio.consumers import consumers
from gateway.portfolio.models import (
    AccountRow,
    CouponRow,
    CustomerRow,
    DebtRow,
    LineRow,
    OrderRow,
    PortfolioTables,
    ResourceRow,
)
from gateway.portfolio.summarise_customers import summarise_customers
from gateway.portfolio.write_rows import only_writer

PORTION_ROWS = 500

# Customers last: the others' ghosts are taken out of their sums.
TABLES: tuple[type[PortfolioTables], ...] = (
    OrderRow, ResourceRow, CouponRow, AccountRow, DebtRow, LineRow, CustomerRow,
)  # fmt: skip


async def finish_rebuild(database: Database, rebuild: Rebuild, tell: Tell) -> None:
    """Remove the ghosts, in portions that each leave the sums right."""
    for target in TABLES:
        removed = 0
        while gone := await _remove_portion(database, target, rebuild.id):
            removed += gone
            tell(f"{'':14} {target.__tablename__}: {removed:,} ghosts removed")


async def _remove_portion(
    database: Database, target: type[PortfolioTables], rebuild_id: int
) -> int:
    table = target.__table__
    assert isinstance(table, Table)
    async with database.transaction() as session:
        await only_writer(session)
        rebuild = await session.get_one(Rebuild, rebuild_id, with_for_update=True)
        customers = await _remove(session, table, rebuild)
        await summarise_customers(session, dict.fromkeys(customers))
        count_change(rebuild, table.name, "ghosts removed", len(customers))
    return len(customers)


async def _remove(session: AsyncSession, table: Table, rebuild: Rebuild) -> list[str]:
    """The customers of the rows that went, one for each."""
    (key,) = table.primary_key
    is_parked = exists().where(
        ParkedKey.consumer == consumers.name, ParkedKey.key == table.c.customer_id
    )
    ghosts = select(key).where(table.c.seen_at < rebuild.began_at, ~is_parked).limit(PORTION_ROWS)
    gone = await session.scalars(
        delete(table).where(key.in_(ghosts)).returning(table.c.customer_id)
    )
    return list(gone)
