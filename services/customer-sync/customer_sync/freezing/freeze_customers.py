"""freeze_sub_customers, unfreeze_sub_customers: a partner stops resale customers, or lets go."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from chassis.tenancy import acted_for
from contracts.customer import CustomerEvent
from customer_sync.copies import Partner
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import ASSOCIATED, Customer
from customer_sync.customers.send_verification_code import NotYourCustomerError
from wire.operations import INTERNATIONAL
from wire.types import WireRequest
from wire.vocabulary import RESALE_TYPES

CUSTOMERS_MAX = 10  # in one request

Refusals = list[tuple[str, RefusedError]]  # customer id, why
Change = Callable[[Customer], type[CustomerEvent] | None]
FreezeType = Literal["ACCOUNT", "ACCOUNT_AND_RESOURCE"]
_LEVELS: dict[str, int] = {"ACCOUNT": 1, "ACCOUNT_AND_RESOURCE": 2}  # as is_frozen says it


class FreezeCustomers(WireRequest, operation="freeze_sub_customers", site=INTERNATIONAL):
    """Which customers, and whether their resources too."""

    customer_ids: list[str] = Field(max_length=CUSTOMERS_MAX)
    reason: str
    indirect_partner_id: str | None = None
    freeze_type: FreezeType = "ACCOUNT"


class UnfreezeCustomers(WireRequest, operation="unfreeze_sub_customers", site=INTERNATIONAL):
    """Which customers; the type must be the one that they were frozen with."""

    customer_ids: list[str] = Field(max_length=CUSTOMERS_MAX)
    reason: str
    indirect_partner_id: str | None = None
    unfreeze_type: FreezeType = "ACCOUNT"


class NotResaleError(RefusedError):
    """Only resale customers are frozen."""

    code = "CBC.99000000"


async def freeze_customers(
    session: AsyncSession, principal: Principal, wanted: FreezeCustomers, now: datetime
) -> Refusals:
    """Freeze those that can be, and say what is wrong with the others.

    States `customer.frozen` of each that was not frozen so before.

    Raises:
        WrongPrincipalError: no partner of the international site.
        NotOwnResellerError: `indirect_partner_id` names another distributor's reseller.

    """
    level = _LEVELS[wanted.freeze_type]
    return await _change_each(
        session, principal, wanted, "customer.freeze", lambda one: _freeze(one, level), now
    )


async def unfreeze_customers(
    session: AsyncSession, principal: Principal, wanted: UnfreezeCustomers, now: datetime
) -> Refusals:
    """Let go of those that are frozen so; states `customer.unfrozen` of each.

    Raises:
        WrongPrincipalError, NotOwnResellerError: as `freeze_customers`.

    """
    level = _LEVELS[wanted.unfreeze_type]
    return await _change_each(
        session, principal, wanted, "customer.unfreeze", lambda one: one.unfreeze(level), now
    )


async def _change_each(
    session: AsyncSession,
    principal: Principal,
    wanted: FreezeCustomers | UnfreezeCustomers,
    deed: str,
    change: Change,
    now: datetime,
) -> Refusals:
    if principal.site != INTERNATIONAL:
        raise WrongPrincipalError("the international site's partners only")
    owner = await acted_for(session, principal, wanted.indirect_partner_id, Partner)
    ids = dict.fromkeys(wanted.customer_ids)
    # One order for all who lock many: none waits for another that waits for it.
    found = await session.scalars(
        select(Customer)
        .where(Customer.id.in_(ids), Customer.partner_id == owner,
               Customer.association_status == ASSOCIATED)
        .order_by(Customer.id)
        .with_for_update()
    )  # fmt: skip
    known = {customer.id: customer for customer in found.all()}
    refusals: Refusals = []
    for customer_id in ids:
        try:
            fact = change(_own(known.get(customer_id)))
        except RefusedError as refusal:
            refusals.append((customer_id, refusal))
            continue
        if fact is not None:
            outbox.publish(session, customer_fact(fact, known[customer_id], now))
            audit.record(session, principal, deed, customer_id, now, reason=wanted.reason)
    return refusals


def _own(customer: Customer | None) -> Customer:
    if customer is None:
        raise NotYourCustomerError
    return customer


def _freeze(customer: Customer, level: int) -> type[CustomerEvent] | None:
    """Of resale customers; one that was switched since may still be let go."""
    if customer.association_type not in RESALE_TYPES:
        raise NotResaleError
    return customer.freeze(level)
