"""The pages of what goes on by itself: schedules, order's jobs, vouchers."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from chassis.routes import Router
from gateway.ops.admitted import (
    CurrentConsole,
    CurrentVisitor,
    DecidingVisitor,
    Language,
    current_console,
)
from gateway.ops.forms import Form
from gateway.ops.page_route import PageRoute, page_address
from gateway.ops.sessions import Visitor, csrf_of
from gateway.ops.show_jobs import Work
from gateway.ops.show_schedules import show_schedules
from gateway.ops.show_vouchers import show_vouchers
from wire.permissions import OPS_DECIDE_ITEM

router = Router(prefix="/ops", include_in_schema=False, route_class=PageRoute)

After = Annotated[str, Query(max_length=1000)]


@router.get("/schedules")
async def schedules(
    request: Request, console: CurrentConsole, visitor: CurrentVisitor, language: Language
) -> Response:
    """When each schedule last ran, and how far behind it is."""
    shown = show_schedules(await console.services.looks.fresh())
    return _page(request, visitor, language, "schedules.html", {"shown": shown})


@router.get("/vouchers")
async def vouchers(
    request: Request, console: CurrentConsole, visitor: CurrentVisitor, language: Language
) -> Response:
    """What went out and came back, what is held, what runs low, the ledger's proof."""
    shown = await show_vouchers(console.peers, visitor, language)
    return _page(request, visitor, language, "vouchers.html", {"shown": shown})


@router.get("/jobs")
async def jobs(
    request: Request,
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    after: After = "",
) -> Response:
    """Order's jobs, the newest first."""
    shown = await Work(console.peers, visitor, language).jobs(after)
    return _page(request, visitor, language, "jobs.html", {"shown": shown})


@router.get("/jobs/{job_id}")
async def job(
    request: Request,
    job_id: str,
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    after: After = "",
) -> Response:
    """How far one job is, and what failed of it."""
    shown = await Work(console.peers, visitor, language).job(job_id, after)
    return _page(request, visitor, language, "job.html", {"shown": shown})


@router.post("/jobs/{job_id}/stop")
async def stop(
    job_id: str,
    console: CurrentConsole,
    visitor: DecidingVisitor,
    language: Language,
    _form: Form,
) -> Response:
    """Begin no further item."""
    await Work(console.peers, visitor, language).stop(job_id)
    return RedirectResponse(f"/ops/jobs/{quote(job_id, safe='')}", 303)


def _page(
    request: Request, visitor: Visitor, language: str, template: str, content: Mapping[str, Any]
) -> Response:
    page = current_console(request).pages.page(
        template,
        language,
        here=page_address(request),
        visitor=visitor,
        csrf=csrf_of(visitor.session_id),
        decide_item=OPS_DECIDE_ITEM,
        **content,
    )
    return HTMLResponse(page)
