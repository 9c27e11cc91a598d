"""Reconciliations as far as they are, their differences page by page, and what is said of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.reconciliation.models import (
    COMPARED,
    OPEN,
    Difference,
    Reconciliation,
    ReconciliationNotFoundError,
)
from billing.reconciliation.receive_bill import find_reconciliation
from chassis import audit
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.types import NativeQuery, WireRequest

RECONCILIATIONS, DIFFERENCES = "reconciliations", "differences"
PAGE_MAX = 1000
NOTE_CHARACTERS_MAX = 1000
Kind = Literal[
    "missing_here", "missing_there", "amount", "list_price", "discount", "cycle_moved",
    "duplicate", "currency", "customer_unknown",
]  # fmt: skip
State = Literal["open", "explained", "accepted", "disputed"]


class ListReconciliations(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    cycle: str | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=100)


class ListDifferences(NativeQuery):
    """The page; `after` is the `next` of the page before."""

    kind: Kind | None = None
    state: State | None = None
    after: str | None = None
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class DecideDifference(WireRequest):
    """The body of PUT …/differences/{number}/state."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["explained", "accepted", "disputed"]
    note: Annotated[str, Field(min_length=1, max_length=NOTE_CHARACTERS_MAX)] | None = None


async def list_reconciliations(
    session: AsyncSession, principal: Principal, query: ListReconciliations
) -> tuple[Sequence[Reconciliation], str | None]:
    """The newest first; their ids sort by the time they were sent."""
    wanted = select(Reconciliation).order_by(Reconciliation.reconciliation_id.desc())
    if not principal.is_administrator:
        wanted = wanted.where(Reconciliation.partner_id == principal.partner_id)
    if query.cycle is not None:
        wanted = wanted.where(Reconciliation.cycle == query.cycle)
    if query.after is not None:
        after = keys_after(RECONCILIATIONS, query.after)[0]
        wanted = wanted.where(Reconciliation.reconciliation_id < after)
    found = (await session.scalars(wanted.limit(query.limit + 1))).all()
    page = found[: query.limit]
    more = len(found) > query.limit
    return page, cursor_after(RECONCILIATIONS, page[-1].reconciliation_id) if more else None


async def list_differences(
    session: AsyncSession, principal: Principal, reconciliation_id: str, query: ListDifferences
) -> tuple[Sequence[Difference], str | None]:
    """In the order in which they were found.

    Raises:
        ReconciliationNotFoundError

    """
    await find_reconciliation(session, principal, reconciliation_id)
    wanted = select(Difference).where(Difference.reconciliation_id == reconciliation_id)
    if query.kind is not None:
        wanted = wanted.where(Difference.kind == query.kind)
    if query.state is not None:
        wanted = wanted.where(Difference.state == query.state)
    if query.after is not None:
        wanted = wanted.where(Difference.number > _number(query.after, reconciliation_id))
    wanted = wanted.order_by(Difference.number).limit(query.limit + 1)
    found = (await session.scalars(wanted)).all()
    page = found[: query.limit]
    if len(found) <= query.limit:
        return page, None
    return page, cursor_after(DIFFERENCES, reconciliation_id, str(page[-1].number))


def _number(after: str, reconciliation_id: str) -> int:
    of, number = keys_after(DIFFERENCES, after, 2)
    if of != reconciliation_id or not number.isdecimal():
        raise BadFieldError("after", "not a cursor of this list")
    return int(number)


async def count_open(session: AsyncSession, reconciliation_id: str) -> int:
    """How many differences nobody has decided."""
    counted = (
        select(func.count())
        .select_from(Difference)
        .where(Difference.reconciliation_id == reconciliation_id, Difference.state == OPEN)
    )
    return await session.scalar(counted) or 0


async def open_differences(session: AsyncSession, partner_id: str, cycle: str) -> int:
    """How many are open in the newest comparison of a partner's cycle; for who closes it."""
    newest = (
        select(Reconciliation.reconciliation_id)
        .where(
            Reconciliation.partner_id == partner_id,
            Reconciliation.cycle == cycle,
            Reconciliation.status == COMPARED,
        )
        .order_by(Reconciliation.reconciliation_id.desc())
        .limit(1)
    )
    found = await session.scalar(newest)
    return 0 if found is None else await count_open(session, found)


async def decide_difference(
    session: AsyncSession,
    principal: Principal,
    reconciliation_id: str,
    number: int,
    wanted: DecideDifference,
    now: datetime,
) -> Difference:
    """Say that it is explained, accepted or disputed.

    Raises:
        ReconciliationNotFoundError

    """
    await find_reconciliation(session, principal, reconciliation_id)
    difference = await session.get(Difference, (reconciliation_id, number), with_for_update=True)
    if difference is None:
        raise ReconciliationNotFoundError
    by = principal.operator_id or principal.id
    difference.decide(wanted.state, wanted.note, by, now)
    audit.record(
        session, principal, "difference.decide", f"{reconciliation_id}/{number}", now,
        state=wanted.state,
    )  # fmt: skip
    return difference
