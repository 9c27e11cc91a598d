"""Make the mirror say what the upstream said, and state only what changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.logs import get_logger
from contracts.customer import (
    CustomerEvent,
    CustomerFrozen,
    CustomerUnfrozen,
    CustomerUpdated,
    CustomerVerified,
)
from customer_sync.customers.facts import customer_fact, customer_registered
from customer_sync.customers.models import (
    ASSOCIATED,
    AT_FIRST,
    NOT_FROZEN,
    RESALE,
    VERIFIED,
    Customer,
)
from customer_sync.sweep.facts import drift_found
from customer_sync.sweep.models import Sighting, Sweep
from upstream import CustomerPage, UnreadableCustomer, UpstreamCustomer
from wire.json import known

log = get_logger(__name__)

VALUE_REFUSED = ("22", "23", "54")  # SQLSTATE: data, integrity, too large for an index
WHOLE_RECORD = "record"  # a drift's field, when no single one is to blame
UNCHANGEABLE = ("account_name", "xaccount_id", "xaccount_type")  # no operation changes them


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose customers these are, here."""

    partner_id: str
    distributor_id: str | None
    site: str
    currency: str


async def sighted(session: AsyncSession, sweep: Sweep, customer_ids: Iterable[str]) -> set[str]:
    """Those of the customers that this sweep has seen already."""
    found = await session.scalars(
        select(Sighting.customer_id).where(
            Sighting.customer_id.in_(list(customer_ids)),
            Sighting.sweep_number == sweep.number,
        )
    )
    return set(found.all())


async def mirror_page(
    session: AsyncSession, sweep: Sweep, owner: Owner, page: CustomerPage, now: datetime
) -> None:
    """Write what differs, state it, and remember that these customers were seen.

    A record that cannot be read, or that the database refuses, is stated as drift and left out:
    its customer stays as it was here, and it counts as seen, so that nobody takes it for gone.
    """
    seen_before = await sighted(session, sweep, page.customer_ids)
    unreadable = list(page.unreadable)
    if not await _is_kept(session, sweep, owner, page.customers, now):
        log.warning("a page of the upstream is kept record by record", sweep=sweep.id)
        for one in page.customers:
            if not await _is_kept(session, sweep, owner, [one], now):
                unreadable.append(UnreadableCustomer(one.customer_id, WHOLE_RECORD, ""))
    for record in unreadable:
        _state_unreadable(session, sweep, record, now)
    seen = set(page.customer_ids)
    await _remember(session, sweep, sorted(seen))
    sweep.customers_seen += len(seen - seen_before)


async def _is_kept(
    session: AsyncSession,
    sweep: Sweep,
    owner: Owner,
    told: Sequence[UpstreamCustomer],
    now: datetime,
) -> bool:
    """All of it is written, or, when the database refuses one of its values, nothing."""
    try:
        async with session.begin_nested():
            await _mirror(session, sweep, owner, told, now)
    except DBAPIError as error:
        if not _is_about_a_value(error):
            raise
        await session.refresh(sweep)
        return False
    return True


def _is_about_a_value(error: DBAPIError) -> bool:
    """The database or its driver refused what was to be written, and is well itself."""
    if isinstance(error.orig.__cause__ if error.orig else None, asyncpg.DataError):
        return True
    return str(getattr(error.orig, "sqlstate", None)).startswith(VALUE_REFUSED)


async def _mirror(
    session: AsyncSession,
    sweep: Sweep,
    owner: Owner,
    told: Sequence[UpstreamCustomer],
    now: datetime,
) -> None:
    by_id = {one.customer_id: one for one in told}
    known = await _lock(session, by_id)
    for customer_id, one in by_id.items():
        customer = known.get(customer_id)
        if customer is None:
            facts, customer = _register(owner, one, now)
            session.add(customer)
        else:
            facts = _follow(session, sweep, customer, owner, one, now)
        outbox.publish(session, *facts)
        sweep.customers_changed += bool(facts)
    await session.flush()


async def _lock(session: AsyncSession, ids: Iterable[str]) -> dict[str, Customer]:
    found = await session.scalars(
        select(Customer).where(Customer.id.in_(list(ids))).order_by(Customer.id).with_for_update()
    )
    return {customer.id: customer for customer in found.all()}


