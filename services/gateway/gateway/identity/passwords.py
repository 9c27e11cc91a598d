"""Passwords: argon2id, computed in threads of its own so that the event loop never waits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.settings import GatewaySettings


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

    async def hash(self, password: str) -> str:
        """The hash with its parameters and salt."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._hasher.hash, password
        )

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; an account without one takes as long to refuse."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, kept, password
        )

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody's password")

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._decoy, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False
