"""Ask for a file of a cycle's lines; it is made afterwards, by whichever replica is free."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Partner
from billing.exports.models import PARTNER_OWES, QUEUED, RUNNING, Export
from billing.settlement.models import PUBLISHED, SETTLED, Settlement
from chassis import audit, copies
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from wire.times import cycle_of
from wire.types import Cycle, Id, WireRequest

UNDER_WAY_MAX = 10  # exports of an account
Format = Literal["csv", "xlsx", "parquet", "focus"]
View = Literal["customers_pay", "partner_owes"]
Language = Literal["zh", "en"]


class TooManyExportsError(RefusedError):
    """So many are under way for the account."""

    code = "CHB.0409"


class NotSettledError(RefusedError):
    """What the partner owes is known once the cycle's bill is settled."""

    code = "CHB.0409"


class PartnerUnknownError(NotFoundError):
    """There is no such partner account."""


class RequestExport(WireRequest):
    """The body of POST /api/exports; `partner_id` is for the administrator, who has to name it."""

    model_config = ConfigDict(extra="forbid")

    cycle: Cycle
    format: Format = "csv"
    view: View = "customers_pay"
    language: Language = "zh"
    partner_id: Id | None = None


async def request_export(
    session: AsyncSession, principal: Principal, wanted: RequestExport, now: datetime
) -> Export:
    """Queue it.

    Raises:
        BadFieldError: the cycle lies ahead; the administrator named no partner.
        PartnerUnknownError, TooManyExportsError, NotSettledError

    """
    partner = await find_named_partner(session, principal, wanted.partner_id)
    if wanted.cycle > cycle_of(now):
        raise BadFieldError("cycle", "is in the future")
    await _check_under_way(session, partner.partner_id)
    export = await queue_export(
        session, partner, wanted.cycle, wanted.format, wanted.view, wanted.language, now
    )
    audit.record(
        session, principal, "export.request", export.export_id, now,
        cycle=export.cycle, format=export.format, view=export.view,
    )  # fmt: skip
    return export


async def queue_export(
    session: AsyncSession,
    partner: Partner,
    cycle: str,
    format_: str,
    view: str,
    language: str,
    now: datetime,
    subscription_id: str | None = None,
) -> Export:
    """The export as it waits to be made.

    Raises:
        NotSettledError: what the partner owes is not known yet.

    """
    settlement_id = None
    if view == PARTNER_OWES:
        settlement_id = await _settled(session, partner.partner_id, cycle)
    export = Export(
        export_id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        site=partner.site,
        cycle=cycle,
        format=format_,
        view=view,
        language=language,
        settlement_id=settlement_id,
        subscription_id=subscription_id,
        status=QUEUED,
        known_at=now,
        rows_done=0,
        portion=0,
        is_whole=False,
        tries=0,
        created_at=now,
        version=1,
    )
    session.add(export)
    await session.flush()
    return export


async def _settled(session: AsyncSession, partner_id: str, cycle: str) -> str:
    """The newest bill of the partner for the cycle that is settled."""
    found: str | None = await session.scalar(
        select(Settlement.settlement_id).where(
            Settlement.partner_id == partner_id,
            Settlement.cycle == cycle,
            Settlement.is_current,
            Settlement.state.in_((SETTLED, PUBLISHED)),
        )
    )
    if found is None:
        raise NotSettledError("the cycle's partner bill is not settled")
    return found


async def find_named_partner(
    session: AsyncSession, principal: Principal, named: str | None
) -> Partner:
    """The partner itself, or the one that the administrator names.

    Raises:
        BadFieldError: the administrator named none, or a partner another one.
        PartnerUnknownError

    """
    if principal.is_administrator and named is None:
        raise BadFieldError("partner_id", "missing")
    if not principal.is_administrator and named not in (None, principal.partner_id):
        raise BadFieldError("partner_id", "only the administrator names a partner")
    partner = await copies.find(session, Partner, named or principal.partner_id)
    if partner is None:
        raise PartnerUnknownError
    return partner


async def _check_under_way(session: AsyncSession, partner_id: str) -> None:
    """One request of an account after another, so that ten are ten."""
    one_at_a_time = func.pg_advisory_xact_lock(func.hashtext(f"billing.exports.{partner_id}"))
    await session.execute(select(one_at_a_time))
    under_way = await session.scalar(
        select(func.count())
        .select_from(Export)
        .where(Export.partner_id == partner_id, Export.status.in_((QUEUED, RUNNING)))
    )
    if (under_way or 0) >= UNDER_WAY_MAX:
        raise TooManyExportsError(f"{UNDER_WAY_MAX} exports are under way")
