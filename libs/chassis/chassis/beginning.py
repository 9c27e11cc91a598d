"""A transaction that begins in one message with what it is bound to."""

from typing import Any

import asyncpg
from asyncpg.transaction import Transaction, TransactionState


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """The driver's, which may be told what its next transaction begins by, BEGIN included.

    A request's role and tenant cost it a round trip of their own otherwise, and SQLAlchemy five
    times the work of the server.
    """

    __slots__ = ("opening",)

    def __init__(self, *given: Any, **named: Any):
        super().__init__(*given, **named)
        self.opening: str | None = None

    def transaction(self, **options: Any) -> Transaction:
        """SQLAlchemy asks for one before its first statement."""
        if self.opening is None:
            return super().transaction(**options)
        opened, self.opening = _Opened(self, None, False, False), None
        return opened


class _Opened(Transaction):  # type: ignore[misc]
    """Begun by its connection's opening; it ends as any other."""

    def __init__(self, connection: Connection, *options: Any):
        super().__init__(connection, *options)
        self._opening = connection.opening

    async def start(self) -> None:
        """A connection that fails half-way is in a transaction that nobody ends: it goes."""
        connection = self._connection
        if connection._top_xact is not None or connection.is_in_transaction():
            raise asyncpg.InterfaceError("the connection is in a transaction")
        connection._top_xact = self
        try:
            await connection.execute(self._opening)
        except BaseException:
            self._state = TransactionState.FAILED
            connection.terminate()
            raise
        self._state = TransactionState.STARTED
