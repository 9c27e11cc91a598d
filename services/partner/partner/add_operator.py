"""Give a partner an operator: a person who signs in under a name of its own."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError, UnknownValueError
from chassis.identity import Principal, WrongPrincipalError
from chassis.ids import new_id
from partner.facts import operator_added
from partner.find_partner import find_partner
from partner.models import DELISTED, Operator
from partner.register_partner import ACCOUNT_NAME, AccountNameInUseError
from wire.permissions import PLATFORM_ITEMS, items
from wire.types import WireRequest

Role = Literal["administrator", "account_manager", "finance"]
PERMISSIONS_MAX = 100
CREDENTIAL_REF_CHARACTERS_MAX = 128


class AddOperator(WireRequest):
    """An operator. `credential_ref` names the password that the gateway keeps."""

    account_name: str = Field(min_length=2, max_length=64, pattern=ACCOUNT_NAME)
    name: str = Field(min_length=1, max_length=64)
    role: Role
    permissions: list[str] = Field(default_factory=list, max_length=PERMISSIONS_MAX)
    credential_ref: str | None = Field(None, min_length=1, max_length=CREDENTIAL_REF_CHARACTERS_MAX)


class PartnerDelistedError(RefusedError):
    """A partner that left the programme gets no new operators."""

    code = "CBC.50010085"


async def add_operator(
    session: AsyncSession, principal: Principal, partner_id: str, new: AddOperator, now: datetime
) -> Operator:
    """Add the operator and tell the gateway, which lets it sign in.

    Raises:
        WrongPrincipalError: an operator asks that has not the administrator's role, which could
            give others more than it has itself; or anybody but the platform's administrator gives
            an item of the ops console.
        NotFoundError: no such account, or not the caller's.
        UnknownValueError: a permission item that no operation knows.
        AccountNameInUseError: the account or an operator of it has this name.
        PartnerDelistedError: the partner left the programme.

    """
    if not principal.is_whole_account:
        raise WrongPrincipalError("operators are added by the account or its administrators")
    partner = await find_partner(session, principal, partner_id)
    if partner.status == DELISTED:
        raise PartnerDelistedError
    if new.account_name == partner.account_name:
        raise AccountNameInUseError("the account itself signs in by this name")
    operator = Operator(
        operator_id=new_id(),
        partner_id=partner.partner_id,
        account_name=new.account_name,
        name=new.name,
        role=new.role,
        permissions=checked_items(principal, new.permissions, frozenset()),
        status="active",
        added_at=now,
        version=1,
    )
    await _insert_unless_taken(session, operator)
    audit.record(
        session, principal, "operator.add", operator.operator_id, now, role=new.role,
        permissions=operator.permissions,
    )  # fmt: skip
    outbox.publish(session, operator_added(operator, partner.distributor_id, new.credential_ref))
    return operator


def checked_items(principal: Principal, asked: list[str], had: frozenset[str]) -> list[str]:
    """The items asked for, each once.

    Raises:
        WrongPrincipalError: an item of the ops console is given or taken by somebody else than the
            platform's administrator.
        UnknownValueError: an item that is none.

    """
    if (set(asked) ^ had) & PLATFORM_ITEMS and not principal.is_administrator:
        raise WrongPrincipalError("the ops console shows every partner's events")
    for index, item in enumerate(asked):
        if item not in items():
            raise UnknownValueError(f"permissions[{index}]", "no operation knows this item")
    return sorted(set(asked))


async def _insert_unless_taken(session: AsyncSession, operator: Operator) -> None:
    named = select(Operator.operator_id).where(
        Operator.partner_id == operator.partner_id, Operator.account_name == operator.account_name
    )
    if await session.scalar(named) is not None:
        raise AccountNameInUseError(operator.account_name)
    session.add(operator)
    try:
        await session.flush()
    except IntegrityError as error:  # two at once, and the other was first
        if "operators_account_name" in str(error.orig):
            raise AccountNameInUseError(operator.account_name) from error
        raise
