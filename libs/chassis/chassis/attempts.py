"""Deliver a batch for sure: what may heal is tried again, what cannot is parked by key.

What fails for every key stops the consumer instead, until code and schema fit again.
"""

import asyncio
import time
from collections import deque
from itertools import pairwise

from chassis.delivery import Delivery, FencedError
from chassis.failures import DatabaseAwayError, Failure, failure_of
from chassis.logs import enter_request, get_logger
from chassis.messages import Message
from chassis.metrics import FENCED, RETRIES
from chassis.misfits import Misfits
from chassis.settings import ServiceSettings
from chassis.standing import Standing

log = get_logger(__name__)

BACK_OFF_SECONDS_MAX = 10.0


class Attempts:
    """One member's way through its batches."""

    def __init__(self, settings: ServiceSettings, delivery: Delivery, standing: Standing):
        self._settings = settings
        self._delivery = delivery
        self._standing = standing
        self._progress = standing.progress
        self.misfits = Misfits(delivery.consumers, delivery.database)
        self.database_away_since: float | None = None

    def database_is_away(self) -> None:
        """Note since when."""
        if self.database_away_since is None:
            self.database_away_since = time.monotonic()

    async def deliver_surely(self, messages: list[Message]) -> None:
        """Deliver the batch; when it fails for good, in pieces; one that fails alone is parked.

        Cut out what was in hand when it failed and halve what follows: what waits behind many
        poisoned events is not read again for each. One takes four transactions. When nothing was in
        hand, halve: that finds one poisoned event among 500 by 18 transactions, one by one by 500.
        """
        pieces = deque([messages])
        while pieces:
            piece = pieces.popleft()
            failure = await self._attempt(piece)
            if failure is None or not failure.lasts:
                continue
            if len(piece) > 1:
                pieces.extendleft(reversed(self._cut(piece)))
            elif failure is Failure.MISFIT and self.misfits.fails_for_all(piece[0]):
                await self._wait_until_it_fits(piece[0])
            else:
                await self._park(piece[0])

    def _cut(self, messages: list[Message]) -> list[list[Message]]:
        ids = [message.event_id for message in messages]
        suspect = self._delivery.suspect
        if suspect in ids:
            behind = ids.index(suspect) + 1
            cuts = [behind - 1, behind, (behind + len(messages)) // 2]
        else:
            cuts = [len(messages) // 2]
        bounds = pairwise([0, *cuts, len(messages)])
        return [messages[begin:end] for begin, end in bounds if begin < end]

    async def _wait_until_it_fits(self, message: Message) -> None:
        """Code and schema do not fit: consume nothing more until they do, and say why."""
        pause, error = 1.0, self.misfits.error
        self._progress.halt(f"code and schema do not fit, nothing is consumed: {error}")
        while (failure := await self._attempt([message])) is Failure.MISFIT:
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
        self._progress.halt(None)
        self.misfits.may_fit_again()
        if failure is Failure.POISON:
            await self._park(message)

    async def _park(self, message: Message) -> None:
        error = self._progress.last_error
        log.error("parked", consumer=self._standing.name, key=message.key, error=error)
        failure = await self._attempt([message], parking=error)
        if failure is not None and failure.lasts:
            why = f"offset {message.position} cannot be parked either: {self._progress.last_error}"
            partition = (message.topic, message.partition)
            self._standing.stop_partition(partition, why, heals=True)

    async def _attempt(self, messages: list[Message], parking: str | None = None) -> Failure | None:
        """Try until it is delivered, fenced or known to last. None is success."""
        pause, conflicts = 0.05, 0
        if len(messages) == 1:
            enter_request("", messages[0].headers.get("traceparent"))
        while True:
            if not (moves := self._standing.moves(messages)):
                return None  # every partition of the batch was revoked meanwhile
            try:
                await self._delivery.deliver(messages, moves, parking=parking)
            except FencedError:
                FENCED.labels(self._standing.name).inc()
                log.warning("fenced", consumer=self._standing.name, partitions=str(list(moves)))
                await self._standing.seek_again(list(moves))
                return Failure.FENCED
            except Exception as error:
                # Every failure has an outcome here: poison is parked with its error, the rest is
                # tried again. FastStream would swallow what escapes, and the position with it.
                failure = failure_of(error)
                if isinstance(error, DatabaseAwayError):
                    self.database_is_away()
                conflicts += failure is Failure.CONFLICT
                if failure.lasts or conflicts > self._settings.consumer_retries:
                    self._progress.last_error = self.misfits.told(error, failure)
                    return failure if failure.lasts else Failure.POISON
                RETRIES.labels(self._standing.name).inc()
                log.warning("trying again", error=repr(error), pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
            else:
                self.database_away_since = None
                self._standing.advance(moves)
                if parking is None:
                    self.misfits.fit(messages)
                return None