def _register(
    owner: Owner, one: UpstreamCustomer, now: datetime
) -> tuple[list[CustomerEvent], Customer]:
    """A customer nobody here has met: registered, then associated, as if made here."""
    since = one.associated_on or now
    customer = Customer(
        id=one.customer_id,
        partner_id=owner.partner_id,
        distributor_id=owner.distributor_id,
        site=owner.site,
        currency=owner.currency,
        association_type=one.association_type or RESALE,
        registered_at=since,
        closes_market_messages=False,
        mirrored=True,
        **{**AT_FIRST, **_described(one)},
    )
    registered = customer_registered(customer, now)
    return [registered, customer_fact(customer.associate(since), customer, now)], customer


def _follow(
    session: AsyncSession,
    sweep: Sweep,
    customer: Customer,
    owner: Owner,
    one: UpstreamCustomer,
    now: datetime,
) -> list[CustomerEvent]:
    """The one event that says best what happened to a customer we know, if anything did."""
    described = _described(one)
    changed = {name for name, value in described.items() if getattr(customer, name) != value}
    for name in UNCHANGEABLE:
        if name in changed:
            _state_drift(session, sweep, customer, name, described[name], now)
    for name in changed:
        setattr(customer, name, described[name])
    kind = _association_change(customer, owner, one, now)
    if kind is None and not changed:
        return []
    return [customer_fact(kind or _said_best(customer, changed), customer, now)]


def _said_best(customer: Customer, changed: set[str]) -> type[CustomerEvent]:
    """By what others act on first: may it buy, and who is it?"""
    if "is_frozen" in changed:
        return CustomerUnfrozen if customer.is_frozen == NOT_FROZEN else CustomerFrozen
    if "verified_status" in changed and customer.verified_status == VERIFIED:
        return CustomerVerified
    return CustomerUpdated


def _association_change(
    customer: Customer, owner: Owner, one: UpstreamCustomer, now: datetime
) -> type[CustomerEvent] | None:
    """Linked again or elsewhere, or under another type; None when the association is as it was."""
    association_type = one.association_type or customer.association_type
    since = one.associated_on or customer.associated_on or now
    is_elsewhere = customer.partner_id != owner.partner_id
    if customer.association_status != ASSOCIATED or is_elsewhere or since != customer.associated_on:
        customer.partner_id, customer.distributor_id = owner.partner_id, owner.distributor_id
        customer.association_type = association_type
        return customer.associate(since)
    if association_type != customer.association_type:
        return customer.change_association(association_type)
    return None


def _described(one: UpstreamCustomer) -> dict[str, Any]:
    """What is taken over as it was told; codes that are always there stay when not told."""
    told: dict[str, Any] = {
        "account_name": one.account_name,
        "customer_name": one.customer_name,
        "xaccount_id": one.xaccount_id,
        "xaccount_type": one.xaccount_type,
        "label": one.label,
        "mobile": one.telephone,
        "email": one.email,
        "country_code": one.country_code,
        "account_manager_name": one.account_manager_name,
        "customer_level": one.customer_level,
    }
    codes = {
        "customer_type": one.customer_type,
        "verified_status": one.verified_status,
        "is_frozen": one.is_frozen,
    }
    return told | known(codes)


def _state_drift(
    session: AsyncSession,
    sweep: Sweep,
    customer: Customer,
    field: str,
    theirs: str | None,
    now: datetime,
) -> None:
    """A field that cannot change did: somebody should look."""
    ours = getattr(customer, field)
    outbox.publish(session, drift_found(sweep, now, customer.id, field, ours, theirs))


def _state_unreadable(
    session: AsyncSession, sweep: Sweep, record: UnreadableCustomer, now: datetime
) -> None:
    theirs = record.value or None
    drift = drift_found(sweep, now, record.customer_id, record.field, None, theirs)
    outbox.publish(session, drift)
    log.warning(
        "a customer of the upstream cannot be read", sweep=sweep.id,
        customer=record.customer_id, field=record.field,
    )  # fmt: skip


async def _remember(session: AsyncSession, sweep: Sweep, ids: Sequence[str]) -> None:
    if not ids:
        return
    rows = [{"customer_id": customer_id, "sweep_number": sweep.number} for customer_id in ids]
    seen = insert(Sighting).values(rows)
    await session.execute(
        seen.on_conflict_do_update(
            index_elements=["customer_id"], set_={"sweep_number": seen.excluded.sweep_number}
        )
    )
