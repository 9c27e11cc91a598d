"""What is left of items of packages: list_free_resource_usages."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.orders.find_order import visible
from order.packages.models import Package, PackageItem
from wire.types import Id, WireRequest

ITEMS_MAX = 100


class ListItems(WireRequest, operation="list_free_resource_usages"):
    """The body of list_free_resource_usages."""

    free_resource_ids: Annotated[list[Id], Field(min_length=1, max_length=ITEMS_MAX)]


async def list_items(
    session: AsyncSession, principal: Principal, query: ListItems
) -> Sequence[tuple[Package, PackageItem]]:
    """Each once, in the order asked for; an id that is not the caller's has no row."""
    found = await session.execute(
        select(Package, PackageItem)
        .join(PackageItem, PackageItem.package_id == Package.package_id)
        .where(PackageItem.item_id.in_(query.free_resource_ids), visible(principal, Package, None))
    )
    rows = {item.item_id: (package, item) for package, item in found}
    return [rows[one] for one in dict.fromkeys(query.free_resource_ids) if one in rows]
