"""Order hears what billing took from a package and keeps what is left (decision 0090)."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import BillingPackageDeducted
from contracts.order import PackageReset, PackageUsedUp
from order.packages.facts import package_fact
from order.packages.models import EFFECTIVE, UNSUBSCRIBED, Package, PackageDeduction, PackageItem
from wire.cycles import Cycle


class UnknownPackageError(Exception):
    """A deduction from a package that was never opened here: a person must look at it."""


async def note_deduction(session: AsyncSession, event: BillingPackageDeducted) -> None:
    """Keep the record, and what is left when it is the newest of the package's newest cycle.

    Nothing was taken from a package that was given back (decision 0091).

    Raises:
        UnknownPackageError: the event cannot be true; it is parked.

    """
    package = await session.get(
        Package, event.package_id, with_for_update={"of": Package}, populate_existing=True
    )
    items = {item.item_id: item for item in package.items} if package is not None else {}
    item = items.get(event.free_resource_id)
    if package is None or item is None:
        raise UnknownPackageError(event.package_id)
    if package.status == UNSUBSCRIBED:
        return
    await _keep_record(session, package, event)
    package.is_used = True
    if event.cycle_begin_at < package.cycle_begin_at:
        return  # late news of a cycle that is over: it has its record, and gives nothing back
    _take(session, package, item, event)


def _take(
    session: AsyncSession, package: Package, item: PackageItem, event: BillingPackageDeducted
) -> None:
    now = event.occurred_at
    if event.cycle_begin_at > package.cycle_begin_at:
        # Billing was quicker than our schedule.
        was_touched = package.is_touched
        package.reset(Cycle(event.cycle_begin_at, event.cycle_end_at), now)
        if was_touched and not event.restated:
            outbox.publish(session, package_fact(PackageReset, package, now))
    if event.number > item.taken_times:
        item.amount, item.taken_times = event.remaining_amount, event.number
    package.plan_turn()
    if package.is_exhausted and package.status == EFFECTIVE:
        package.use_up(now)
        if not event.restated:
            outbox.publish(session, package_fact(PackageUsedUp, package, now))


async def _keep_record(
    session: AsyncSession, package: Package, event: BillingPackageDeducted
) -> None:
    """Once, however often it is told."""
    values = {
        "deduction_id": event.deduction_id,
        "item_id": event.free_resource_id,
        "package_id": package.package_id,
        "customer_id": package.customer_id,
        "partner_id": package.partner_id,
        "distributor_id": package.distributor_id,
        "product_id": package.product_id,
        "product_name": package.product_name,
        "resource_id": event.resource_id,
        "resource_type_code": event.resource_type_code,
        "resource_type_name": event.resource_type_name,
        "usage_type_code": event.usage_type_code,
        "measure_id": event.measure_id,
        "available_amount": event.available_amount,
        "used_amount": event.used_amount,
        "remaining_amount": event.remaining_amount,
        "used_from": event.used_from,
        "used_until": event.used_until,
        "deducted_at": event.deducted_at,
    }
    await session.execute(insert(PackageDeduction).values(values).on_conflict_do_nothing())
