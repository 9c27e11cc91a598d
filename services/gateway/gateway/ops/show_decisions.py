"""Who decided what about parked events and positions, when and why, in all services."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from chassis.database import Database
from chassis.errors import RefusedError
from gateway.forwarding.destinations import Service
from gateway.identity.models import Operator
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

DECISIONS_SHOWN = 100
ONE_DECISION = timedelta(seconds=60)  # in all consumers, one after the other


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, in as many consumers as it was carried out in."""

    at: datetime
    by: str
    decision: str
    reason: str | None
    type: str | None
    key: str | None
    consumers: tuple[str, ...]
    address: str | None  # of the parked event's page
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest first; `older` asks one service for what was before; `away` did not say."""

    decisions: Sequence[Decided]
    older: int | None
    away: Sequence[str]


async def show_decisions(
    peers: Peers,
    database: Database,
    visitor: Visitor,
    *,
    service: Service | None = None,
    before: int | None = None,
) -> Shown:
    """Of one service, or the newest of all."""
    services = [service] if service else list(peers.urls)
    found = await asyncio.gather(*[_of(peers, visitor, s, before, service) for s in services])
    away = [name for name, rows in zip(services, found, strict=True) if rows is None]
    rows = [row for rows in found for row in rows or ()]
    rows.sort(key=lambda row: row["at"], reverse=True)
    names = await names_of(database, [row["by"] for row in rows])
    shown = rows[:DECISIONS_SHOWN]
    older = shown[-1]["id"] if service and len(rows) >= DECISIONS_SHOWN else None
    return Shown(_together(shown, names), older, away)


async def names_of(database: Database, ids: Sequence[str]) -> dict[str, str]:
    """The operators' names by their ids."""
    query = select(Operator.id, Operator.account_name).where(Operator.id.in_(set(ids)))
    async with database.transaction() as session:
        return {operator_id: name for operator_id, name in await session.execute(query)}


async def _of(
    peers: Peers, visitor: Visitor, service: Service, before: int | None, only: Service | None
) -> list[dict[str, Any]] | None:
    query: dict[str, str | int] = {"limit": DECISIONS_SHOWN}
    if before is not None and only is not None:
        query["before"] = before
    try:
        answer = await peers.ask(service, visitor.commander, "/internal/parked/decisions", query)
    except RefusedError:
        return None
    return [
        {**row, "service": service, "at": datetime.fromisoformat(row["at"])}
        for row in answer.get("decisions", ())
    ]


def _together(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[Decided]:
    """What one person decided once, in several consumers, is one decision."""
    last: dict[tuple[Any, ...], int] = {}
    found: list[Decided] = []
    for row in rows:
        what = tuple(row[name] for name in ("decision", "by", "reason", "event_id", "key"))
        index = last.get(what)
        consumer = row["consumer"] or row["service"]
        if index is not None and found[index].at - row["at"] <= ONE_DECISION:
            one = found[index]
            if consumer not in one.consumers:
                found[index] = replace(one, consumers=(*one.consumers, consumer))
            continue
        last[what] = len(found)
        found.append(
            Decided(
                at=row["at"],
                by=names.get(row["by"], row["by"]),
                decision=row["decision"],
                reason=row["reason"],
                type=row["type"],
                key=row["key"],
                consumers=(consumer,),
                address=f"/ops/parked/{row['service']}/{row['parked_id']}"
                if row["parked_id"]
                else None,
                detail=row["detail"],
            )
        )
    return found
