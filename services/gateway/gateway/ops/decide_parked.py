"""What a person does with a parked key: carried out, and audited, by the service that owns it."""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis import audit
from chassis.database import Database
from chassis.errors import BadFieldError, RefusedError
from gateway.forwarding.destinations import Service
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

REASON_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class ParkedDesk:
    """One service's parked events in one person's hands."""

    peers: Peers
    database: Database
    visitor: Visitor
    service: Service

    async def show(self, parked_id: int, now: datetime) -> dict[str, Any]:
        """The event with its body, which may hold personal data: that it was read is recorded.

        Raises:
            RefusedByServiceError: there is no such event.
            OutsideError: the service did not answer.

        """
        path = f"/internal/parked/events/{parked_id}"
        event = await self.peers.ask(self.service, self.visitor.commander, path)
        async with self.database.transaction() as session:
            subject = f"{self.service}/{parked_id}"
            audit.record(session, self.visitor.commander, "parked_event.read", subject, now)
        parked_at = datetime.fromisoformat(event["parked_at"])
        return {**event, "parked_at": parked_at, "readable_body": readable(event["body"])}

    async def replay(self, event: dict[str, Any]) -> int:
        """Handle the whole key in order; how many events were.

        Raises:
            RefusedByServiceError: the first of the rest failed again.

        """
        key = {name: event[name] for name in ("consumer", "stream", "key")}
        path = "/internal/parked/replay"
        answer = await self.peers.command(self.service, self.visitor.commander, path, key)
        return int(answer["replayed"])

    async def edit(self, parked_id: int, body: str, reason: str) -> None:
        """Give the event another body; what arrived is kept beside it."""
        content = {"body": b64encode(body.encode()).decode(), "reason": _checked(reason)}
        await self._decide(parked_id, "edit", content)

    async def skip(self, parked_id: int, reason: str) -> None:
        """Leave the event out for good."""
        await self._decide(parked_id, "skip", {"reason": _checked(reason)})

    async def replay_rest(self, event: dict[str, Any]) -> int | None:
        """After a skip: what waited behind the event; None when it fails in its turn."""
        try:
            return await self.replay(event)
        except RefusedError:
            return None

    async def _decide(self, parked_id: int, deed: str, content: dict[str, Any]) -> None:
        path = f"/internal/parked/events/{parked_id}/{deed}"
        await self.peers.command(self.service, self.visitor.commander, path, content)


def readable(body: str) -> str:
    """Indented, unless that would change it: a fraction is left as it was written."""
    try:
        return json.dumps(json.loads(body, parse_float=_refuse), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _refuse(number: str) -> None:
    raise ValueError(number)


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_CHARACTERS_MAX:
        raise BadFieldError("reason", f"1 to {REASON_CHARACTERS_MAX} characters")
    return reason
