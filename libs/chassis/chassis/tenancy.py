"""Whose things a partner's request is about: its own, or those of a reseller that it names.

A tier-1 distributor does the API work of its resellers (docs/domain/partners.md B.1). Row-level
security knows the caller alone, so the reseller is looked up.
"""

from typing import Any, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis import copies
from chassis.errors import RefusedError
from chassis.identity import Principal

DISTRIBUTOR = "distributor"

P = TypeVar("P", bound=DeclarativeBase)


class NotOwnResellerError(RefusedError):
    """There is no such reseller, or another distributor stands above it: nobody is told which."""

    code = "CBC.99000037"


async def find_reseller(
    session: AsyncSession, principal: Principal, named: str | None, partners: type[P]
) -> P | None:
    """The reseller that a distributor names, waiting for it as for any copy.

    None when nobody is named; callers that are no distributor are not asked for anybody. Somebody
    else's reseller is waited for as well: were it refused at once, the clock would tell of it.
    `partners` is the service's copy of the partner accounts, with its `distributor_id`.

    Raises:
        NotOwnResellerError: it is not the caller's.

    """
    if not named or principal.kind != DISTRIBUTOR:
        return None
    (key,) = inspect(partners).primary_key
    above: Any = partners.distributor_id  # type: ignore[attr-defined]
    own = select(partners).where(key == named, above == principal.partner_id)
    reseller = await copies.until(session, lambda asked: asked.scalar(own))
    if reseller is None:
        raise NotOwnResellerError
    return reseller


async def own_reseller(
    session: AsyncSession, principal: Principal, named: str, partners: type[P]
) -> P:
    """The reseller that the request is about and cannot do without.

    Raises:
        NotOwnResellerError: it is not the caller's, or the caller is no distributor.

    """
    reseller = await find_reseller(session, principal, named, partners)
    if reseller is None:
        raise NotOwnResellerError
    return reseller


async def acted_for(
    session: AsyncSession, principal: Principal, named: str | None, partners: type[P]
) -> str:
    """The id of the partner account that the request is about.

    Raises:
        NotOwnResellerError: the caller names a reseller that is not its own.

    """
    reseller = await find_reseller(session, principal, named, partners)
    return named if named and reseller else principal.partner_id
