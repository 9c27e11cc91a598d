"""What comes back to quotas: to the quota itself, or past reclaimed ones to whoever stands above.

A caller may not see the quota above its own, and does not choose it: that it is locked and moved is
the ledger's doing (decision 0108).
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from heapq import heapify, heappop, heappush

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from chassis.ids import new_id
from voucher.ledger.post_movements import post_reclaim
from voucher.quotas.facts import quota_changed, quota_reclaimed
from voucher.quotas.models import RECLAIMED, TAKE_BACK, Quota, QuotaRecord

SYSTEM = "system"  # the operator of what nobody ordered

_SEE_AS = text("SELECT set_config('channelbus.partner_id', :partner, true)")


@asynccontextmanager
async def beyond_tenant(session: AsyncSession) -> AsyncIterator[None]:
    """What the session does here is the ledger's own work, not bound to the caller's tenant."""
    principal = Database.principal_of(session)
    if principal is None:
        yield
        return
    await session.flush()
    await session.execute(_SEE_AS, {"partner": "*"})
    yield
    await session.flush()
    await session.execute(_SEE_AS, {"partner": principal.partner_id})


async def lock_with_parents(session: AsyncSession, quota_ids: Iterable[str]) -> dict[str, Quota]:
    """Quotas by id, locked; of those that are reclaimed also what stands above, however deep.

    Locked in one order, the youngest first: a child before its parent, which is older.
    """
    found: dict[str, Quota] = {}
    asked = set(quota_ids)
    waiting = [_Youngest(quota_id) for quota_id in asked]
    heapify(waiting)
    while waiting:
        quota_id = heappop(waiting).quota_id
        if quota_id in found:
            continue
        if quota_id in asked:
            quota = found[quota_id] = await _lock(session, quota_id)
        else:
            async with beyond_tenant(session):
                quota = found[quota_id] = await _lock(session, quota_id)
        if quota.quota_status == RECLAIMED and quota.parent_quota_id is not None:
            heappush(waiting, _Youngest(quota.parent_quota_id))
    return found


async def _lock(session: AsyncSession, quota_id: str) -> Quota:
    return await session.get_one(Quota, quota_id, with_for_update=True, populate_existing=True)


async def take_back(
    session: AsyncSession, locked: dict[str, Quota], quota: Quota, amount: Decimal, now: datetime
) -> None:
    """Let the quota have what a coupon returned; a reclaimed one hands it on to its parent.

    All quotas on the way are in `locked` (`lock_with_parents`).
    """
    quota.take_back(amount, now)
    await hand_on(session, locked, quota, now)


async def hand_on(
    session: AsyncSession, locked: dict[str, Quota], quota: Quota, now: datetime
) -> None:
    """Let a reclaimed quota keep nothing: up to one that is not reclaimed, or that is the first."""
    if quota.quota_status != RECLAIMED or quota.parent_quota_id is None:
        return
    async with beyond_tenant(session):
        while quota.quota_status == RECLAIMED and quota.parent_quota_id is not None:
            parent = locked[quota.parent_quota_id]
            give_up(session, quota, parent, SYSTEM, None, now)
            quota = parent
        outbox.publish(session, quota_changed(quota, now))


def give_up(
    session: AsyncSession,
    child: Quota,
    parent: Quota,
    operator: str,
    remark: str | None,
    now: datetime,
) -> None:
    """All that the child has goes to its parent: movement, record and fact."""
    amount = child.give_up(now)
    parent.take_back(amount, now)
    if amount:
        post_reclaim(session, child.posted_for, parent.id, amount, now)
    session.add(
        QuotaRecord(
            id=new_id(),
            partner_id=parent.partner_id,
            distributor_id=parent.distributor_id,
            operator=operator,
            operation_type=TAKE_BACK,
            quota_id=child.id,
            parent_quota_id=parent.id,
            indirect_partner_id=child.partner_id,
            amount=amount,
            at=now,
            result="0",
            remark=remark,
        )
    )
    outbox.publish(session, quota_reclaimed(child, now, amount))


class _Youngest:
    """A quota's id in a heap that gives the youngest, that is the largest, first."""

    def __init__(self, quota_id: str):
        self.quota_id = quota_id

    def __lt__(self, other: "_Youngest") -> bool:
        return self.quota_id > other.quota_id
