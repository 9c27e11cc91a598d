"""The door to packages."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.packages.list_deductions import ListDeductions, list_deductions
from order.packages.list_items import ListItems, list_items
from order.packages.list_packages import NO_FILTER, ListPackages, list_packages
from order.packages.shown import deduction_record, item_detail, package_info

router = Router()


@router.post("/v3/payments/free-resources/query")
async def packages(
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    query: ListPackages = NO_FILTER,
) -> Response:
    """list_free_resource_infos: packages with what is left of their items."""
    page = await list_packages(session, principal, query, now)
    shown = [package_info(package, now) for package in page.packages]
    return JsonAnswer({"free_resource_packages": shown, "total_count": page.total_count})


@router.post("/v2/payments/free-resources/usages/details/query")
async def items(
    query: ListItems, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """list_free_resource_usages: what is left of items in their present cycle."""
    rows = await list_items(session, principal, query)
    return JsonAnswer({"free_resources": [item_detail(*row, now) for row in rows]})


@router.get("/v2/bills/customer-bills/free-resources-usage-records")
async def deductions(
    query: Annotated[ListDeductions, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_free_resources_usage_records: what was taken from packages, and for what."""
    page = await list_deductions(session, principal, query)
    shown = [deduction_record(row) for row in page.deductions]
    return JsonAnswer({"free_resource_records": shown, "total_count": page.total_count})
