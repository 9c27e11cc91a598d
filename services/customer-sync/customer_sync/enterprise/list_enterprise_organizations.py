"""list_enterprise_organizations: a master's organisation, from its root or from a unit on."""

from collections import defaultdict
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from customer_sync.enterprise.find_master import find_master, find_organization
from customer_sync.enterprise.models import Organization
from wire.types import WireQuery

_Below = dict[str | None, list[Organization]]  # by the unit above


class ListEnterpriseOrganizations(WireQuery, operation="list_enterprise_organizations"):
    """Where the list begins, and whether it goes all the way down (1) or one level (0)."""

    recursive_query: int = 0
    parent_id: str | None = Field(default=None, pattern=r"\A[0-9]{1,20}\Z")


async def list_enterprise_organizations(
    session: AsyncSession, principal: Principal, wanted: ListEnterpriseOrganizations
) -> dict[str, Any]:
    """The root is named only where the list begins at it; oldest units first.

    Raises:
        WrongPrincipalError: no enterprise master.
        ForeignOrganizationError: `parent_id` is not the caller's.

    """
    master = await find_master(session, principal)
    start = await find_organization(session, master, wanted.parent_id)
    below: _Below = defaultdict(list)
    units = select(Organization).where(Organization.master_id == master.id)
    for unit in await session.scalars(units.order_by(Organization.created_at, Organization.id)):
        below[unit.parent_id].append(unit)
    shown: dict[str, Any] = {}
    if wanted.parent_id is None:
        shown["root_id"] = start.id
        if start.name is not None:
            shown["root_name"] = start.name
    shown["child_nodes"] = _nodes(below, start.id, recursive=wanted.recursive_query == 1)
    return shown


def _nodes(below: _Below, unit_id: str, *, recursive: bool) -> list[dict[str, Any]]:
    """As deep as DEPTH_MAX allowed. Without recursion nothing is said of what lies further down."""
    nodes: list[dict[str, Any]] = []
    for unit in below[unit_id]:
        node: dict[str, Any] = {"relation_id": unit.relation_id, "id": unit.id, "name": unit.name}
        if recursive:
            node["child_nodes"] = _nodes(below, unit.id, recursive=True)
        nodes.append(node)
    return nodes
