"""The door to on-demand usage."""

from fastapi.responses import Response

from billing.prices.api import CurrentCatalogue
from billing.usage.record_usage import UsageRecords, record_usage
from chassis import audit
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, WrongPrincipalError
from chassis.routes import Router

router = Router()


@router.post("/api/usage-records")
async def usage_records(
    body: UsageRecords,
    principal: CurrentPrincipal,
    session: HttpSession,
    catalogue: CurrentCatalogue,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Rate and charge on-demand usage."""
    if not principal.is_administrator:
        raise WrongPrincipalError
    lines = await record_usage(session, catalogue, body.records, now)
    audit.record(session, principal, "record_usage", f"{len(lines)} records", now)
    return await idempotency.answer(201, {"lines": lines})
