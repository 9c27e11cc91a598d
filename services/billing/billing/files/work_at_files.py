"""Work off files that were sent: read them, or say why not, and forget what was sent."""

import hashlib
from abc import abstractmethod
from datetime import datetime
from typing import IO, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from billing.files.keep_pieces import forget_pieces, read_pieces
from billing.files.refusal import FileRefusedError
from billing.files.sent import SentColumns
from chassis.leased_work import LeasedWork

F = TypeVar("F", bound=SentColumns)


class FileWork(LeasedWork[F]):
    """All files of one kind, whichever replica was sent them."""

    @abstractmethod
    async def read(self, found: F) -> None:
        """Do what is left of the file; FileRefusedError ends it."""

    async def on_refusal(self, session: AsyncSession, row: F, now: datetime) -> None:
        """What else is written when it is refused."""

    async def go_on(self, found: F) -> None:
        """To its end, or to its refusal."""
        try:
            await self.read(found)
        except FileRefusedError as refusal:
            now = await self.clock()
            async with self.database.transaction() as session:
                row = await self.hold(session, found)
                row.refuse(refusal, now)
                await self.on_refusal(session, row, now)
        await forget_pieces(self.database, found.pieces_id)

    async def fetch(self, found: F, packed: IO[bytes]) -> None:
        """All that was sent, from its begin; FileRefusedError when it is not what was announced."""
        digest = hashlib.sha256()
        async for piece in read_pieces(self.database, None, found.pieces_id):
            digest.update(piece)
            packed.write(piece)
        if digest.hexdigest() != found.sha256:
            raise FileRefusedError("the SHA-256 is another one than was announced")
        packed.seek(0)
