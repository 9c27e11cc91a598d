"""The door to partners' bills: lists, lines and statements, and their sum abroad."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request
from fastapi.responses import Response

from billing.copies import Partner
from billing.partner_bills.explain_bill import BillExplanation, ExplainBill, explain_bill
from billing.partner_bills.find_bill import find_bill
from billing.partner_bills.list_bills import (
    ListBillLines,
    ListPartnerBills,
    PartnerBillLines,
    PartnerBills,
    list_bill_lines,
    list_bills,
)
from billing.partner_bills.statements import Asked, Kind, Statement, make_statement
from billing.partner_bills.sum_postpaid_bill import SumPostpaidBill, sum_postpaid_bill
from billing.partner_bills.write_statement import WRITERS
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.errors import BadFieldError
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from wire.times import parse_cycle
from wire.types import NativeQuery

router = Router()
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for _, media in WRITERS.values()}, "description": "the file"}
}


class AskStatement(NativeQuery):
    """Which version of the bill, and of the kind `customer` whose."""

    number: int | None = None
    customer_id: str | None = None


class AskStatementFile(AskStatement):
    """The same as a file; the language is the request's."""

    format: Literal["xlsx", "pdf"]


def _cycle(cycle: Annotated[str, Path()]) -> str:
    try:
        return parse_cycle(cycle)
    except ValueError as error:
        raise BadFieldError("cycle", "not a cycle like 2026-11") from error


WantedCycle = Annotated[str, Depends(_cycle)]


@router.get("/v2/bills/partner-bills/postpaid-bill-summary")
async def postpaid_sum(
    query: Annotated[SumPostpaidBill, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_postpaid_bill_sum."""
    return JsonAnswer(await sum_postpaid_bill(session, principal, query, now))


@router.get("/api/partner-bills", response_model=PartnerBills)
async def bills(
    query: Annotated[ListPartnerBills, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """Bills of partners, every version; the newest first."""
    return JsonAnswer(await list_bills(session, principal, query))


@router.get("/api/partner-bills/{partner_id}/{cycle}/lines", response_model=PartnerBillLines)
async def lines(
    partner_id: str,
    cycle: WantedCycle,
    query: Annotated[ListBillLines, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The lines of a bill by trade time."""
    return JsonAnswer(await list_bill_lines(session, principal, partner_id, cycle, query))


@router.get("/api/partner-bills/{partner_id}/{cycle}/explanation", response_model=BillExplanation)
async def explanation(
    partner_id: str,
    cycle: WantedCycle,
    query: Annotated[ExplainBill, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """How a bill comes to its sum, from the total down to its lines."""
    return JsonAnswer(await explain_bill(session, principal, partner_id, cycle, query))


async def _statement(
    partner_id: str, cycle: str, kind: Kind, query: AskStatement,
    principal: CurrentPrincipal, session: HttpSession,
) -> Statement:  # fmt: skip
    if (kind == "customer") != (query.customer_id is not None):
        raise BadFieldError("customer_id", "goes with the kind customer, and with none else")
    seen = await find_bill(session, principal, partner_id, cycle, query.number)
    partner = await session.get(Partner, partner_id)
    name = (partner.name if partner else None) or partner_id
    return await make_statement(session, principal, seen, Asked(kind, query.customer_id), name)


@router.get("/api/partner-bills/{partner_id}/{cycle}/statements/{kind}", response_model=Statement)
async def statement(
    partner_id: str,
    cycle: WantedCycle,
    kind: Kind,
    query: Annotated[AskStatement, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The sums of a bill by product class, reseller, customer, service or account manager."""
    return JsonAnswer(await _statement(partner_id, cycle, kind, query, principal, session))


@router.get(
    "/api/partner-bills/{partner_id}/{cycle}/statements/{kind}/file",
    response_model=None,
    response_class=Response,
    responses=_FILES,
)
async def statement_file(
    request: Request,
    partner_id: str,
    cycle: WantedCycle,
    kind: Kind,
    query: Annotated[AskStatementFile, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """A statement as a workbook or a PDF, in the language of the request."""
    told = await _statement(partner_id, cycle, kind, query, principal, session)
    write, media_type = WRITERS[query.format]
    language = spoken_language(request.scope["headers"], is_ours=True)
    name = f"{kind}_{cycle}_{told.number}.{query.format}"
    return Response(
        write(told, language),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
