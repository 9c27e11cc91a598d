"""What a service stated: without a bus it all waits in the outbox."""

import json
from typing import Any, NamedTuple

from sqlalchemy import select

from chassis.database import Database
from chassis.tables import OutboxRow


class Stated(NamedTuple):
    """A fact as it leaves the service."""

    type: str
    body: dict[str, Any]


async def stated(database: Database) -> list[Stated]:
    """All facts, oldest first."""
    rows = select(OutboxRow.attributes, OutboxRow.body).order_by(OutboxRow.id)
    async with database.transaction() as session:
        found = (await session.execute(rows)).all()
    return [Stated(json.loads(about)["ce_type"], json.loads(body)) for about, body in found]


async def types(database: Database) -> list[str]:
    """The types of all facts, oldest first."""
    return [fact.type for fact in await stated(database)]


async def bodies(database: Database, event_type: str | None = None) -> list[dict[str, Any]]:
    """The bodies of the facts, of one type where it is named, oldest first."""
    return [fact.body for fact in await stated(database) if event_type in (None, fact.type)]
