"""The resources that pieces of an order are about."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from order.resources.models import Piece, Resource


async def lock_pieces(session: AsyncSession, pieces: Sequence[Piece]) -> Mapping[str, Resource]:
    """By their ids, as they stay.

    While the order is under way nobody else changes or closes what it names, so that its periods
    are those that were priced.
    """
    found = await session.scalars(
        select(Resource)
        .where(Resource.resource_id.in_([piece.resource_id for piece in pieces]))
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    return {one.resource_id: one for one in found}
