"""What an answer of the read model says of itself: `as_of`, `stale_since`, and what is withheld.

Read before the rows of the answer: what is parked afterwards was sent after `as_of`, and what is
replayed meanwhile is marked for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, column, func, or_, select, table, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import OutsideError
from chassis.identity import Principal
from contracts import STREAMS

# What rows of customers are made of; the partners' stream touches none of them.
PORTFOLIO_STREAMS = ("customer", "order", "voucher", "billing")
WITHHELD_KEYS_MAX = 100  # the oldest, in one answer

# Requests read no parked event, but whose it is and since when it waits.
_EVENTS = table(
    "withheld_events",
    *(
        column(name)
        for name in (
            "stream", "key", "event_type", "since", "is_restated", "partner_id", "distributor_id",
            "known_partner_id", "known_distributor_id",
        )
    ),
)  # fmt: skip
_EVENT = _EVENTS.c


class WithheldError(OutsideError):
    """What is asked for is not known, and events that would tell of it are parked."""

    def __init__(self, what: str, since: datetime):
        super().__init__(f"{what}: what happened since {since.isoformat()} waits to be replayed")


@dataclass(frozen=True, slots=True)
class Freshness:
    """`as_of`: all that was sent until then is in the answer; None: that is not known yet.

    `stale_since`: but for parked keys, of which nothing is in it since then.
    """

    as_of: datetime | None
    stale_since: datetime | None

    def told(self) -> dict[str, Any]:
        """As answers say it."""
        return {"as_of": self.as_of, "stale_since": self.stale_since}


async def portfolio_freshness(
    session: AsyncSession, principal: Principal, customer_id: str | None = None
) -> Freshness:
    """Of the principal's whole portfolio, or of one customer."""
    touches = _EVENT.key == customer_id if customer_id is not None else _of_some_customer()
    return await _freshness(session, PORTFOLIO_STREAMS, _owned(principal) & touches)


def customer_stale_since(customer_id: SQLColumnExpression[str]) -> ColumnElement[datetime | None]:
    """Since when a row's customer is stale, as a column beside it."""
    since = select(func.min(_EVENT.since)).where(_EVENT.key == customer_id)
    return since.where(_in_streams(PORTFOLIO_STREAMS)).scalar_subquery()


async def feed_freshness(
    session: AsyncSession, principal: Principal, types: Sequence[str] | None
) -> tuple[Freshness, list[dict[str, Any]]]:
    """Of the feed, with what of these types waits, by key, the oldest first; None: of all types.

    What cannot be read may be of any type. A restatement is no event of the feed.
    """
    wanted = _owned(principal) & ~_EVENT.is_restated
    if types is not None:
        wanted &= or_(_EVENT.event_type.in_(types), _EVENT.event_type.is_(None))
    found = await _freshness(session, STREAMS, wanted)
    if found.stale_since is None:
        return found, []
    since = func.min(_EVENT.since)
    keys = (
        select(_EVENT.stream, _EVENT.key, since.label("since"), func.count().label("events"))
        .where(wanted)
        .group_by(_EVENT.stream, _EVENT.key)
        .order_by(since, _EVENT.key)
        .limit(WITHHELD_KEYS_MAX)
    )
    rows = (await session.execute(keys)).mappings()
    return found, [{**row, "stream": _stream_of(row["stream"])} for row in rows]


async def _freshness(
    session: AsyncSession, streams: Sequence[str], wanted: ColumnElement[bool]
) -> Freshness:
    as_of = func.read_model_heard_until(list(streams))
    since = select(func.min(_EVENT.since)).where(wanted, _in_streams(streams)).scalar_subquery()
    return Freshness(*(await session.execute(select(as_of, since))).one())


def _owned(principal: Principal) -> ColumnElement[bool]:
    """The query's own wall; the view's condition is the second."""
    if principal.is_administrator:
        return true()
    if principal.is_customer:
        return _EVENT.key == principal.id
    owners = [_EVENT.partner_id, _EVENT.known_partner_id]
    if principal.kind == "distributor":
        owners += [_EVENT.distributor_id, _EVENT.known_distributor_id]
    return or_(*(owner == principal.id for owner in owners))


def _of_some_customer() -> ColumnElement[bool]:
    """What a partner's own key holds is no customer's: its quotas, accounts and sweeps."""
    return _EVENT.key.is_distinct_from(_EVENT.partner_id)


def _in_streams(streams: Sequence[str]) -> ColumnElement[bool]:
    """A topic is named after its stream, behind a prefix."""
    return or_(*(_EVENT.stream.endswith(stream) for stream in streams))


def _stream_of(topic: str) -> str:
    return next(stream for stream in STREAMS if topic.endswith(stream))
