"""Passwords: argon2id, computed in threads of its own so that the event loop never waits.

Each caller takes a turn. Few may wait for one, and few from one address, so that strangers who
sign in by the hundred delay others by a second and not by minutes; who gives up leaves the queue.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TypeVar

import prometheus_client
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chassis.errors import RefusedError
from gateway.rate_limit import ThrottledError
from gateway.settings import GatewaySettings

WAITING = prometheus_client.Gauge(
    "channelbus_passwords_waiting", "Sign-ins and new passwords that wait for their turn"
)

T = TypeVar("T")


class PasswordsBusyError(RefusedError):
    """More sign-ins at once than can be looked at; a moment later there is room again."""

    code = "CHB.0503"


class Passwords:
    """Hashes and verifies; at most so many at once, since each takes a core and its memory."""

    def __init__(self, settings: GatewaySettings):
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._threads = ThreadPoolExecutor(
            settings.password_hashes_at_once, thread_name_prefix="argon2"
        )
        self._turns = asyncio.Semaphore(settings.password_hashes_at_once)
        self._waiting_max = settings.passwords_waiting_max
        self._of_an_address_max = settings.passwords_of_an_address_max
        self._waiting = 0
        self._by_address: Counter[str] = Counter()

    async def hash(self, password: str) -> str:
        """The hash with its parameters and salt, for a caller that is known already."""
        async with self.turn(None):
            return await self._in_thread(lambda: self._hasher.hash(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password, in one's turn; no password takes as long to refuse."""
        return await self._in_thread(lambda: self._verify(kept, password))

    @asynccontextmanager
    async def turn(self, address: str | None) -> AsyncIterator[None]:
        """Wait for a turn.

        Raises:
            ThrottledError: as many as may be of this address are in the queue.
            PasswordsBusyError: the queue is full.

        """
        if address is not None and self._by_address[address] >= self._of_an_address_max:
            raise ThrottledError(self._of_an_address_max, 1)
        # Who has proved itself already is not turned away because of strangers.
        waiting_max = self._waiting_max * (2 if address is None else 1)
        if self._waiting >= waiting_max:
            raise PasswordsBusyError
        self._by_address[address or ""] += 1
        try:
            await self._wait()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._by_address[address or ""] -= 1
            self._by_address += Counter()  # forgets those at zero

    def warning(self) -> str | None:
        """What `/readyz` says while nobody else gets in."""
        if self._waiting < self._waiting_max:
            return None
        return f"sign-in is busy: {self._waiting} wait for their turn"

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait(self) -> None:
        self._waiting += 1
        WAITING.set(self._waiting)
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
            WAITING.set(self._waiting)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """A thread cannot be stopped: who is cancelled keeps the turn until it is done."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._decoy, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False
