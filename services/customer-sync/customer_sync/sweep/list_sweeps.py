"""The last sweeps with their progress, newest first."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.sweep.models import RUNNING, Sweep
from wire.native import NativeAnswer

SHOWN_MAX = 20


class SweepAnswer(NativeAnswer):
    """A sweep, and how far it is."""

    sweep_id: str
    number: int
    status: str
    phase: str
    pages_done: int
    customers_seen: int
    customers_changed: int
    customers_upstream: int | None
    requests_made: int
    eta_seconds: int | None
    started_at: datetime
    finished_at: datetime | None
    last_error: str | None


class SweepsAnswer(NativeAnswer):
    """The last sweeps, the newest first."""

    sweeps: list[SweepAnswer]


async def list_sweeps(session: AsyncSession, now: datetime) -> SweepsAnswer:
    """The newest ones."""
    newest = await session.scalars(select(Sweep).order_by(Sweep.number.desc()).limit(SHOWN_MAX))
    return SweepsAnswer(sweeps=[native_sweep(sweep, now) for sweep in newest.all()])


def native_sweep(sweep: Sweep, now: datetime) -> SweepAnswer:
    """The sweep as it is."""
    return SweepAnswer.of(
        sweep,
        sweep_id=sweep.id,
        customers_upstream=sweep.upstream_count,
        eta_seconds=eta_seconds(sweep, now),
    )


def eta_seconds(sweep: Sweep, now: datetime) -> int | None:
    """By the pace so far, within the scope that is being read; None when it cannot be told."""
    if sweep.status != RUNNING or not sweep.upstream_count or not sweep.cursor:
        return None
    share = min(sweep.cursor / sweep.upstream_count, 1.0)
    elapsed = (now - sweep.started_at).total_seconds()
    return round(elapsed * (1 - share) / share)
