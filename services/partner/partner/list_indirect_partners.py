"""A tier-1 distributor's resellers, as the vendor's API lists them."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.tenancy import NotOwnResellerError
from partner.models import Partner
from wire.operations import operation
from wire.paging import check_page
from wire.times import next_second
from wire.types import Instant, WireAnswer, WireRequest

OPERATION = "list_indirect_partners"


class ListIndirectPartners(WireRequest, operation=OPERATION):
    """Filters and page; both ends of the association time belong to it."""

    account_name: str | None = None
    associated_on_begin: Instant | None = None
    associated_on_end: Instant | None = None
    indirect_partner_id: str | None = None
    offset: int | None = None
    limit: int | None = None


class IndirectPartner(WireAnswer):
    """One reseller, as the SDK's IndirectPartnerInfo reads it."""

    indirect_partner_id: str
    mobile_phone: str | None
    email: str | None
    account_name: str
    name: str
    associated_on: Instant
    account_manager_id: str | None
    account_manager_name: str | None


async def list_indirect_partners(
    session: AsyncSession, distributor_id: str, wanted: ListIndirectPartners
) -> tuple[list[IndirectPartner], int]:
    """The page's resellers, first associated first, and how many there are in all.

    Raises:
        NotOwnResellerError: `indirect_partner_id` is not one of the distributor's.

    """
    own = Partner.distributor_id == distributor_id
    if wanted.indirect_partner_id is not None:
        named = select(Partner.partner_id).where(
            own, Partner.partner_id == wanted.indirect_partner_id
        )
        if await session.scalar(named) is None:
            raise NotOwnResellerError
    matching = [own, *_filters(wanted)]
    page = check_page(operation(OPERATION), wanted.limit, wanted.offset)
    count = await session.scalar(select(func.count()).select_from(Partner).where(*matching))
    rows = await session.execute(
        select(*_COLUMNS)
        .where(*matching)
        .order_by(Partner.joined_on, Partner.partner_id)
        .limit(page.limit)
        .offset(page.offset)
    )
    return [IndirectPartner(**row) for row in rows.mappings()], count or 0


_COLUMNS: tuple[ColumnElement[Any], ...] = (
    Partner.partner_id.label("indirect_partner_id"),
    Partner.mobile.label("mobile_phone"),
    Partner.email.label("email"),
    Partner.account_name.label("account_name"),
    Partner.name.label("name"),
    Partner.joined_on.label("associated_on"),
    Partner.account_manager_id.label("account_manager_id"),
    Partner.account_manager_name.label("account_manager_name"),
)


def _filters(wanted: ListIndirectPartners) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if wanted.indirect_partner_id is not None:
        filters.append(Partner.partner_id == wanted.indirect_partner_id)
    if wanted.account_name is not None:
        filters.append(Partner.account_name == wanted.account_name)
    if wanted.associated_on_begin is not None:
        filters.append(Partner.joined_on >= wanted.associated_on_begin)
    if wanted.associated_on_end is not None:
        filters.append(Partner.joined_on < next_second(wanted.associated_on_end))
    return filters
