"""The door to how vouchers are; the console asks here."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from chassis.answers import JsonAnswer
from chassis.clock import Now, WallNow
from chassis.database import HttpSession
from chassis.language import spoken_language
from chassis.routes import Router
from voucher.watch.native_answers import VoucherOverviewAnswer, native_overview
from voucher.watch.overview import look_over
from wire.types import NativeQuery

router = Router()
HOURS_MAX = 168


class AskOverview(NativeQuery):
    """How far back."""

    hours: int = Field(default=24, ge=1, le=HOURS_MAX)


@router.get("/api/vouchers/overview", response_model=VoucherOverviewAnswer)
async def overview(
    request: Request,
    wanted: Annotated[AskOverview, Query()],
    session: HttpSession,
    now: Now,
    wall_now: WallNow,
) -> Response:
    """What went out and came back, what is held, what runs low; the administrator."""
    found = await look_over(session, wanted.hours, now, wall_now)
    language = spoken_language(request.scope["headers"], is_ours=True)
    return JsonAnswer(native_overview(found, now, language))
