"""Slots under leases: who may send which keys, shared evenly by the relays that are alive."""

import time
from typing import Any

from chassis.crash import crash_point
from chassis.metrics import RELAY_SLOTS

# One round trip: who renews often hands over quickly. How many others are alive, and what is held.
_RENEW = """
    WITH seen AS (
        INSERT INTO relay_replicas (holder, seen_at) VALUES ($1, now())
        ON CONFLICT (holder) DO UPDATE SET seen_at = now()
    ), forgotten AS (
        DELETE FROM relay_replicas
        WHERE holder <> $1 AND seen_at < now() - make_interval(secs => $2 * 6)
    ), renewed AS (
        UPDATE relay_slots SET held_until = now() + make_interval(secs => $2)
        WHERE holder = $1 AND held_until > now() RETURNING slot
    )
    SELECT (SELECT count(*) FROM relay_replicas
            WHERE holder <> $1 AND seen_at > now() - make_interval(secs => $2)) AS others,
           (SELECT coalesce(array_agg(slot ORDER BY slot), '{}') FROM renewed) AS slots
"""
_TAKE = """
    UPDATE relay_slots SET holder = $1, held_until = now() + make_interval(secs => $2)
    WHERE slot IN (SELECT slot FROM relay_slots WHERE held_until <= now()
                   ORDER BY slot LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING slot
"""
_RELEASE = """
    UPDATE relay_slots SET holder = NULL, held_until = now() WHERE holder = $1 AND slot = ANY($2)
"""
_GIVE_UP = "UPDATE relay_slots SET holder = NULL, held_until = now() WHERE holder = $1"


class SlotLeases:
    """This replica's share of the slots. Call `keep` between two batches, never within one."""

    def __init__(self, connection: Any, holder: str, slots: int, lease_seconds: float):
        self._connection = connection
        self._holder = holder
        self._slots = slots
        self._lease_seconds = lease_seconds
        self._mine: list[int] = []
        self._kept_at = float("-inf")

    async def keep(self) -> list[int]:
        """The slots held now, renewed when a third of the lease has passed."""
        if time.monotonic() - self._kept_at < self._lease_seconds / 3:
            return self._mine
        started = time.monotonic()
        known = await self._connection.fetchrow(_RENEW, self._holder, self._lease_seconds)
        fair_share = -(-self._slots // (int(known["others"]) + 1))
        mine: list[int] = list(known["slots"])
        if len(mine) > fair_share:
            await self._connection.execute(_RELEASE, self._holder, mine[fair_share:])
            mine = mine[:fair_share]
        elif len(mine) < fair_share:
            missing = fair_share - len(mine)
            taken = await self._connection.fetch(_TAKE, self._holder, self._lease_seconds, missing)
            crash_point("relay.takeover")
            mine = sorted([*mine, *(row["slot"] for row in taken)])
        self._mine, self._kept_at = mine, started
        RELAY_SLOTS.set(len(mine))
        return mine

    async def give_up(self) -> None:
        """Leave at once, so that nobody waits for the lease to end."""
        RELAY_SLOTS.set(0)
        await self._connection.execute(_GIVE_UP, self._holder)
        await self._connection.execute("DELETE FROM relay_replicas WHERE holder = $1", self._holder)
