"""The door to what customers see of their bills, and partners of their customers' months."""

from typing import Annotated

from fastapi import Header, Query
from fastapi.responses import Response

from billing.bills.list_monthly_bills import ListMonthlyBills, list_monthly_bills
from billing.parts import CurrentParts
from billing.records.list_fee_records import ListFeeRecords, list_fee_records
from billing.records.list_record_details import ListRecordDetails, list_record_details
from billing.records.list_resource_records import ListResourceRecords, list_resource_records
from billing.records.names import Names
from billing.records.show_monthly_sum import ShowMonthlySum, show_monthly_sum
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router

router = Router()

XLanguage = Annotated[str | None, Header()]


@router.get("/v2/bills/partner-bills/subcustomer-bills/monthly-sum")
async def subcustomer_monthly_bills(
    query: Annotated[ListMonthlyBills, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_subcustomer_monthly_bills."""
    return JsonAnswer(await list_monthly_bills(session, principal, query, now))


@router.get("/v2/bills/customer-bills/monthly-sum")
async def customer_monthly_sum(
    query: Annotated[ShowMonthlySum, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """show_customer_monthly_sum."""
    return JsonAnswer(await show_monthly_sum(session, principal, query, now))


@router.get("/v2/bills/customer-bills/fee-records")
async def fee_records(
    query: Annotated[ListFeeRecords, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_customer_bills_fee_records."""
    names = Names.told(parts.catalogue, x_language)
    return JsonAnswer(await list_fee_records(session, principal, names, query, now))


@router.get("/v2/bills/customer-bills/res-fee-records")
async def resource_records(
    query: Annotated[ListResourceRecords, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_customerself_resource_records."""
    names = Names.told(parts.catalogue, x_language)
    return JsonAnswer(await list_resource_records(session, principal, names, query, now))


@router.post("/v2/bills/customer-bills/res-records/query")
async def resource_record_details(
    body: ListRecordDetails,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
    x_language: XLanguage = None,
) -> Response:
    """list_customerself_resource_record_details."""
    names = Names.told(parts.catalogue, x_language)
    return JsonAnswer(await list_record_details(session, principal, names, body, now))
