"""The positions of a service's consumers over HTTP; the administrator's alone."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from chassis.answers import JsonAnswer
from chassis.clock import WallNow
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.move_position import accept_position, list_positions, step_over_position
from chassis.parts import CurrentParts

positions_router = APIRouter(prefix="/internal/positions", include_in_schema=False)

Name = Annotated[str, Field(min_length=1, max_length=250)]
Offset = Annotated[int, Field(ge=0, lt=2**63)]
Partition = Annotated[int, Field(ge=0, lt=2**31)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


def _administrator(principal: CurrentPrincipal) -> Principal:
    if not principal.is_administrator:
        raise WrongPrincipalError("positions are the administrator's")
    return principal


Administrator = Annotated[Principal, Depends(_administrator)]


class Acceptance(BaseModel):
    """Which position under alarm is accepted, and why."""

    consumer: Name
    topic: Name
    partition: Partition
    reason: Reason


class Step(BaseModel):
    """Which one offset is left out, and why."""

    stream: Name
    partition: Partition
    offset: Offset
    reason: Reason
    consumer: Name | None = None


@positions_router.get("")
async def positions(parts: CurrentParts, _who: Administrator) -> Response:
    """Each position beside what its topic holds."""
    return JsonAnswer({"positions": await list_positions(parts.settings, parts.database)})


@positions_router.post("/accept")
async def accept(
    parts: CurrentParts, who: Administrator, now: WallNow, accepted: Acceptance
) -> Response:
    """Go on at the topic's beginning, as it is now."""
    position = await accept_position(
        parts.settings, parts.database, who, now, **accepted.model_dump()
    )
    return JsonAnswer({"position": position})


@positions_router.post("/step-over")
async def step_over(parts: CurrentParts, who: Administrator, now: WallNow, step: Step) -> Response:
    """Leave out the one offset at which a consumer stands."""
    position = await step_over_position(
        parts.settings, parts.database, who, now, **step.model_dump()
    )
    return JsonAnswer({"position": position})
