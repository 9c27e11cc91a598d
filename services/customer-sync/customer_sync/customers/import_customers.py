"""A partner brings many customers at once: accounts, associations, labels and account managers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from customer_sync.customers.change_customer import AccountManager
from customer_sync.customers.create_sub_customer import (
    AnyNewCustomer,
    add_customer,
    check_fields,
    check_partner,
    model_of,
)
from customer_sync.customers.models import Customer
from customer_sync.find_partner import find_partner
from customer_sync.settings import CustomerSyncSettings
from wire.types import error_of

CUSTOMERS_MAX = 100


class ImportedCustomer(BaseModel):
    """One of them, with the names of create_sub_customer.

    No phone and no mailbox: each would need a code of its own.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    xaccount_id: str
    xaccount_type: str
    domain_name: str | None = None
    domain_area: str | None = Field(default=None, description="international site: ISO 3166")
    cooperation_type: str | None = None
    label: str | None = Field(default=None, max_length=64)
    account_manager: AccountManager | None = None


class ImportCustomers(BaseModel):
    """The body of POST /api/customers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customers: list[ImportedCustomer] = Field(min_length=1, max_length=CUSTOMERS_MAX)
    indirect_partner_id: str | None = None


async def import_customers(
    session: AsyncSession,
    principal: Principal,
    wanted: ImportCustomers,
    settings: CustomerSyncSettings,
    now: datetime,
) -> Sequence[Customer]:
    """All of them or none; states `customer.registered` and `customer.associated` of each.

    Raises:
        RefusedError: as create_sub_customer, of the first that cannot be made.

    """
    partner = await find_partner(session, principal, wanted.indirect_partner_id)
    await check_partner(session, partner)
    made = []
    for imported in wanted.customers:
        new = _as_created(imported, principal.site)
        check_fields(new)
        described = _described(imported)
        made.append(
            await add_customer(session, principal, partner, new, settings, now, **described)
        )
    return made


def _as_created(imported: ImportedCustomer, site: str) -> AnyNewCustomer:
    told: dict[str, Any] = imported.model_dump(
        exclude={"label", "account_manager"}, exclude_none=True
    )
    try:
        return model_of(site).model_validate(told)
    except ValidationError as error:
        code, field = error_of(error.errors())
        raise RefusedError(f"customers.{field} ({imported.xaccount_id})", code=code) from error


def _described(imported: ImportedCustomer) -> dict[str, str | None]:
    manager = imported.account_manager
    return {
        "label": imported.label or None,
        "account_manager_id": manager.id if manager else None,
        "account_manager_name": manager.name if manager else None,
    }
