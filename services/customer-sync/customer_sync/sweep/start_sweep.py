"""Begin a pass over the upstream's customers, by schedule or because an administrator asks."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.models import RUNNING, Sweep

_ONE_STARTER = text("SELECT pg_advisory_xact_lock(hashtext('channelbus.sweep'))")


class NoUpstreamError(RefusedError):
    """Standalone mode: there is nothing to sweep."""

    code = "CHB.0409"


class SweepRunningError(RefusedError):
    """One at a time."""

    code = "CHB.0409"


async def request_sweep(
    session: AsyncSession, principal: Principal, settings: CustomerSyncSettings, now: datetime
) -> Sweep:
    """Start one now; the schedule takes it up within a second.

    Raises:
        NoUpstreamError, SweepRunningError

    """
    if not settings.connected:
        raise NoUpstreamError("there is no upstream")
    await session.execute(_ONE_STARTER)
    running = await find_running(session, settings.mirror_partner_id)
    if running is not None:
        raise SweepRunningError(f"sweep {running.id} is running")
    sweep = await start_sweep(session, settings.mirror_partner_id, now)
    audit.record(session, principal, "sweep.start", sweep.id, now)
    return sweep


async def take_sweep(
    session: AsyncSession,
    partner_id: str,
    holder: str,
    now: datetime,
    *,
    due_after_seconds: float,
) -> Sweep | None:
    """The sweep that `holder` may work on: its own, an abandoned one, or a new one that is due."""
    await session.execute(_ONE_STARTER)
    running = await find_running(session, partner_id)
    if running is None:
        if not await _is_due(session, partner_id, now, due_after_seconds):
            return None
        return await start_sweep(session, partner_id, now)
    is_held = running.held_until is not None and running.held_until > now
    return None if is_held and running.holder != holder else running


async def start_sweep(session: AsyncSession, partner_id: str, now: datetime) -> Sweep:
    """A new sweep, not yet in anybody's hands; the caller holds the starter's lock."""
    last = await session.scalar(
        select(func.max(Sweep.number)).where(Sweep.partner_id == partner_id)
    )
    sweep = Sweep(
        id=new_id(),
        partner_id=partner_id,
        number=(last or 0) + 1,
        status=RUNNING,
        phase="pages",
        scope=0,
        cursor=0,
        pages_done=0,
        steps_back=0,
        customers_seen=0,
        customers_changed=0,
        requests_made=0,
        started_at=now,
        version=0,
    )
    session.add(sweep)
    await session.flush()
    return sweep


async def find_running(session: AsyncSession, partner_id: str) -> Sweep | None:
    """The one that runs, locked."""
    wanted = select(Sweep).where(Sweep.partner_id == partner_id, Sweep.status == RUNNING)
    found: Sweep | None = await session.scalar(wanted.with_for_update())
    return found


async def _is_due(
    session: AsyncSession, partner_id: str, now: datetime, due_after_seconds: float
) -> bool:
    ended = await session.scalar(
        select(func.max(Sweep.finished_at)).where(Sweep.partner_id == partner_id)
    )
    return ended is None or (now - ended).total_seconds() >= due_after_seconds
