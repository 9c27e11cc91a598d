"""A customer's packages: list_free_resource_infos (docs/domain/resources.md H.13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.orders.find_order import visible
from order.packages.models import INVALID, UNSUBSCRIBED, Package
from wire.times import add_months
from wire.types import WireRequest

SHOWN_MONTHS = 18  # so long is shown what is over (docs/domain/resources.md B.6)


class ListPackages(WireRequest, operation="list_free_resource_infos"):
    """The body of list_free_resource_infos."""

    region_code: str | None = None
    order_id: str | None = None
    product_id: str | None = None
    product_name: str | None = None
    enterprise_project_id: str | None = None
    status: int | None = None
    service_type_code_list: list[str] | None = None
    limit: int = 10
    offset: int = 0


NO_FILTER = ListPackages()  # where the SDK sends no bytes


@dataclass(frozen=True, slots=True)
class PackagePage:
    """Rows of a page and how many match in all."""

    total_count: int
    packages: Sequence[Package]


async def list_packages(
    session: AsyncSession, principal: Principal, query: ListPackages, now: datetime
) -> PackagePage:
    """The page asked for, the newest first; without those over for more than 18 months.

    Packages apply to all enterprise projects, so that none is of the one that is asked for.
    """
    if query.enterprise_project_id is not None:
        return PackagePage(0, [])
    conditions = [
        visible(principal, Package, None),
        or_(
            Package.status.not_in((INVALID, UNSUBSCRIBED)),
            Package.expire_at >= add_months(now, -SHOWN_MONTHS),
        ),
        *_filters(query),
    ]
    total = await session.scalar(select(func.count()).select_from(Package).where(*conditions))
    page = (
        select(Package)
        .where(*conditions)
        .order_by(Package.effective_at.desc(), Package.package_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    return PackagePage(total or 0, (await session.scalars(page)).all() if total else [])


def _filters(query: ListPackages) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if query.region_code is not None:
        chosen.append(Package.region_code == query.region_code)
    if query.order_id is not None:
        chosen.append(Package.order_id == query.order_id.upper())
    if query.product_id is not None:
        chosen.append(Package.product_id == query.product_id)
    if query.product_name is not None:
        chosen.append(Package.product_name == query.product_name)
    if query.status is not None:
        chosen.append(Package.status == query.status)
    if query.service_type_code_list:
        codes = [code.lower() for code in query.service_type_code_list]
        chosen.append(func.lower(Package.service_type_code).in_(codes))
    return chosen
