"""Write, read and forget the pieces of a file; no more than one piece is in memory at once."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.files.models import PIECE_BYTES, FilePiece
from chassis.database import Database
from chassis.identity import Principal

PIECES_AT_ONCE = 64  # forgotten in one transaction


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose file it is."""

    partner_id: str
    distributor_id: str | None


async def append_pieces(
    session: AsyncSession, owner: Owner, file_id: str, position: int, content: IO[bytes]
) -> tuple[int, int]:
    """Write all that `content` has from `position` on; the next position, and how many bytes."""
    table = FilePiece.__table__
    assert isinstance(table, Table)
    size = 0
    while piece := content.read(PIECE_BYTES):
        row = {"file_id": file_id, "position": position, "content": piece}
        whose = {"partner_id": owner.partner_id, "distributor_id": owner.distributor_id}
        await session.execute(insert(table), [{**row, **whose}])
        position, size = position + 1, size + len(piece)
    return position, size


async def read_pieces(
    database: Database, principal: Principal | None, file_id: str
) -> AsyncIterator[bytes]:
    """The file, piece by piece; each is read in a transaction of its own."""
    position = 0
    while True:
        async with database.transaction_of(principal) as session:
            piece = await session.scalar(
                select(FilePiece.content).where(
                    FilePiece.file_id == file_id, FilePiece.position == position
                )
            )
        if piece is None:
            return
        yield piece
        position += 1


async def digest_pieces(database: Database, file_id: str) -> str:
    """The SHA-256 of the whole file, in hexadecimal digits."""
    digest = hashlib.sha256()
    async for piece in read_pieces(database, None, file_id):
        digest.update(piece)
    return digest.hexdigest()


async def count_pieces(session: AsyncSession, file_id: str) -> int:
    """How many there are."""
    counted = select(func.count()).select_from(FilePiece).where(FilePiece.file_id == file_id)
    return await session.scalar(counted) or 0


async def forget_pieces(database: Database, file_id: str) -> None:
    """Remove the file, in bounded portions; begun again, it goes on."""
    gone = PIECES_AT_ONCE
    while gone == PIECES_AT_ONCE:
        some = (
            select(FilePiece.position)
            .where(FilePiece.file_id == file_id)
            .order_by(FilePiece.position)
            .limit(PIECES_AT_ONCE)
        )
        async with database.transaction() as session:
            removed = await session.execute(
                delete(FilePiece)
                .where(FilePiece.file_id == file_id, FilePiece.position.in_(some))
                .returning(FilePiece.position)
            )
            gone = len(removed.all())
