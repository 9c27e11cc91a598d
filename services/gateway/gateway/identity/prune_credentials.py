"""What can prove nothing any more leaves, in bounded portions."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from chassis.database import Database
from gateway.identity.models import (
    AccessKey,
    KeptAnswer,
    LoginNameClaim,
    Password,
    Token,
    UsedSignature,
)
from wire.signature import CLOCK_SKEW_SECONDS_MAX

PORTION_ROWS = 5000
EXPIRED_KEPT_DAYS = 7  # so that an old token is told to be expired, not unknown
UNBOUND_KEPT_DAYS = 7  # the command that was to bind it failed, or its event still waits
# A stamp may be 15 minutes ahead and is believed until it is 15 minutes old. The day is for clocks
# that were set wrong.
SIGNATURES_KEPT = timedelta(days=1, seconds=2 * CLOCK_SKEW_SECONDS_MAX + 60)
ANSWERS_KEPT = timedelta(seconds=2 * CLOCK_SKEW_SECONDS_MAX + 60)


def _is_stale(now: datetime) -> ColumnElement[bool]:
    """By our clock, the database's, and the newest signature of all.

    A clock that leaps is one of them; a signature that it forgot would move money twice.
    """
    newest = select(func.max(UsedSignature.used_at)).scalar_subquery()
    return UsedSignature.used_at < func.least(now, func.now(), newest) - SIGNATURES_KEPT


async def prune_credentials(database: Database, now: datetime) -> None:
    """Schedule."""
    expired = now - timedelta(days=EXPIRED_KEPT_DAYS)
    unbound = now - timedelta(days=UNBOUND_KEPT_DAYS)
    for table, key, is_old in (
        (UsedSignature, UsedSignature.signature, _is_stale(now)),
        (
            KeptAnswer,
            KeptAnswer.fingerprint,
            KeptAnswer.claimed_at < func.least(now, func.now()) - ANSWERS_KEPT,
        ),
        (Token, Token.hash, Token.expires_at < expired),
        (AccessKey, AccessKey.access, AccessKey.expires_at < expired),
        (LoginNameClaim, LoginNameClaim.name, LoginNameClaim.claimed_at < unbound),
        (
            Password,
            Password.ref,
            Password.owner_id.is_(None) & (Password.created_at < unbound),
        ),
    ):
        pruned = PORTION_ROWS
        while pruned == PORTION_ROWS:
            async with database.transaction() as session:
                pruned = await _prune(session, table, key, is_old)


async def _prune(
    session: AsyncSession,
    table: type[Any],
    key: InstrumentedAttribute[str],
    is_old: ColumnElement[bool],
) -> int:
    old = select(key).where(is_old).limit(PORTION_ROWS).with_for_update(skip_locked=True)
    gone = await session.execute(delete(table).where(key.in_(old)).returning(key))
    return len(gone.all())
