"""The door to sweeps: the native API."""

from fastapi import Response

from chassis.answers import JsonAnswer
from chassis.clock import WallNow
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.parts import CurrentParts
from customer_sync.sweep.list_sweeps import SweepAnswer, SweepsAnswer, list_sweeps, native_sweep
from customer_sync.sweep.start_sweep import request_sweep

router = Router()


@router.get("/api/sweeps", response_model=SweepsAnswer)
async def sweeps(session: HttpSession, now: WallNow) -> Response:
    """The last sweeps with their progress."""
    return JsonAnswer(await list_sweeps(session, now))


@router.post("/api/sweeps", response_model=SweepAnswer)
async def sweep(
    parts: CurrentParts,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: WallNow,
    idempotency: CurrentIdempotency,
) -> Response:
    """Start a sweep."""
    started = await request_sweep(session, principal, parts.settings, now)
    return await idempotency.answer(native_sweep(started, now))
