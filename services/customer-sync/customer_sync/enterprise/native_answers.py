"""What the native API shows of enterprises."""

from datetime import datetime

from customer_sync.enterprise.models import Member, Organization
from wire.native import NativeAnswer


class OrganizationAnswer(NativeAnswer):
    """A unit of a master's organisation; the root has none above it."""

    master_id: str
    organization_id: str
    parent_id: str | None
    name: str | None


class LeavingAnswer(NativeAnswer):
    """A member that left."""

    customer_id: str
    status: int
    left_at: datetime


def native_organization(unit: Organization) -> OrganizationAnswer:
    """The unit as it is."""
    return OrganizationAnswer.of(unit, organization_id=unit.id)


def native_leaving(left: Member) -> LeavingAnswer:
    """Since when it is gone."""
    return LeavingAnswer.of(left)
