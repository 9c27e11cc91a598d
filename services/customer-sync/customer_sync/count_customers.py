"""How many associated customers a partner has, kept so that nobody counts a million rows."""

from collections.abc import Sequence
from zlib import crc32

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.models import Customer, CustomerCount, Place

SHARDS = 16


def _shard(customer_id: str) -> int:
    return crc32(customer_id.encode()) % SHARDS


async def count_one(session: AsyncSession, customer_id: str, place: Place, by: int) -> None:
    """One customer more (+1) or fewer (-1) where it stands.

    Last in a transaction: the row is shared with others.
    """
    row = {
        "partner_id": place.partner_id,
        "distributor_id": place.distributor_id,
        "association_type": place.association_type,
        "shard": _shard(customer_id),
        "customers": by,
    }
    kept = insert(CustomerCount).values(row)
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=["partner_id", "association_type", "shard"],
            set_={"customers": CustomerCount.customers + kept.excluded.customers},
        )
    )


async def count_new(session: AsyncSession, customers: Sequence[Customer]) -> None:
    """Customers that have just been made or associated, each where it stands, if it does.

    In one order for all, so that no two of these wait for each other.
    """
    for customer in sorted(customers, key=lambda one: (one.association_type, _shard(one.id))):
        if customer.place:
            await count_one(session, customer.id, customer.place, +1)


async def count_customers(
    session: AsyncSession, partner_id: str, association_type: str | None
) -> int:
    """The partner's associated customers, of one type or of all."""
    counted = select(func.sum(CustomerCount.customers)).where(
        CustomerCount.partner_id == partner_id
    )
    if association_type:
        counted = counted.where(CustomerCount.association_type == association_type)
    return int(await session.scalar(counted) or 0)
