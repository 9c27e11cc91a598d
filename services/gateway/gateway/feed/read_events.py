"""A page of the feed: keyset by position, each reader's own events alone, as CloudEvents."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import ColumnElement, RowMapping, or_, select

from chassis.database import Database
from chassis.errors import RefusedError, UnknownValueError
from chassis.identity import Principal
from contracts import STREAMS, Audience, contracts, is_told_to, told_to
from gateway.feed.cursor import CURSOR_CHARACTERS_MAX, EARLIEST, LATEST, Cursor, read_cursor
from gateway.feed.models import FeedHorizon
from gateway.feed.watch_head import FeedWatch, Head
from gateway.portfolio.freshness import feed_freshness
from gateway.portfolio.models import FeedRow

PAGE_EVENTS_MAX = 500
WAIT_SECONDS_MAX = 30
# What one page looks through at most, whatever its filters leave of it: no request is unbounded.
EXAMINED_POSITIONS_MAX = 100_000

CONTRACTS = {name: known for stream in STREAMS for name, known in contracts(stream).items()}
KNOWN_TYPES = sorted(CONTRACTS)
TOLD_TYPES = {
    reader: [name for name in KNOWN_TYPES if is_told_to(CONTRACTS[name], reader)]
    for reader in (Audience.PARTNER, Audience.CUSTOMER)
}


class ReadEvents(BaseModel):
    """Where to go on, how much, of which types, and how long to wait for the first event."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, StringConstraints(max_length=CURSOR_CHARACTERS_MAX)] = EARLIEST
    limit: Annotated[int, Field(ge=1, le=PAGE_EVENTS_MAX)] = 100
    types: Annotated[str, StringConstraints(max_length=2000)] | None = None
    wait_seconds: Annotated[float, Field(ge=0, le=WAIT_SECONDS_MAX)] = 0


class CursorTooOldError(RefusedError):
    """Events after the cursor are no longer kept, or it belongs to another feed."""

    code = "CHB.0410"

    def __init__(self) -> None:
        super().__init__(
            "To start over: take a new cursor by GET /api/events?after=latest, then read"
            " GET /api/customers to its end, then go on from that cursor.",
            detail_zh="重新开始：先以 GET /api/events?after=latest 取得新游标，"
            "再读完 GET /api/customers，然后从该游标继续。",
        )


@dataclass(frozen=True, slots=True)
class _Span:
    """The positions a page is made of: beyond `after`, up to and with `end`."""

    after: int
    end: int


async def read_events(
    database: Database, watch: FeedWatch, principal: Principal, page: ReadEvents
) -> dict[str, Any]:
    """The reader's next events; `next` is the cursor behind them, `has_more` whether to go on.

    `withheld` are the reader's parked events, by key: replayed, they come behind what is here by
    then. All else that was sent until `as_of` is in the feed.
    A page may be empty although there is more: what was looked through was not the reader's.
    Waits in no transaction.

    Raises:
        CursorTooOldError: what comes after the cursor is no longer all there.
        UnknownValueError: no event has a type asked for.

    """
    types = _types(page.types)
    until = time.monotonic() + page.wait_seconds
    head = await watch.head()
    at = await _start(database, head, page.after)
    while True:
        span = _Span(at, min(head.position, at + EXAMINED_POSITIONS_MAX))
        rows, told = await _rows(database, principal, span, types, page.limit)
        full = len(rows) == page.limit
        at = rows[-1]["position"] if full else span.end
        if rows or at < head.position or not (ahead := await watch.beyond(principal, at, until)):
            break
        head = ahead
    return {
        "events": [_cloud_event(row, _reader(principal)) for row in rows],
        "next": Cursor(head.feed_id, at).text(),
        "has_more": at < head.position,
        **told,
    }


