"""The older customer list (docs/domain/customers.md F4): the newer one's rules, in older words.

Here `offset` is no record's index but the page's number, from 1, as the vendor's page says.
"""

from typing import Any, Literal

from pydantic import Field

from chassis.database import Database
from chassis.errors import RefusedError
from chassis.identity import Principal
from customer_sync.search.list_sub_customers import ListSubCustomers, list_sub_customers
from wire.types import Instant, WireRequest

_NAMES = {  # of the newer list → here
    "customer": "name",
    "account_name": "domainName",
    "customer_id": "customerId",
    "associated_on": "cooperationTime",
    "association_type": "cooperationType",
    "label": "label",
    "telephone": "telephone",
    "verified_status": "verifiedStatus",
    "country_code": "countryCode",
    "customer_type": "customerType",
    "is_frozen": "isFrozen",
}


class NotTheCallersPathError(RefusedError):
    """The path names another partner than the caller."""

    code = "CBC.0150"


class ListOlderCustomers(WireRequest, operation="query_customers_old"):
    """The filters, all of which must hold."""

    domain_name: str | None = Field(default=None, alias="domainName")
    name: str | None = None
    label: str | None = None
    cooperation_type: Literal["1", "2"] | None = Field(default=None, alias="cooperationType")
    since: Instant | None = Field(default=None, alias="cooperationTimeStart")
    until: Instant | None = Field(default=None, alias="cooperationTimeEnd")
    customer_id: str | None = Field(default=None, alias="customerId")
    offset: int = 1  # the page's number
    limit: int = 10

    @property
    def newer(self) -> ListSubCustomers:
        """The same wish in the newer list's words; the table has checked it already."""
        return ListSubCustomers.model_construct(
            account_name=self.domain_name,
            customer=self.name,
            label=self.label,
            association_type=self.cooperation_type,
            associated_on_begin=self.since,
            associated_on_end=self.until,
            customer_id=self.customer_id,
            offset=(self.offset - 1) * self.limit,
            limit=self.limit,
        )


NO_FILTER = ListOlderCustomers()  # where the SDK sends no bytes


async def list_older_customers(
    database: Database, principal: Principal, partner_id: str, wanted: ListOlderCustomers
) -> tuple[list[dict[str, Any]], int]:
    """One page of the caller's own customers, and the number of all that match.

    Raises:
        NotTheCallersPathError: the path names somebody else.
        BadFieldError: as of the newer list.

    """
    if partner_id != principal.id:
        raise NotTheCallersPathError
    page, count = await list_sub_customers(database, principal, wanted.newer)
    return [_older(row) for row in page], count


def _older(row: dict[str, Any]) -> dict[str, Any]:
    return {_NAMES[name]: value for name, value in row.items() if name in _NAMES}
