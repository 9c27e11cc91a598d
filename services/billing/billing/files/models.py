"""Files that billing has made or was sent, in pieces: any replica goes on with them."""

from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables

PIECE_BYTES = 1024 * 1024


class FilePiece(Tables):
    """Some bytes of a file; the pieces in the order of their positions are the file."""

    __tablename__ = "file_pieces"

    file_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # from 0
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    content: Mapped[bytes]