def _types(given: str | None) -> list[str] | None:
    """`order.paid,resource.*` as the types it means; None: all."""
    if given is None:
        return None
    wanted: list[str] = []
    for name in (part.strip() for part in given.split(",")):
        family = name.removesuffix("*")
        fits = family.endswith(".") and name.endswith("*")
        found = [
            known for known in KNOWN_TYPES if known == name or (fits and known.startswith(family))
        ]
        if not found:
            raise UnknownValueError("types", f"no event has the type {name[:64]}")
        wanted += found
    return wanted


async def _start(database: Database, head: Head, after: str) -> int:
    if after == LATEST:
        return head.position
    if after == EARLIEST:
        async with database.transaction() as session:
            return (await session.scalars(select(FeedHorizon.pruned_through))).one()
    cursor = read_cursor(after)
    if cursor.feed_id != head.feed_id or cursor.position > head.position:
        raise CursorTooOldError
    return cursor.position


async def _rows(
    database: Database, principal: Principal, span: _Span, types: list[str] | None, limit: int
) -> tuple[list[RowMapping], dict[str, Any]]:
    """The rows, and what is told of the feed beside them.

    The horizon is read after the rows: if it has passed the cursor by then, some may be gone.
    """
    row = FeedRow
    columns = (
        row.position, row.event_id, row.stream, row.type, row.subject, row.version,
        row.data_schema, row.partner_id, row.occurred_at, row.body,
    )  # fmt: skip
    query = (
        select(*columns)
        .where(row.position > span.after, row.position <= span.end, *_visible(principal))
        .order_by(row.position)
        .limit(limit)
    )
    if types is not None:
        query = query.where(row.type.in_(types))
    async with database.transaction_as(principal) as session:
        freshness, withheld = await feed_freshness(session, principal, _told_of(principal, types))
        found = list((await session.execute(query)).mappings())
        if (await session.scalars(select(FeedHorizon.pruned_through))).one() > span.after:
            raise CursorTooOldError
    return found, {"as_of": freshness.as_of, "withheld": withheld}


def _told_of(principal: Principal, types: list[str] | None) -> list[str] | None:
    """The types asked for that are told to the reader; None: all there are."""
    reader = _reader(principal)
    if reader is None:
        return types
    return [name for name in TOLD_TYPES[reader] if types is None or name in types]


def _visible(principal: Principal) -> Iterable[ColumnElement[bool]]:
    """The query's own wall; row-level security is the second.

    An event that holds nothing for the reader's audience is not shown.
    """
    reader = _reader(principal)
    if reader is None:
        return []
    told = FeedRow.type.in_(TOLD_TYPES[reader])
    if principal.is_customer:
        return [told, FeedRow.customer_id == principal.id]
    own = FeedRow.partner_id == principal.id
    if principal.kind != "distributor":
        return [told, own]
    return [told, or_(own, FeedRow.distributor_id == principal.id)]


def _reader(principal: Principal) -> Audience | None:
    """As whom the principal reads; None: the administrator, who is inside and reads all."""
    if principal.is_administrator:
        return None
    return Audience.CUSTOMER if principal.is_customer else Audience.PARTNER


def _cloud_event(row: RowMapping, reader: Audience | None) -> dict[str, Any]:
    """CloudEvents 1.0 in JSON, with the attributes that Kafka's headers have.

    An erased event keeps its place and its id, without data: a tombstone.
    """
    event = {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": f"/channelbus/{row['stream']}",
        "type": row["type"],
        "subject": row["subject"],
        "time": row["occurred_at"].isoformat(),
        "dataschema": row["data_schema"],
        "sequence": str(row["version"]),
        "partnerid": row["partner_id"],
    }
    if row["body"] is None:
        return {**event, "tombstone": True}
    return {
        **event,
        "datacontenttype": "application/json",
        "data": _data(row, reader),
    }


def _data(row: RowMapping, reader: Audience | None) -> Any:
    """The fields that the reader's audience may read; of a type unknown here: none."""
    if reader is None:
        return orjson.Fragment(row["body"])
    contract = CONTRACTS.get(row["type"])
    return {} if contract is None else told_to(contract, reader, orjson.loads(row["body"]))
