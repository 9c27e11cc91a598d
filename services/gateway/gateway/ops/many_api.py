"""Decisions that were made, many keys at once, and positions: the console's further pages."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from chassis.errors import RefusedError
from chassis.routes import Router
from gateway.forwarding.destinations import Service
from gateway.ops.admitted import (
    CurrentConsole,
    CurrentVisitor,
    DecidingVisitor,
    Language,
    current_console,
)
from gateway.ops.decide_many import Interventions, Selection, Step
from gateway.ops.forms import Filled, Form
from gateway.ops.page_route import PageRoute, page_address
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor, csrf_of
from gateway.ops.show_decisions import show_decisions
from wire.permissions import OPS_DECIDE_ITEM

router = Router(prefix="/ops", include_in_schema=False, route_class=PageRoute)

Text = Annotated[str, Query(max_length=1000)]


@router.get("/decisions")
async def decisions(
    request: Request,
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    service: Service | None = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """Who decided what, when and why; older ones of one service at a time."""
    shown = await show_decisions(
        console.peers, console.database, visitor, service=service, before=before
    )
    content = {"shown": shown, "service": service, "services": list(Service)}
    return _page(request, visitor, language, "decisions.html", content)


@router.get("/replay-all")
async def replay_all_page(
    request: Request,
    visitor: CurrentVisitor,
    language: Language,
    service: str = "",
    error: Text = "",
) -> Response:
    """The form that replays many keys."""
    filled = Filled("replay-all", {"service": service, "error": error})
    return _replay_all_page(request, visitor, language, filled)


@router.post("/replay-all")
async def replay_all(
    request: Request,
    console: CurrentConsole,
    visitor: DecidingVisitor,
    language: Language,
    form: Form,
) -> Response:
    """Replay every parked key, or those whose error holds a text."""
    filled = Filled("replay-all", form)
    try:
        selection = Selection.of(form)
        done = await Interventions(console.peers, visitor, language).replay_all(selection)
    except RefusedError as refusal:
        return _replay_all_page(request, visitor, language, filled, refusal)
    console.services.looks.outdate()
    told = f"told=many&events={done.events}&keys={done.keys}&failing={done.still_failing}"
    return RedirectResponse(f"/ops?{told}", 303)


@router.get("/positions")
async def positions(
    request: Request,
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    service: str = "",
    consumer: Text = "",
    stream: Text = "",
    partition: Text = "",
    offset: Text = "",
) -> Response:
    """Where consumers stand that are not at the end, and the form that steps over one offset."""
    given = {"service": service, "consumer": consumer, "stream": stream}
    filled = Filled("step-over", {**given, "partition": partition, "offset": offset})
    return await _positions_page(request, console.peers, visitor, language, filled)


@router.post("/positions")
async def step_over(
    request: Request,
    console: CurrentConsole,
    visitor: DecidingVisitor,
    language: Language,
    form: Form,
) -> Response:
    """Leave out the one offset at which a consumer stands."""
    try:
        step = Step.of(form)
        await Interventions(console.peers, visitor, language).step_over(step)
    except RefusedError as refusal:
        filled = Filled("step-over", form)
        return await _positions_page(request, console.peers, visitor, language, filled, refusal)
    console.services.looks.outdate()
    return RedirectResponse("/ops?told=stepped_over", 303)


def _replay_all_page(
    request: Request,
    visitor: Visitor,
    language: str,
    filled: Filled,
    refusal: RefusedError | None = None,
) -> Response:
    content = {"filled": filled.fields, "services": list(Service)}
    return _page(request, visitor, language, "replay_all.html", content, refusal)


async def _positions_page(
    request: Request,
    peers: Peers,
    visitor: Visitor,
    language: str,
    filled: Filled,
    refusal: RefusedError | None = None,
) -> Response:
    found = await Interventions(peers, visitor, language).positions()
    content = {"filled": filled.fields, "services": list(Service), "positions": found}
    return _page(request, visitor, language, "positions.html", content, refusal)


def _page(
    request: Request,
    visitor: Visitor,
    language: str,
    template: str,
    content: Mapping[str, Any],
    refusal: RefusedError | None = None,
) -> Response:
    page = current_console(request).pages.page(
        template,
        language,
        here=page_address(request),
        visitor=visitor,
        csrf=csrf_of(visitor.session_id),
        refusal=refusal.message(language) if refusal else "",
        decide_item=OPS_DECIDE_ITEM,
        **content,
    )
    return HTMLResponse(page, refusal.status if refusal else 200)
