"""`GET /api/events`."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from gateway.feed.read_events import FeedPage, read_events
from gateway.forwarding.unless_gone import unless_gone

router = Router(prefix="/api/events")


@router.get("")
async def events(
    request: Request, principal: CurrentPrincipal, page: Annotated[FeedPage, Query()]
) -> Response:
    """What happened after a cursor, in order and without gaps, the caller's own alone.

    The first call names no cursor (everything that is kept) or `after=latest` (from now on); each
    following one names the `next` of the one before, also when it brought nothing. `types` takes
    types by comma, `order.*` for a family. With `wait_seconds` an answer without events waits for
    one. Ids are those in Kafka: who reads both, or reads twice, tells them apart by id.

    Events are kept for 30 days. A cursor from before that is refused with 410 CHB.0410: take a new
    one by `after=latest`, read `GET /api/customers` to its end, go on from the new cursor. An event
    whose content was erased stays as a tombstone: its id and attributes, `"tombstone": true`, no
    `data`; a reader that kept the data drops it.
    """
    state = request.app.state
    reading = read_events(state.database, state.feed_watch, principal, page)
    return JsonAnswer(await unless_gone(request.receive, reading))
