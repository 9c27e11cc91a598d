"""Packages that are named where resources are."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from order.orders.find_order import visible
from order.packages.models import Package, PackageItem


class PackageInUseError(RefusedError):
    """Something of the package was used: it is not given back."""

    code = "CBC.99003647"


class PartOfPackageError(RefusedError):
    """A package is not renewed, nor is an item of one."""

    code = "CBC.99003634"


async def refuse_packages(
    session: AsyncSession, principal: Principal, ids: Collection[str]
) -> None:
    """Refuse ids that name the caller's packages, or items of them.

    Raises:
        PartOfPackageError: one does.

    """
    items = select(PackageItem.package_id).where(PackageItem.item_id.in_(ids))
    named = or_(Package.package_id.in_(ids), Package.package_id.in_(items))
    found = select(Package.package_id).where(named, visible(principal, Package, None)).limit(1)
    if package_id := await session.scalar(found):
        raise PartOfPackageError(package_id)


async def lock_packages(
    session: AsyncSession, seen: ColumnElement[bool], package_ids: Collection[str]
) -> Mapping[str, Package]:
    """Those of the ids that are packages of the caller, as they stay."""
    if not package_ids:
        return {}
    found = await session.scalars(
        select(Package)
        .where(Package.package_id.in_(package_ids), seen)
        .order_by(Package.package_id)
        .with_for_update(of=Package)
        .execution_options(populate_existing=True)
    )
    return {package.package_id: package for package in found}


def check_unused(package: Package, now: datetime) -> bool:
    """Whether its time is not over; refused when something was taken, in whatever cycle.

    Raises:
        PackageInUseError: it was.

    """
    if package.refund_order_id is None and package.is_used:
        raise PackageInUseError(package.package_id)
    return package.refund_order_id is None and now < package.reuse.over_at
