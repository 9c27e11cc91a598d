"""The door to resources."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.database import HttpSession
from chassis.etags import etag, tagged
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.resources.find_resource import ListHistory, find_resource, list_history
from order.resources.find_resources import FindResources, find_resources
from order.resources.list_on_demand_resources import (
    ListOnDemandResources,
    list_on_demand_resources,
)
from order.resources.list_resources import ListResources, list_resources
from order.resources.native_answers import (
    DeedAnswer,
    HistoryAnswer,
    OneResourceAnswer,
    ResourceAnswer,
    ResourcesAnswer,
    one_resource,
)
from order.resources.shown import on_demand_resource, resource_info

router = Router()


@router.post("/v2/orders/suscriptions/resources/query")
async def resources(
    query: ListResources, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_pay_per_use_customer_resources: period resources; the vendor misspelt the path."""
    page = await list_resources(session, principal, query)
    shown = [resource_info(row) for row in page.resources]
    return JsonAnswer({"data": shown, "total_count": page.total_count})


@router.post("/v2/partners/sub-customers/on-demand-resources/query")
async def on_demand(
    query: ListOnDemandResources, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_customer_on_demand_resources: of one customer."""
    page = await list_on_demand_resources(session, principal, query)
    shown = [on_demand_resource(row) for row in page.resources]
    return JsonAnswer({"resources": shown, "total_count": page.total_count})


@router.get("/api/resources", response_model=ResourcesAnswer)
async def search(
    query: Annotated[FindResources, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """Resources of all customers, or of the customer that asks."""
    page, following = await find_resources(session, principal, query)
    shown = [ResourceAnswer.of(row) for row in page]
    return JsonAnswer(ResourcesAnswer(resources=shown, next=following))


@router.get("/api/resources/{resource_id}", response_model=OneResourceAnswer)
async def show(
    request: Request, resource_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """One resource, with what is paid for."""
    resource = await find_resource(session, principal, resource_id)
    return tagged(request, one_resource(resource), etag(resource.version))


@router.get("/api/resources/{resource_id}/history", response_model=HistoryAnswer)
async def history(
    resource_id: str,
    query: Annotated[ListHistory, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """What became of a resource, fact by fact."""
    page, following = await list_history(session, principal, resource_id, query)
    return JsonAnswer(HistoryAnswer(history=[DeedAnswer.of(row) for row in page], next=following))
