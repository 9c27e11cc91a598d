"""The last sweeps with their progress, newest first."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal, WrongPrincipalError
from customer_sync.sweep.models import RUNNING, Sweep

SHOWN_MAX = 20


async def list_sweeps(
    session: AsyncSession, principal: Principal, now: datetime
) -> list[dict[str, Any]]:
    """The newest ones.

    Raises:
        WrongPrincipalError: not an administrator.

    """
    if not principal.is_administrator:
        raise WrongPrincipalError
    newest = await session.scalars(select(Sweep).order_by(Sweep.number.desc()).limit(SHOWN_MAX))
    return [shown(sweep, now) for sweep in newest.all()]


def shown(sweep: Sweep, now: datetime) -> dict[str, Any]:
    """A sweep as the native API tells of it."""
    return {
        "sweep_id": sweep.id,
        "number": sweep.number,
        "status": sweep.status,
        "phase": sweep.phase,
        "pages_done": sweep.pages_done,
        "customers_seen": sweep.customers_seen,
        "customers_changed": sweep.customers_changed,
        "customers_upstream": sweep.upstream_count,
        "requests_made": sweep.requests_made,
        "eta_seconds": eta_seconds(sweep, now),
        "started_at": sweep.started_at,
        "finished_at": sweep.finished_at,
        "last_error": sweep.last_error,
    }


def eta_seconds(sweep: Sweep, now: datetime) -> int | None:
    """By the pace so far, within the scope that is being read; None when it cannot be told."""
    if sweep.status != RUNNING or not sweep.upstream_count or not sweep.cursor:
        return None
    share = min(sweep.cursor / sweep.upstream_count, 1.0)
    elapsed = (now - sweep.started_at).total_seconds()
    return round(elapsed * (1 - share) / share)
