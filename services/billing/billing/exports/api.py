"""The door to exports: asked for, looked after, fetched part by part."""

from typing import Annotated, Any

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from billing.exports.native_answers import ExportAnswer, ExportsAnswer, native_export
from billing.exports.request_export import RequestExport, request_export
from billing.exports.show_exports import (
    ListExports,
    content_of,
    find_export,
    find_part,
    list_exports,
    parts_of,
    stop_export,
)
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()
_A_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "the file"}
}


@router.post("/api/exports", response_model=ExportAnswer)
async def request(
    wanted: RequestExport,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Ask for a file of a cycle's lines."""
    export = await request_export(session, principal, wanted, now)
    parts.exports.wake()
    location = {"Location": f"/api/exports/{export.export_id}"}
    return await idempotency.answer(native_export(export), location)


@router.get("/api/exports", response_model=ExportsAnswer)
async def exports(
    query: Annotated[ListExports, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """The exports that there are, the newest first."""
    page, following = await list_exports(session, principal, query)
    shown = [native_export(one) for one in page]
    return JsonAnswer(ExportsAnswer(exports=shown, next=following))


@router.get("/api/exports/{export_id}", response_model=ExportAnswer)
async def show(export_id: str, principal: CurrentPrincipal, session: HttpSession) -> Response:
    """How far an export is, and its files once it is ready."""
    export = await find_export(session, principal, export_id)
    return JsonAnswer(native_export(export, await parts_of(session, export)))


@router.post("/api/exports/{export_id}/stop", response_model=ExportAnswer)
async def stop(
    export_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Make no further portion."""
    export = await stop_export(session, principal, export_id, now)
    return await idempotency.answer(native_export(export))


@router.get(
    "/api/exports/{export_id}/parts/{number}",
    response_model=None,
    response_class=StreamingResponse,
    responses=_A_FILE,
)
async def fetch(
    export_id: str,
    number: Annotated[int, Path(ge=1)],
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
) -> Response:
    """Fetch one of an export's files; its SHA-256 stands beside it in the export."""
    part = await find_part(session, principal, export_id, number)
    headers = {
        "Content-Length": str(part.bytes),
        "Content-Disposition": f'attachment; filename="{part.file_name}"',
    }
    content = content_of(parts.database, principal, part)
    return StreamingResponse(content, headers=headers, media_type=part.media_type)
