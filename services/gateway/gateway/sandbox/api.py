"""`GET` and `POST /api/sandbox/clock`: the administrator's, in a sandbox."""

from fastapi import Response

from chassis.answers import JsonAnswer
from chassis.authority import IN_A_SANDBOX
from chassis.clock import WallNow
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from gateway.parts import CurrentParts
from gateway.sandbox.move_clock import MoveClock, move_clock
from gateway.sandbox.show_clock import ClockAnswer, show_clock

router = Router(prefix="/api/sandbox/clock", dependencies=[IN_A_SANDBOX])


@router.get("", response_model=ClockAnswer)
async def clock(parts: CurrentParts, wall_now: WallNow) -> Response:
    """Business time, how far it is ahead of the wall, and what each step of the last move did.

    While `moving` it stands at the step under way. `problem` says why a move does not go on; it is
    tried again by itself. `steps` are the last thousand, `steps_done` counts all that have ended.
    """
    moved = await parts.business_clock.moved()
    async with parts.database.transaction() as session:
        return JsonAnswer(await show_clock(session, moved.at(wall_now), wall_now))


@router.post("", response_model=ClockAnswer)
async def move(
    parts: CurrentParts,
    principal: CurrentPrincipal,
    wall_now: WallNow,
    wanted: MoveClock,
    idempotency: CurrentIdempotency,
) -> Response:
    """Move business time ahead, for the whole system: `to` an instant, or by `advance_seconds`.

    It goes from one due instant to the next, at most a day at a time. At each, every service does
    what is due, and the next step waits until all events of it were sent and heard: what comes out
    is what waiting would have given. Signatures, tokens, sessions and keys stay on wall time. `GET`
    says how far it is; it goes on after a restart. Business time is never set back.
    """
    now = (await parts.business_clock.moved()).at(wall_now)
    async with parts.database.transaction() as session:
        await move_clock(session, principal, wanted, now, wall_now)
        shown = await show_clock(session, now, wall_now)
    parts.clock_mover.expect()
    return await idempotency.answer(shown)
