"""list_sub_customer_new_tag: whether a partner's customers count as new ones.

See docs/domain/customers.md B.2.
"""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.tenancy import acted_for
from customer_sync.copies import Partner
from customer_sync.customers.models import ASSOCIATED, VERIFIED, Customer, NewCustomerTag
from wire.times import cycle_of
from wire.types import WireRequest

SMB = "SMB"  # the one type there is
NO_LONGER_NEW, UNDETERMINED = "N", "UNDETERMINED"
CUSTOMER_IDS_MAX = 500


class ListNewCustomerTags(WireRequest, operation="list_sub_customer_new_tag"):
    """Of which customers; an empty list is no filter."""

    customer_ids: list[str] = Field(default=[], max_length=CUSTOMER_IDS_MAX)
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


NO_FILTER = ListNewCustomerTags()  # where the SDK sends no bytes


async def list_new_customer_tags(
    session: AsyncSession, principal: Principal, wanted: ListNewCustomerTags, now: datetime
) -> list[dict[str, str]]:
    """One page, newest customers first; ids of others' customers are left out.

    Raises:
        NotOwnResellerError: `indirect_partner_id` names another distributor's reseller.

    """
    owner = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    page = (
        select(
            Customer.id, Customer.verified_status, NewCustomerTag.tag,
            NewCustomerTag.effective_month, NewCustomerTag.expire_month,
        )
        .outerjoin(NewCustomerTag, NewCustomerTag.customer_id == Customer.id)
        .where(Customer.partner_id == owner, Customer.association_status == ASSOCIATED)
        .order_by(Customer.associated_on.desc(), Customer.id.desc())
        .limit(wanted.limit)
        .offset(wanted.offset)
    )  # fmt: skip
    if wanted.customer_ids:
        page = page.where(Customer.id.in_(wanted.customer_ids))
    return [_shown(row, cycle_of(now)) for row in await session.execute(page)]


def _shown(row: Any, month: str) -> dict[str, str]:
    """Without a verified name there is no tag; one that lapsed is N and keeps its months."""
    if row.verified_status != VERIFIED:
        return {"customer_id": row.id}
    known = {"customer_id": row.id, "customer_tag_type": SMB}
    if row.tag is None:
        return {**known, "new_customer_tag": UNDETERMINED}
    return {
        **known,
        "new_customer_tag": NO_LONGER_NEW if row.expire_month < month else row.tag,
        "effective_time": row.effective_month,
        "expire_time": row.expire_month,
    }
