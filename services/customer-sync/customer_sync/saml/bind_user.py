"""Bind a user of the partner's platform to the account made for it (SAML, bindRequest)."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from customer_sync.customers.contact_rules import MAINLAND, attribute_mobile
from customer_sync.customers.create_sub_customer import made_for
from customer_sync.customers.models import UNLINKED, Customer, StateConflictError
from customer_sync.saml.models import SamlBinding

_Text64 = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
_Id128 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
_Id64 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class BindUser(BaseModel):
    """What the assertion says: xUserId, xAccountId, xAccountType, customer name, mobile.

    Blanks around a value do not count; an optional one that is empty is not there.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    xuser_id: _Id128
    xaccount_id: _Id128
    xaccount_type: _Id64
    customer_name: _Text64 | None = None
    mobile: _Text64 | None = None


class AttributeMismatchError(BadFieldError):
    """An attribute is not what create_sub_customer was told of the account."""

    code = "CBC.0101"


async def bind_user(
    session: AsyncSession, principal: Principal, wanted: BindUser, now: datetime
) -> SamlBinding:
    """Compare and bind; a user that is bound already stays bound as it was.

    Raises:
        NotFoundError: no such account, or another partner's.
        StateConflictError: the account is no longer the partner's.
        AttributeMismatchError: the name or the phone is another one.
        BadFieldError: the phone is none.

    """
    customer = await _find_account(session, principal, wanted)
    _compare(customer, wanted)
    key = {
        "xaccount_type": wanted.xaccount_type,
        "xaccount_id": wanted.xaccount_id,
        "xuser_id": wanted.xuser_id,
    }
    row = {
        "customer_id": customer.id,
        "partner_id": customer.partner_id,
        "distributor_id": customer.distributor_id,
        "bound_at": now,
    }
    bound = await session.execute(
        insert(SamlBinding)
        .values(**key, **row)
        .on_conflict_do_nothing()
        .returning(SamlBinding.xuser_id)
    )
    if bound.first() is not None:
        user = {"xuser_id": wanted.xuser_id}
        audit.record(session, principal, "customer.bind_user", customer.id, now, **user)
    return await session.get_one(SamlBinding, tuple(key.values()))


async def _find_account(session: AsyncSession, principal: Principal, wanted: BindUser) -> Customer:
    mine = or_(Customer.partner_id == principal.id, Customer.distributor_id == principal.id)
    customer = await session.scalar(
        select(Customer).where(made_for(wanted.xaccount_type, wanted.xaccount_id), mine)
    )
    if customer is None:
        raise NotFoundError
    if customer.association_status == UNLINKED:
        raise StateConflictError(f"the customer is {customer.association_status}")
    return customer


def _compare(customer: Customer, wanted: BindUser) -> None:
    """Login names are the same whatever their case; phones whatever their country code's form."""
    name = wanted.customer_name
    if name and name.lower() != customer.account_name.lower():
        raise AttributeMismatchError("customer_name", "another than domain_name")
    if not wanted.mobile:
        return
    told = attribute_mobile(wanted.mobile)
    if told is None:
        raise BadFieldError("mobile", f"a phone like {MAINLAND}-13000000000")
    if told != (customer.country_code, customer.mobile):
        raise AttributeMismatchError("mobile", "another than mobile_phone")
