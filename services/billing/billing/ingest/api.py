"""The door to files of usage: sent in parts, charged row by row, refused rows told."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from billing.files.sent import QUEUED, receive_part
from billing.ingest.list_refusals import ListRefusals, list_refusals
from billing.ingest.native_answers import (
    UsageFileAnswer,
    UsageRefusalsAnswer,
    native_file,
    native_refusal,
)
from billing.ingest.receive_file import ReceiveUsage, announce_file, find_file
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()
Number = Annotated[int, Path(ge=1, le=1_000_000)]


@router.post("/api/usage-files", response_model=UsageFileAnswer)
async def announce(
    wanted: ReceiveUsage,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Announce a file of usage: its parts are sent next."""
    found = await announce_file(session, principal, wanted, now)
    location = {"Location": f"/api/usage-files/{found.file_id}"}
    return await idempotency.answer(native_file(found), location)


@router.put("/api/usage-files/{file_id}/parts/{number}", response_model=UsageFileAnswer)
async def send_part(
    request: Request,
    file_id: str,
    number: Number,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    parts: CurrentParts,
) -> Response:
    """Send a part of the file, as bytes; behind the last one it is charged."""
    body = await request.body()
    found = await find_file(session, file_id, lock=True)
    await receive_part(session, found, number, body)
    if found.status == QUEUED:
        parts.usage_files.wake()
    return await idempotency.answer(native_file(found))


@router.get("/api/usage-files/{file_id}", response_model=UsageFileAnswer)
async def show(file_id: str, session: HttpSession) -> Response:
    """How far it is, in rows."""
    return JsonAnswer(native_file(await find_file(session, file_id)))


@router.get("/api/usage-files/{file_id}/refusals", response_model=UsageRefusalsAnswer)
async def refusals(
    query: Annotated[ListRefusals, Query()], file_id: str, session: HttpSession
) -> Response:
    """The rows that were refused, each with its line and why."""
    page, following = await list_refusals(session, file_id, query)
    shown = [native_refusal(one) for one in page]
    return JsonAnswer(UsageRefusalsAnswer(refusals=shown, next=following))
