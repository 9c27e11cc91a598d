"""The page of a parked event below `/ops/parked`, and the forms on it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from chassis.clock import WallNow
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.routes import Router
from gateway.forwarding.destinations import Service
from gateway.ops.admitted import (
    CurrentConsole,
    CurrentVisitor,
    DecidingVisitor,
    Language,
    current_console,
)
from gateway.ops.decide_parked import Outcome, ParkedDesk, Place, chosen_places
from gateway.ops.forms import Filled, Form
from gateway.ops.page_route import PageRoute, refusal_page
from gateway.ops.sessions import csrf_of
from wire.permissions import OPS_DECIDE_ITEM

TOLD = {"replay": "replayed", "edit": "edited", "skip": "skipped"}
Decide = Callable[[dict[str, Any], list[Place]], Awaitable[Outcome]]

router = Router(prefix="/ops", include_in_schema=False, route_class=PageRoute)


def parked_desk(
    console: CurrentConsole, visitor: CurrentVisitor, service: Service, language: Language
) -> ParkedDesk:
    """The parked events of the service in the path."""
    return ParkedDesk(console.peers, console.database, visitor, service, language)


CurrentDesk = Annotated[ParkedDesk, Depends(parked_desk)]


def deciding_desk(desk: CurrentDesk, _visitor: DecidingVisitor) -> ParkedDesk:
    """The same, for who may not only look."""
    return desk


DecidingDesk = Annotated[ParkedDesk, Depends(deciding_desk)]


@router.get("/parked/{service}/{parked_id}")
async def parked_event(
    request: Request,
    desk: CurrentDesk,
    parked_id: int,
    now: WallNow,
) -> Response:
    """A parked event with its error, and what can be done with it."""
    return _parked_page(request, desk, await desk.show(parked_id, now))


@router.post("/parked/{service}/{parked_id}/replay")
async def replay(
    request: Request, desk: DecidingDesk, form: Form, parked_id: int, now: WallNow
) -> Response:
    """Replay the event's key."""

    async def decide(event: dict[str, Any], places: list[Place]) -> Outcome:
        return await desk.replay(event, places, form.get("reason", ""))

    return await _decided(request, desk, Filled("replay", form), parked_id, decide, now)


@router.post("/parked/{service}/{parked_id}/edit")
async def edit(
    request: Request, desk: DecidingDesk, form: Form, parked_id: int, now: WallNow
) -> Response:
    """Give the event another body, then replay its key."""

    async def decide(event: dict[str, Any], places: list[Place]) -> Outcome:
        return await desk.edit(event, places, form.get("body", ""), form.get("reason", ""))

    return await _decided(request, desk, Filled("edit", form), parked_id, decide, now)


@router.post("/parked/{service}/{parked_id}/skip")
async def skip(
    request: Request, desk: DecidingDesk, form: Form, parked_id: int, now: WallNow
) -> Response:
    """Leave the event out; replay what waits behind it if the form says so."""

    async def decide(event: dict[str, Any], places: list[Place]) -> Outcome:
        reason, and_rest = form.get("reason", ""), "rest" in form
        return await desk.skip(event, places, reason, and_rest=and_rest)

    return await _decided(request, desk, Filled("skip", form), parked_id, decide, now)


async def _decided(
    request: Request,
    desk: ParkedDesk,
    filled: Filled,
    parked_id: int,
    decide: Decide,
    now: datetime,
) -> Response:
    """Have it decided wherever it was chosen, and say what came of it."""
    try:
        event = await desk.show(parked_id, now)
    except OutsideError as away:
        return refusal_page(request, away, filled)
    try:
        outcome = await decide(event, chosen_places(event["places"], filled.fields))
    except BadFieldError as refusal:
        return _parked_page(request, desk, event, filled, [(None, refusal)])
    if outcome.refused:
        return await _still_parked(request, desk, event, outcome, filled, now)
    if outcome.is_stuck:
        return _told(request, "stuck")
    return _told(request, TOLD[filled.verb], outcome.handled)


async def _still_parked(
    request: Request,
    desk: ParkedDesk,
    event: dict[str, Any],
    outcome: Outcome,
    filled: Filled,
    now: datetime,
) -> Response:
    """The page of an event that is not decided everywhere, with what its services said."""
    open_still = [(place, refusal) for place, refusal in outcome.refused if refusal.status != 404]
    if not open_still:  # somebody else decided meanwhile
        first = outcome.refused[0][1]
        return _told(request, "stuck") if outcome.done else refusal_page(request, first)
    for place, refusal in open_still:
        if isinstance(refusal, OutsideError):
            return _parked_page(request, desk, event, filled, open_still, outcome.done)
        there = desk.at(place)
        found = await there.show(place.parked_id, now)
        if found["state"] == "waiting":
            return _parked_page(request, there, found, filled, open_still, outcome.done)
    return _told(request, "stuck")  # it was handled, and the next of its key was refused


def _told(request: Request, words: str, events: int = 0) -> Response:
    """Back to the console, which says what was done and shows what has come of it."""
    current_console(request).services.looks.outdate()
    return RedirectResponse(f"/ops?told={words}&events={events}", 303)


def _parked_page(
    request: Request,
    desk: ParkedDesk,
    event: dict[str, Any],
    filled: Filled | None = None,
    refused: Sequence[tuple[Place | None, RefusedError]] = (),
    done: Sequence[Place] = (),
) -> Response:
    here = f"/ops/parked/{desk.service}/{event['id']}"
    page = current_console(request).pages.page(
        "parked_event.html",
        desk.language,
        here=here,
        visitor=desk.visitor,
        csrf=csrf_of(desk.visitor.session_id),
        service=desk.service,
        event=event,
        filled=filled,
        refusals=_by_words(refused, desk.language),
        done=[place.consumer for place in done],
        decide_item=OPS_DECIDE_ITEM,
    )
    return HTMLResponse(page, refused[0][1].status if refused else 200)


def _by_words(
    refused: Sequence[tuple[Place | None, RefusedError]], language: str
) -> dict[str, list[str]]:
    """What was said, and by which consumers."""
    by_words: dict[str, list[str]] = {}
    for place, refusal in refused:
        said = by_words.setdefault(refusal.message(language), [])
        said.extend([place.consumer] if place else [])
    return by_words
