"""Ask for business time to be moved ahead; `carry_moves` does it."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from gateway.sandbox.models import ClockMove

MOVE_DAYS_MAX = 3660  # ten years
_ONE_AT_A_TIME = func.pg_advisory_xact_lock(func.hashtext("channelbus.clock"))


class ClockMovesError(RefusedError):
    """A move is under way; the next one begins when it has ended."""

    code = "CHB.0409"


class MoveClock(BaseModel):
    """The body of POST /api/sandbox/clock: one of the two."""

    model_config = ConfigDict(extra="forbid")

    to: AwareDatetime | None = None
    advance_seconds: int | None = Field(default=None, ge=1, le=MOVE_DAYS_MAX * 86_400)

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.to is None) == (self.advance_seconds is None):
            raise ValueError("name one of to and advance_seconds")
        return self


async def move_clock(
    session: AsyncSession, principal: Principal, wanted: MoveClock, now: datetime, wall: datetime
) -> None:
    """Keep the order; whoever carries moves out finds it.

    Raises:
        BadFieldError: the instant is not ahead, or more than ten years away.
        ClockMovesError: another move is under way.

    """
    to_at = wanted.to or now + timedelta(seconds=wanted.advance_seconds or 0)
    if to_at <= now:
        raise BadFieldError("to", "business time only moves forward")
    if to_at > now + timedelta(days=MOVE_DAYS_MAX):
        raise BadFieldError("to", f"at most {MOVE_DAYS_MAX} days ahead")
    await session.execute(select(_ONE_AT_A_TIME))
    if await session.scalar(select(ClockMove.id).where(ClockMove.is_open.is_(True))) is not None:
        raise ClockMovesError("business time is moving")
    session.add(
        ClockMove(
            is_open=True, from_at=now, to_at=to_at, reached=now, asked_by=principal.name,
            asked_at=wall,
        )
    )  # fmt: skip
    audit.record(session, principal, "clock.move", "clock", now, to=to_at.isoformat())
