"""The customer that a partner may act for: its own, resale, associated, and it agreed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import wait_for
from chassis.database import Database
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from gateway.identity.find_credential import ACTIVE, may_be_assumed
from gateway.identity.models import Account, Authorization
from gateway.identity.requests import AssumeRole


class NotAssumableError(RefusedError):
    """No such customer, not the caller's, not resale, or another platform: all the same."""

    code = "CBC.0150"


class NotAuthorizedError(RefusedError):
    """The customer has not agreed, or has ended its grant."""

    code = "CHB.1001"


async def find_assumable(database: Database, principal: Principal, role: AssumeRole) -> Account:
    """The customer's account; customer and grant may still be on their way (2 s).

    `agency_name` is the platform id under which the customer was created
    (docs/domain/acting-on-behalf.md F6, docs/domain/customers.md F16).
    """
    if not principal.is_partner:
        raise WrongPrincipalError
    if not (role.domain_name or role.domain_id):
        raise BadFieldError("auth.identity.assume_role.domain_name")
    account = await wait_for(database, lambda session: _find_customer(session, principal, role))
    if account is None:
        raise NotAssumableError
    if await wait_for(database, lambda session: _find_grant(session, account)) != ACTIVE:
        raise NotAuthorizedError
    return account


async def hold_grant(session: AsyncSession, principal: Principal, account_id: str) -> Account:
    """The customer's account with its grant, as both are at the commit: what ends them waits.

    Raises:
        NotAuthorizedError: customer or grant ended meanwhile.

    """
    account = await session.get(
        Account, account_id, with_for_update={"read": True}, populate_existing=True
    )
    if account is None or not may_be_assumed(account, principal.id):
        raise NotAuthorizedError
    granted = select(Authorization.id).where(
        Authorization.customer_id == account_id,
        Authorization.partner_id == principal.id,
        Authorization.status == ACTIVE,
    )
    if await session.scalar(granted.limit(1).with_for_update(read=True)) is None:
        raise NotAuthorizedError
    return account


async def _find_customer(
    session: AsyncSession, principal: Principal, role: AssumeRole
) -> Account | None:
    asked = select(Account).where(
        Account.kind == "customer",
        Account.partner_id == principal.id,
        Account.xaccount_type == role.agency_name,
    )
    if role.domain_name:
        asked = asked.where(Account.account_name == role.domain_name)
    if role.domain_id:
        asked = asked.where(Account.id == role.domain_id)
    found = await session.scalars(asked)
    account = found.first()
    return account if account and may_be_assumed(account, principal.id) else None


async def _find_grant(session: AsyncSession, account: Account) -> str | None:
    """The status that decides; None while an answer may still come."""
    found = await session.scalars(
        select(Authorization.status).where(
            Authorization.customer_id == account.id,
            Authorization.partner_id == account.partner_id,
        )
    )
    statuses = set(found)
    if ACTIVE in statuses:
        return ACTIVE
    waiting = not statuses or "requested" in statuses
    return None if waiting else "ended"
