"""The door to the vendor's bills: sent in parts, compared, and decided difference by difference."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from billing.files.sent import QUEUED, receive_part
from billing.parts import CurrentParts
from billing.reconciliation.models import COMPARED, Reconciliation
from billing.reconciliation.native_answers import (
    DifferenceAnswer,
    DifferencesAnswer,
    ReconciliationAnswer,
    ReconciliationsAnswer,
    native_difference,
    native_reconciliation,
)
from billing.reconciliation.receive_bill import (
    ReceiveBill,
    announce_bill,
    find_reconciliation,
)
from billing.reconciliation.show_reconciliations import (
    DecideDifference,
    ListDifferences,
    ListReconciliations,
    count_open,
    decide_difference,
    list_differences,
    list_reconciliations,
)
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()
Number = Annotated[int, Path(ge=1, le=1_000_000)]


@router.post("/api/vendor-bills", response_model=ReconciliationAnswer)
async def announce(
    wanted: ReceiveBill,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Announce a vendor's bill: its parts are sent next."""
    found = await announce_bill(session, principal, wanted, now)
    location = {"Location": f"/api/reconciliations/{found.reconciliation_id}"}
    return await idempotency.answer(native_reconciliation(found, None), location)


@router.put(
    "/api/vendor-bills/{reconciliation_id}/parts/{number}", response_model=ReconciliationAnswer
)
async def send_part(
    request: Request,
    reconciliation_id: str,
    number: Number,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    parts: CurrentParts,
) -> Response:
    """Send a part of the file, as bytes; behind the last one it is read and compared."""
    body = await request.body()
    found = await find_reconciliation(session, principal, reconciliation_id, lock=True)
    await receive_part(session, found, number, body)
    if found.status == QUEUED:
        parts.reconciliations.wake()
    return await idempotency.answer(native_reconciliation(found, None))


@router.get("/api/reconciliations", response_model=ReconciliationsAnswer)
async def reconciliations(
    query: Annotated[ListReconciliations, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The vendor's bills that were sent, the newest first."""
    page, following = await list_reconciliations(session, principal, query)
    shown = [native_reconciliation(one, await _open_of(session, one)) for one in page]
    return JsonAnswer(ReconciliationsAnswer(reconciliations=shown, next=following))


@router.get("/api/reconciliations/{reconciliation_id}", response_model=ReconciliationAnswer)
async def show(
    reconciliation_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """How far it is, what both sides come to, and how many differences there are."""
    found = await find_reconciliation(session, principal, reconciliation_id)
    return JsonAnswer(native_reconciliation(found, await _open_of(session, found)))


@router.get(
    "/api/reconciliations/{reconciliation_id}/differences", response_model=DifferencesAnswer
)
async def differences(
    reconciliation_id: str,
    query: Annotated[ListDifferences, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """Where the two bills differ, each row beside the other."""
    page, following = await list_differences(session, principal, reconciliation_id, query)
    shown = [native_difference(one) for one in page]
    return JsonAnswer(DifferencesAnswer(differences=shown, next=following))


@router.put(
    "/api/reconciliations/{reconciliation_id}/differences/{number}/state",
    response_model=DifferenceAnswer,
)
async def decide(
    wanted: DecideDifference,
    reconciliation_id: str,
    number: Number,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Say of a difference that it is explained, accepted or disputed."""
    decided = await decide_difference(session, principal, reconciliation_id, number, wanted, now)
    return await idempotency.answer(native_difference(decided))


async def _open_of(session: HttpSession, found: Reconciliation) -> int | None:
    if found.status != COMPARED:
        return None
    return await count_open(session, found.reconciliation_id)
