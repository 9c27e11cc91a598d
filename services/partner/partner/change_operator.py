"""Change an operator: who it is, what it may, whether it may come in, and its password."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from partner.add_operator import (
    CREDENTIAL_REF_CHARACTERS_MAX,
    PERMISSIONS_MAX,
    Role,
    checked_items,
)
from partner.facts import operator_changed
from partner.find_partner import find_partner
from partner.models import Operator
from wire.permissions import PLATFORM_ITEMS
from wire.types import WireRequest


class ChangeOperator(WireRequest):
    """What is to be another; null or absent stays. The gateway keeps the password itself."""

    name: str | None = Field(None, min_length=1, max_length=64)
    role: Role | None = None
    permissions: list[str] | None = Field(None, max_length=PERMISSIONS_MAX)
    status: Literal["active", "disabled"] | None = None
    credential_ref: str | None = Field(None, min_length=1, max_length=CREDENTIAL_REF_CHARACTERS_MAX)


async def change_operator(
    session: AsyncSession,
    principal: Principal,
    partner_id: str,
    operator_id: str,
    change: ChangeOperator,
    now: datetime,
) -> Operator:
    """Change the operator and tell the gateway, which ends what must not work any more.

    Raises:
        WrongPrincipalError: an operator asks that has not the administrator's role; or somebody
            else than the platform's administrator touches what leads into the ops console.
        NotFoundError: no such account or operator, or not the caller's.
        UnknownValueError: a permission item that no operation knows.

    """
    if not principal.is_whole_account:
        raise WrongPrincipalError("operators are changed by the account or its administrators")
    partner = await find_partner(session, principal, partner_id)
    operator = await _find(session, partner.partner_id, operator_id)
    had = frozenset(operator.permissions)
    if had & PLATFORM_ITEMS and change.credential_ref and not principal.is_administrator:
        raise WrongPrincipalError("its password opens the ops console")

    before = _state(operator)
    operator.name = change.name or operator.name
    operator.role = change.role or operator.role
    operator.status = change.status or operator.status
    if change.permissions is not None:
        operator.permissions = checked_items(principal, change.permissions, had)
    if _state(operator) == before and change.credential_ref is None:
        return operator
    operator.version += 1
    audit.record(
        session, principal, "operator.change", operator.operator_id, now, role=operator.role,
        permissions=operator.permissions, status=operator.status,
        password=change.credential_ref is not None,
    )  # fmt: skip
    outbox.publish(
        session, operator_changed(operator, partner.distributor_id, change.credential_ref, now)
    )
    return operator


async def _find(session: AsyncSession, partner_id: str, operator_id: str) -> Operator:
    wanted = select(Operator).where(
        Operator.partner_id == partner_id, Operator.operator_id == operator_id
    )
    found = await session.scalar(wanted.with_for_update())
    if found is None:
        raise NotFoundError(operator_id)
    return found


def _state(operator: Operator) -> tuple[str, str, str, list[str]]:
    return operator.name, operator.role, operator.status, list(operator.permissions)
