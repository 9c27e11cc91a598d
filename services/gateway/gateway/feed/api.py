"""`GET /api/events`."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from gateway.feed.native_answers import EventsAnswer
from gateway.feed.read_events import ReadEvents, read_events
from gateway.parts import CurrentParts
from gateway.unless_gone import unless_gone

router = Router(prefix="/api/events")


@router.get("", response_model=EventsAnswer)
async def events(
    request: Request,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    page: Annotated[ReadEvents, Query()],
) -> Response:
    """What happened after a cursor, in order and without gaps, the caller's own alone.

    The first call names no cursor (everything that is kept) or `after=latest` (from now on); each
    following one names the `next` of the one before, also when it brought nothing. `types` takes
    types by comma, `order.*` for a family. With `wait_seconds` an answer without events waits for
    one. Ids are those in Kafka: who reads both, or reads twice, tells them apart by id.

    `withheld` names the caller's keys of which events wait for an operator, the oldest hundred:
    `stream`, `key`, `since`, how many `events`. They come, once replayed, behind what is here by
    then, in their order; one that is skipped never comes. `as_of` is the instant up to which all
    else that was sent is in the feed.

    `data` holds what the caller may read: a partner no internal references, a customer the facts
    about itself, without its partner's notes and quotas and without what another account paid
    with. An event that holds nothing for the caller is left out.

    Events are kept for 30 days. A cursor from before that is refused with 410 CHB.0410: take a new
    one by `after=latest`, read `GET /api/customers` to its end, go on from the new cursor. An event
    whose content was erased stays as a tombstone: its id and attributes, `"tombstone": true`, no
    `data`; a reader that kept the data drops it.
    """
    reading = read_events(parts.database, parts.feed_watch, principal, page)
    return JsonAnswer(await unless_gone(request.receive, reading))
