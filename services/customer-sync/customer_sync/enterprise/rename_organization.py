"""A master calls a unit of its organisation otherwise."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.identity import Principal
from customer_sync.enterprise.add_organization import NAME_LENGTH_MAX
from customer_sync.enterprise.find_master import find_master, find_organization
from customer_sync.enterprise.models import Organization


class RenameOrganization(BaseModel):
    """The body of PATCH /api/enterprise/organizations/{id}."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)


async def rename_organization(
    session: AsyncSession,
    principal: Principal,
    organization_id: str,
    wanted: RenameOrganization,
    now: datetime,
) -> Organization:
    """The unit under its new name; the root may be named too.

    Raises:
        WrongPrincipalError: no enterprise master.
        ForeignOrganizationError: not the caller's.

    """
    master = await find_master(session, principal, lock=True)
    organization = await find_organization(session, master, organization_id)
    if organization.name != wanted.name:
        organization.name = wanted.name
        audit.record(session, principal, "enterprise.rename_organization", organization.id, now)
    return organization
