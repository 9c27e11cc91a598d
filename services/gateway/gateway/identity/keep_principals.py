"""The directory of principals: copies of accounts, operators and grants, fed by events alone."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from contracts.customer import AuthorizationEvent, CustomerEvent
from contracts.partner import PartnerEvent, PartnerOperatorEvent
from gateway.identity.find_credential import ACTIVE
from gateway.identity.lineage import end_operator, end_password_tokens
from gateway.identity.models import Account, Authorization, Operator, Password


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """A partner account as the event says."""
    values = {
        "id": event.partner_id,
        "kind": event.kind,
        "account_name": event.account_name,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "site": event.site,
        "status": event.status,
        "version": event.version,
    }
    await copies.keep(session, Account, values)


async def keep_operator(session: AsyncSession, event: PartnerOperatorEvent) -> None:
    """An operator with its role and permission items; what a disabled one has ends for good."""
    values = {
        "id": event.operator_id,
        "partner_id": event.partner_id,
        "account_name": event.account_name,
        "role": event.role,
        "permissions": event.permissions,
        "status": event.status,
        "version": event.version,
    }
    await copies.keep(session, Operator, values)
    kept = select(Operator.status).where(Operator.id == event.operator_id)
    if await session.scalar(kept) != ACTIVE:
        await end_operator(session, event.operator_id)


async def keep_customer(session: AsyncSession, event: CustomerEvent) -> None:
    """A customer's account and how it stands with its partner."""
    values = {
        "id": event.customer_id,
        "kind": "customer",
        "account_name": event.account_name,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "site": event.site,
        "xaccount_type": event.xaccount_type,
        "association_type": event.association_type,
        "association_status": event.association_status,
        "version": event.version,
    }
    await copies.keep(session, Account, values)


async def keep_authorization(session: AsyncSession, event: AuthorizationEvent) -> None:
    """A grant and whether it stands."""
    values = {
        "id": event.authorization_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "status": event.status,
        "version": event.version,
    }
    await copies.keep(session, Authorization, values)


async def bind_password(session: AsyncSession, ref: str | None, owner_id: str) -> None:
    """The password kept under the reference is the owner's from now on; bound once for all.

    One that it had before proves nothing any more, nor does a token that was got by it.
    """
    if ref is None:
        return
    bound = await session.execute(
        update(Password)
        .where(Password.ref == ref, Password.owner_id.is_(None))
        .values(owner_id=owner_id)
        .returning(Password.ref)
    )
    if bound.first() is None:
        return
    before = delete(Password).where(Password.owner_id == owner_id, Password.ref != ref)
    if (await session.execute(before.returning(Password.ref))).first() is not None:
        await end_password_tokens(session, owner_id)
