"""The door to lines of bills and to how they came about."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.explanations.explain_line import explain_line
from billing.explanations.list_bill_lines import ListBillLines, list_bill_lines
from billing.explanations.native_answers import BillLineExplanation, BillLinesAnswer
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()


@router.get("/api/bill-lines", response_model=BillLinesAnswer)
async def bill_lines(
    query: Annotated[ListBillLines, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """A customer's lines of a cycle with their sum, also as they were known at an instant."""
    return JsonAnswer(await list_bill_lines(session, principal, query))


@router.get("/api/bill-lines/{line_id}/explanation", response_model=BillLineExplanation)
async def explanation(
    line_id: str, principal: CurrentPrincipal, session: HttpSession, parts: CurrentParts
) -> Response:
    """How a line came about: source, price, formula, packages, payments, changes, corrections."""
    return JsonAnswer(await explain_line(session, principal, parts.catalogue, line_id))
