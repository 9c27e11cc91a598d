"""The door to on-demand usage."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from fastapi.responses import Response

from billing.parts import CurrentParts
from billing.usage.record_usage import record_usage
from billing.usage.records import RecordUsage, UsageAnswer
from billing.usage_coupons.shares import Shares
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


async def _reserved(body: RecordUsage, parts: CurrentParts, now: Now) -> AsyncIterator[Shares]:
    async with parts.usage_coupons.reserved(body.records, now) as shares:
        yield shares


# Before the session and its turn at the records: it ends behind the session's commit.
CurrentShares = Annotated[Shares, Depends(_reserved, scope="function")]


@router.post("/api/usage-records", response_model=UsageAnswer)
async def usage_records(
    body: RecordUsage,
    shares: CurrentShares,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Rate and charge on-demand usage."""
    lines = await record_usage(session, principal, parts.catalogue, body.records, now, shares)
    return await idempotency.answer(UsageAnswer(lines=lines))
