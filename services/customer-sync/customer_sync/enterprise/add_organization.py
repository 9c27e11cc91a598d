"""A master adds a unit to its organisation."""

import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.identity import Principal
from customer_sync.customers.models import StateConflictError
from customer_sync.enterprise.find_master import find_master, find_organization
from customer_sync.enterprise.models import Organization

NAME_LENGTH_MAX = 64  # characters
ORGANIZATIONS_MAX = 1000  # units of one master: the tree is answered whole
DEPTH_MAX = 10  # levels below the root
_DIGITS = 18  # of an id; a party_id has 20 at most


class AddOrganization(BaseModel):
    """The body of POST /api/enterprise/organizations; below the root unless a parent is named."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    parent_id: str | None = Field(default=None, max_length=20)


def new_number() -> str:
    """An id of digits only, as the wire asks for; that no two are equal is the key's to see."""
    first = 10 ** (_DIGITS - 1)
    return str(first + secrets.randbelow(9 * first))


async def add_organization(
    session: AsyncSession, principal: Principal, wanted: AddOrganization, now: datetime
) -> Organization:
    """The new unit.

    Raises:
        WrongPrincipalError: no enterprise master.
        ForeignOrganizationError: the parent is not the caller's.
        StateConflictError: the organisation is as large or as deep as one may be.

    """
    master = await find_master(session, principal, lock=True)
    parent = await find_organization(session, master, wanted.parent_id)
    if parent.depth >= DEPTH_MAX:
        raise StateConflictError(f"{DEPTH_MAX} levels at most")
    counted = select(func.count()).where(Organization.master_id == master.id)
    if (await session.scalar(counted) or 0) >= ORGANIZATIONS_MAX:
        raise StateConflictError(f"{ORGANIZATIONS_MAX} units at most")
    added = Organization(
        id=new_number(),
        relation_id=new_number(),
        partner_id=master.partner_id,
        distributor_id=master.distributor_id,
        master_id=master.id,
        parent_id=parent.id,
        name=wanted.name,
        depth=parent.depth + 1,
        created_at=now,
    )
    session.add(added)
    audit.record(session, principal, "enterprise.add_organization", added.id, now)
    return added
