"""The parked events of a service over HTTP, for the ops console; the administrator's alone."""

from base64 import b64decode
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field
from sqlalchemy import select

from chassis.answers import JsonAnswer
from chassis.clock import WallNow
from chassis.decisions import DECISIONS_MAX, list_decisions
from chassis.errors import NotFoundError
from chassis.identity import CurrentPrincipal, WrongPrincipalError
from chassis.parts import application_of
from chassis.release import Desk, find_same, list_parked
from chassis.routes import Router
from chassis.tables import ParkedEvent

parked_router = Router(prefix="/internal/parked", include_in_schema=False)


def _desk(request: Request, principal: CurrentPrincipal, now: WallNow) -> Desk:
    if not principal.is_administrator:
        raise WrongPrincipalError("parked events are the administrator's")
    application = application_of(request.scope)
    return Desk(application.running.consumers, application.parts.database, principal, now)


CurrentDesk = Annotated[Desk, Depends(_desk)]
ParkedId = Annotated[int, Path(ge=1, lt=2**63)]


Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class Key(BaseModel):
    """Which key to replay, and why."""

    consumer: str
    stream: str
    key: str
    reason: Reason | None = None


class Selection(BaseModel):
    """Which keys to replay: all, or those of a consumer, or whose error holds a text."""

    consumer: str | None = Field(default=None, max_length=250)
    error: str | None = Field(default=None, min_length=1, max_length=1000)
    reason: Reason | None = None


class Decision(BaseModel):
    """Why an event is skipped."""

    reason: Reason


def _strictly_decoded(text: Any) -> bytes:
    """What base64 stands for; a stray character is a body that was damaged on its way."""
    if not isinstance(text, str):
        raise ValueError("no text")
    return b64decode(text, validate=True)


class Edit(Decision):
    """The new body, in base64, and why."""

    body: Annotated[bytes, BeforeValidator(_strictly_decoded)]


@parked_router.get("")
async def keys(desk: CurrentDesk, consumer: str | None = None) -> Response:
    """The parked keys, oldest first."""
    async with desk.database.transaction() as session:
        return JsonAnswer({"keys": await list_parked(session, consumer)})


@parked_router.get("/decisions")
async def decisions(
    desk: CurrentDesk,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=DECISIONS_MAX)] = DECISIONS_MAX,
) -> Response:
    """Who decided what about parked events and positions, when and why; the newest first."""
    async with desk.database.transaction() as session:
        found = await list_decisions(session, before=before, limit=limit)
        return JsonAnswer({"decisions": found})


@parked_router.get("/same-event")
async def same_event(
    desk: CurrentDesk, stream: str, key: str, partition: int, position: int
) -> Response:
    """In which consumers the event of that place waits, and what each of them says."""
    async with desk.database.transaction() as session:
        found = await find_same(session, list(desk.consumers), stream, key, partition, position)
        return JsonAnswer({"events": found})


@parked_router.get("/events/{parked_id}")
async def event(desk: CurrentDesk, parked_id: ParkedId) -> Response:
    """One parked event with its headers, its body as text, and its error."""
    async with desk.database.transaction() as session:
        parked = await session.scalar(select(ParkedEvent).where(ParkedEvent.id == parked_id))
        if parked is None:
            raise NotFoundError(f"parked event {parked_id}")
        shown: dict[str, Any] = {
            "id": parked.id,
            "consumer": parked.consumer,
            "stream": parked.stream,
            "key": parked.key,
            "type": parked.event_type,
            "event_id": parked.event_id,
            "headers": parked.headers,
            "body": parked.body.decode("utf-8", "backslashreplace"),
            "error": parked.error,
            "attempts": parked.attempts,
            "state": parked.state,
            "parked_at": parked.parked_at,
            "partition": parked.partition,
            "position": parked.position,
            "was_edited": parked.original_body is not None,
            "decisions": await list_decisions(session, parked_id=parked_id),
        }
        return JsonAnswer(shown)


@parked_router.post("/replay")
async def replay(desk: CurrentDesk, key: Key) -> Response:
    """Replay a key in order; 409 with the error when its first event fails again."""
    return JsonAnswer({"replayed": await desk.replay(**key.model_dump())})


@parked_router.post("/replay-all")
async def replay_all(desk: CurrentDesk, selection: Selection) -> Response:
    """Replay many keys, each in its order; what fails again stays."""
    return JsonAnswer(asdict(await desk.replay_all(**selection.model_dump())))


@parked_router.post("/events/{parked_id}/edit")
async def edit(desk: CurrentDesk, parked_id: ParkedId, change: Edit) -> Response:
    """Give an event another body."""
    await desk.edit(parked_id, change.body, change.reason)
    return Response(status_code=204)


@parked_router.post("/events/{parked_id}/skip")
async def skip(desk: CurrentDesk, parked_id: ParkedId, decision: Decision) -> Response:
    """Leave an event out for good."""
    await desk.skip(parked_id, decision.reason)
    return Response(status_code=204)
