"""What fails for every key is no poison: code and schema do not fit, as in a half-done roll-out.

The consumer stops after a few keys; what was parked until then is replayed by itself.
"""

import time
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from chassis.clock import wall_now
from chassis.consumers import Consumers
from chassis.database import Database
from chassis.failures import Failure, sqlstate_of
from chassis.identity import Principal
from chassis.logs import get_logger
from chassis.messages import Message
from chassis.release import Desk, StillFailingError
from chassis.sentences import of_error
from chassis.tables import ParkedEvent

log = get_logger(__name__)

KEYS_MAX = 3  # with one error; the last of them is not parked, and nothing after it
REPLAYED_KEYS_MAX = 1000
REPLAY_PAUSE_SECONDS = 10.0
REPLAY_PAUSE_SECONDS_MAX = 3600.0  # for a key that fails by itself, whatever its error looks like
MARK = "code and schema do not fit"
_REPLAYER = Principal(id="chassis", kind="administrator", partner_id="*", caller="bus")


class Misfits:
    """Which errors fail for every key of a type, as one member meets them."""

    def __init__(self, consumers: Consumers, database: Database):
        self._consumers = consumers
        self._database = database
        self._keys: dict[tuple[str | None, str], set[str]] = defaultdict(set)
        self._replay_at = 0.0  # at once: what a process before this one parked may fit by now
        self._pause = REPLAY_PAUSE_SECONDS
        self.error = ""

    def told(self, error: BaseException, failure: Failure) -> str:
        """The error in words; one that is a misfit can be found by its mark among the parked."""
        text = of_error(error).en
        if failure is Failure.MISFIT:
            self.error = text.splitlines()[0]  # without the statement, which may differ each time
            return f"{MARK} ({sqlstate_of(error)}): {text}"
        return text

    def fails_for_all(self, message: Message) -> bool:
        """Whether as many keys of the event's type failed in this way as cannot be chance."""
        keys = self._keys[(message.event_type, self.error)]
        keys.add(message.key)
        return len(keys) >= KEYS_MAX

    def fit(self, messages: Sequence[Message]) -> None:
        """Events of these types went well: what failed for others was theirs."""
        if self._keys:
            types = {message.event_type for message in messages}
            for kind in [kind for kind in self._keys if kind[0] in types]:
                del self._keys[kind]

    def may_fit_again(self) -> None:
        """What was parked for it is worth another try."""
        self._keys.clear()
        self._replay_at, self._pause = 0.0, REPLAY_PAUSE_SECONDS

    async def replay_what_may_fit(self) -> None:
        """Replay the keys that were parked before it was known that every key fails."""
        if time.monotonic() < self._replay_at:
            return
        name = self._consumers.name
        desk = Desk({name: self._consumers}, self._database, _REPLAYER, wall_now())
        still_failing = False
        for stream, key in await self._parked():
            try:
                replayed = await desk.replay(name, stream, key)
                log.info("fits again", consumer=name, key=key, replayed=replayed)
            except StillFailingError:
                still_failing = True
        self._replay_at = time.monotonic() + self._pause if still_failing else float("inf")
        self._pause = min(self._pause * 2, REPLAY_PAUSE_SECONDS_MAX)

    async def _parked(self) -> list[tuple[str, str]]:
        table = ParkedEvent
        waiting = (
            select(table.stream, table.key)
            .where(
                table.consumer == self._consumers.name,
                table.state == "waiting",
                table.error.startswith(MARK),
            )
            .order_by(table.id)
            .limit(REPLAYED_KEYS_MAX)
        )
        async with self._database.transaction() as session:
            return [(stream, key) for stream, key in await session.execute(waiting)]
