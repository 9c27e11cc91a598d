"""The vendor's archive: a gzipped tar of CSV files, made one file at a time.

A gzip file may be several behind one another. So a member's content is packed while it comes, and
the tar's head, which has to say its size, is packed afterwards and put before it: nothing is kept
but what is packed already.
"""

import asyncio
import csv
import io
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

from billing.files.vendor_columns import VendorColumn

GZIP = 31  # window bits of zlib, with gzip's head and tail
LEVEL = 4  # two thirds of the time of gzip's own 6, for files a twentieth larger
BATCH_BYTES = 1024 * 1024  # packed in one go, in a thread
MEMBER_MODE = 0o644
END_OF_TAR = bytes(2 * tarfile.BLOCKSIZE)
MEDIA_TYPE = "application/gzip"


def archive_name(cycle: str) -> str:
    """As the vendor calls it: `customerBill_202611.tar.gz`."""
    return f"customerBill_{cycle.replace('-', '')}.tar.gz"


def member_name(cycle: str, number: int) -> str:
    """A file of the archive; `number` from 1."""
    return f"customerBill_{cycle.replace('-', '')}_{number:04d}.csv"


def headings(columns: Sequence[VendorColumn], language: str) -> bytes:
    """The first line of each file."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([one.heading(language) for one in columns])
    return line.getvalue().encode()


@dataclass(slots=True)
class Packer:
    """Packs what it is given into `packed`, in batches, in a thread."""

    packed: IO[bytes]
    size: int = 0  # before it was packed
    _waiting: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _gzip: "zlib._Compress" = field(default_factory=lambda: zlib.compressobj(LEVEL, wbits=GZIP))
    _under_way: "asyncio.Future[None] | None" = None

    async def __call__(self, data: bytes) -> None:
        """Take some bytes; one batch is packed while the next one comes."""
        self._waiting.append(bytes(data))
        self._bytes += len(data)
        self.size += len(data)
        if self._bytes >= BATCH_BYTES:
            await self._pack()

    async def close(self) -> None:
        """Pack what is left."""
        await self._pack()
        if self._under_way is not None:
            await self._under_way
        self.packed.write(self._gzip.flush())

    async def _pack(self) -> None:
        if self._under_way is not None:
            await self._under_way
        batch, self._waiting, self._bytes = b"".join(self._waiting), [], 0
        self._under_way = asyncio.ensure_future(asyncio.to_thread(self._compress, batch))

    def _compress(self, batch: bytes) -> None:
        self.packed.write(self._gzip.compress(batch))


def packed_head(name: str, size: int, changed_at: float) -> bytes:
    """What stands before a member's content."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(changed_at), MEMBER_MODE
    return _packed(member.tobuf(tarfile.USTAR_FORMAT))


def packed_filling(size: int) -> bytes:
    """What stands behind it, up to the next block."""
    return _packed(bytes(-size % tarfile.BLOCKSIZE))


def packed_end() -> bytes:
    """What stands behind the last member."""
    return _packed(END_OF_TAR)


def _packed(data: bytes) -> bytes:
    gzip = zlib.compressobj(LEVEL, wbits=GZIP)
    return gzip.compress(data) + gzip.flush()
