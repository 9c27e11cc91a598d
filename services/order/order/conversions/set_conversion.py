"""Set resources to be charged on demand from their end on: update_period_to_on_demand."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from order.conversions.find_convertible import (
    Group,
    check_group,
    check_named_once,
    check_sold_on_demand,
    find_groups,
    hold_customer,
    packages_named,
    under_way,
)
from order.conversions.refusals import (
    FrozenAccountError,
    PackageNotConvertibleError,
    ResourceOverdueError,
)
from order.peers import Peers
from order.refunds.models import ResourceUnknownError
from order.resources.facts import resource_settings_changed
from wire.types import Id, WireRequest

RESOURCES_MAX = 100
SET_UP = "SET_UP"  # else CANCEL
GRACE, TO_ON_DEMAND = 0, 1  # expire policies, docs/domain/resources.md B.6


class SetConversion(WireRequest, operation="update_period_to_on_demand"):
    """The body of update_period_to_on_demand."""

    operation: str
    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]


async def set_conversion(
    session: AsyncSession, peers: Peers, principal: Principal, wanted: SetConversion, now: datetime
) -> list[tuple[str, RefusedError]]:
    """Set it, or take it back; the named resources whose time is over are told apart.

    Raises:
        The refusals of `find_convertible` but that one, FrozenAccountError: nothing is set.

    """
    check_named_once(wanted.resource_ids)
    sets_up = wanted.operation == SET_UP
    if sets_up:  # nothing is locked while billing is asked
        groups = await _find(session, principal, wanted, lock=False)
        await check_sold_on_demand(peers, principal, principal.id, groups)
    customer = await hold_customer(session, principal)
    if customer.is_frozen:
        raise FrozenAccountError
    groups = await _find(session, principal, wanted, lock=True)
    busy = await under_way(session, groups)
    refused: list[tuple[str, RefusedError]] = []
    taken = []
    for group in groups:
        try:
            check_group(group, busy, now)
        except ResourceOverdueError as refusal:
            refused.append((group.main.resource_id, refusal))
        else:
            taken.append(group)
    for resource in [one for group in taken for one in group.resources]:
        if sets_up != (resource.expire_policy == TO_ON_DEMAND):
            resource.set_end_policy(TO_ON_DEMAND if sets_up else GRACE, now)
            outbox.publish(session, resource_settings_changed(resource, now))
    for group in taken:
        audit.record(
            session, principal, "resource.set_end", group.main.resource_id, now,
            operation=wanted.operation,
        )  # fmt: skip
    return refused


async def _find(
    session: AsyncSession, principal: Principal, wanted: SetConversion, *, lock: bool
) -> list[Group]:
    groups = await find_groups(session, principal, wanted.resource_ids, lock=lock)
    if await packages_named(session, principal, wanted.resource_ids):
        raise PackageNotConvertibleError
    for resource_id in wanted.resource_ids:
        if resource_id not in groups:
            raise ResourceUnknownError(resource_id)
    return [groups[resource_id] for resource_id in wanted.resource_ids]
