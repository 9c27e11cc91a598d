"""A small cache of credentials in use: checking a signature is the hottest path.

What it holds is at most `credential_cache_seconds` old. An event or a revocation that this process
handles ends the entries it concerns at once; one that another replica handles, within that time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from chassis.identity import Principal

ENDED_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class KnownCredential:
    """A key or a token, and for whom it speaks. `principal` is None when its grant has ended."""

    principal: Principal | None
    expires_at: datetime | None
    requests_per_second: int | None
    secret: str = ""
    security_token_hash: str | None = None
    revoked: bool = False

    def concerns(self) -> tuple[str, ...]:
        """Whose change may end it."""
        who = self.principal
        if who is None:
            return ()
        ids = (who.id, who.acting_for_partner, who.operator_id)
        return tuple(one for one in ids if one is not None)


class KnownCredentials:
    """Bounded, least recently used out first; belongs to one event loop."""

    def __init__(self, entries_max: int, keep_seconds: float):
        self._entries_max = entries_max
        self._keep_seconds = keep_seconds
        self._entries: OrderedDict[str, tuple[float, KnownCredential]] = OrderedDict()
        self._held_for: dict[str, set[str]] = {}
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._forgotten_turn = 0
        self.turn = 0

    def get(self, name: str, at: float) -> KnownCredential | None:
        """The credential, unless it is unknown or too old; `at` is a monotonic instant."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry[0] <= at:
            self._drop(name)
            return None
        self._entries.move_to_end(name)
        return entry[1]

    def put(self, name: str, known: KnownCredential, at: float, turn: int) -> None:
        """Keep what was read since `turn`, unless someone it concerns has changed meanwhile."""
        concerns = known.concerns()
        if not concerns or turn < self._forgotten_turn:
            return
        if any(self._ended.get(one, 0) > turn for one in concerns):
            return
        self._entries[name] = (at + self._keep_seconds, known)
        self._entries.move_to_end(name)
        for one in concerns:
            self._held_for.setdefault(one, set()).add(name)
        while len(self._entries) > self._entries_max:
            self._drop(next(iter(self._entries)))

    def end(self, who: str) -> None:
        """Forget every credential that concerns an account or operator."""
        self.turn += 1
        self._ended[who] = self.turn
        self._ended.move_to_end(who)
        if len(self._ended) > ENDED_REMEMBERED_MAX:
            self._forgotten_turn = self._ended.popitem(last=False)[1]
        for name in list(self._held_for.get(who, ())):
            self._drop(name)

    def _drop(self, name: str) -> None:
        _, known = self._entries.pop(name)
        for one in known.concerns():
            held = self._held_for.get(one, set())
            held.discard(name)
            if not held:
                self._held_for.pop(one, None)
