"""Files that are announced first and then sent in parts, each of which may come again.

A part is at most as large as any request may be; whoever is interrupted sends what is missing.
"""

import io
from abc import abstractmethod
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from billing.files.keep_pieces import Owner, append_pieces
from billing.files.models import PIECE_BYTES, FilePiece
from billing.files.refusal import FileRefusedError
from chassis.errors import BadFieldError, RefusedError
from chassis.leased_work import LeasedColumns
from wire.types import WireRequest

RECEIVING, QUEUED, REFUSED = "receiving", "queued", "refused"
PART_BYTES = 4 * 1024 * 1024
FILE_BYTES_MAX = 1024**3
FILE_NAME_CHARACTERS_MAX = 200


class FileWholeError(RefusedError):
    """The file is whole already."""

    code = "CHB.0409"


class AnnounceFile(WireRequest):
    """What is said of a file before it is sent."""

    model_config = ConfigDict(extra="forbid")

    file_name: Annotated[str, Field(min_length=1, max_length=FILE_NAME_CHARACTERS_MAX)]
    bytes: Annotated[int, Field(ge=1, le=FILE_BYTES_MAX)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SentColumns(LeasedColumns):
    """How much of it is there, and how far it is read."""

    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    file_name: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]  # as the sender says it
    parts_total: Mapped[int]
    parts_received: Mapped[list[Any]]  # their numbers, in order
    refused: Mapped[dict[str, Any] | None]  # the file itself: member, line, reason
    created_at: Mapped[datetime]

    @property
    @abstractmethod
    def pieces_id(self) -> str:
        """Of the pieces that were sent."""

    def refuse(self, refusal: FileRefusedError, now: datetime) -> None:
        """It is read no further."""
        self.refused = {
            "member": refusal.member, "line": refusal.line, "reason": refusal.reason,
        }  # fmt: skip
        self.end(REFUSED, now)


def announced(wanted: AnnounceFile, now: datetime) -> dict[str, Any]:
    """What the row of the file says from the start."""
    return dict(
        file_name=wanted.file_name,
        bytes=wanted.bytes,
        sha256=wanted.sha256,
        parts_total=-(-wanted.bytes // PART_BYTES),
        parts_received=[],
        status=RECEIVING,
        tries=0,
        created_at=now,
        version=1,
    )


async def receive_part(session: AsyncSession, found: SentColumns, number: int, body: bytes) -> None:
    """Keep a part of a file that is locked; behind the last one that is missing it waits its turn.

    Raises:
        FileWholeError
        BadFieldError: no such part, or not as long as it must be.

    """
    if not 1 <= number <= found.parts_total:
        raise BadFieldError("number", f"1 to {found.parts_total}")
    expected = min(PART_BYTES, found.bytes - (number - 1) * PART_BYTES)
    if len(body) != expected:
        raise BadFieldError("body", f"{expected} bytes")
    if found.status != RECEIVING:
        raise FileWholeError("the file is whole")
    first = (number - 1) * (PART_BYTES // PIECE_BYTES)
    await session.execute(
        delete(FilePiece).where(
            FilePiece.file_id == found.pieces_id,
            FilePiece.position >= first,
            FilePiece.position < first + PART_BYTES // PIECE_BYTES,
        )
    )
    owner = Owner(found.partner_id, found.distributor_id)
    await append_pieces(session, owner, found.pieces_id, first, io.BytesIO(body))
    found.parts_received = sorted({*found.parts_received, number})
    if len(found.parts_received) == found.parts_total:
        found.status = QUEUED
    found.version += 1
