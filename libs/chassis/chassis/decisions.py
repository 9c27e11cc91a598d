"""Who decided what about parked events and positions, when and why: read from the audit log.

What is recorded there is the one truth; an index of its own keeps the reading short.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.tables import DECISION_ACTIONS, AuditEntry, ParkedEvent

DECISIONS_MAX = 200  # in one answer

_ABOUT_POSITIONS = "position."
_NAMES = {
    "parked_event.edit": "edited",
    "parked_event.replayed": "replayed",
    "parked_event.skipped": "skipped",
    "parked_event.replay_all": "replayed_all",
    "position.accept": "accepted",
    "position.step_over": "stepped_over",
}


async def list_decisions(
    session: AsyncSession,
    *,
    parked_id: int | None = None,
    before: int | None = None,
    limit: int = DECISIONS_MAX,
) -> list[dict[str, Any]]:
    """The newest first; of one parked event, or those that were recorded before another one."""
    row = AuditEntry
    wanted = select(row).where(text(DECISION_ACTIONS))
    if parked_id is not None:
        wanted = wanted.where(row.subject == str(parked_id), row.action.startswith("parked_event."))
    if before is not None:
        wanted = wanted.where(row.id < before)
    found = await session.scalars(wanted.order_by(row.id.desc()).limit(min(limit, DECISIONS_MAX)))
    entries = found.all()
    about = await _parked(session, entries)
    return [_decision(entry, about.get(entry.subject)) for entry in entries]


async def _parked(session: AsyncSession, entries: Sequence[AuditEntry]) -> dict[str, Any]:
    """The type and stream of the events decided about, by the subject of their entries."""
    ids = [int(e.subject) for e in entries if e.subject.isdecimal()]
    row = ParkedEvent
    of_them = select(row.id, row.event_type, row.stream, row.state).where(row.id.in_(ids))
    found = await session.execute(of_them)
    return {str(parked.id): parked for parked in found}


def _decision(entry: AuditEntry, parked: Any) -> dict[str, Any]:
    detail = entry.detail
    known = {"reason", "consumer", "key", "event_id"}
    decision: dict[str, Any] = {
        "id": entry.id,
        "at": entry.at,
        "by": entry.principal.partition(":")[2],
        "decision": _NAMES[entry.action],
        "reason": detail.get("reason"),
        "consumer": detail.get("consumer"),
        "key": detail.get("key"),
        "event_id": detail.get("event_id"),
        "parked_id": parked.id if parked else None,
        "type": parked.event_type if parked else None,
        "stream": parked.stream if parked else None,
        "detail": {name: value for name, value in detail.items() if name not in known},
    }
    if entry.action.startswith(_ABOUT_POSITIONS):
        decision["consumer"], _, decision["stream"] = entry.subject.partition(" ")
    return decision
