"""Open what was sent: a CSV, a gzipped one, or a gzipped tar of them; nothing grows without bound.

A stranger's archive is read as a stream: nothing of it is ever written below a name that it gives,
and no more of it is in memory than a block and a line.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from billing.files.refusal import FileRefusedError

BLOCK_BYTES = 256 * 1024
UNPACKED_BYTES_MAX = 16 * 1024**3
RATIO_MAX = 200  # of unpacked to packed bytes; a bill of many equal lines reaches 60
RATIO_FREE_BYTES = 8 * 1024**2  # below it no ratio is looked at
MEMBERS_MAX = 2_000
NAME_CHARACTERS_MAX = 200
TAR_HEAD_BYTES_MAX = 64 * 1024  # of what stands before a member: long names, attributes
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"  # of workbooks, too: none is opened, however many columns it claims
GZIP = 31  # window bits of zlib, with gzip's head and tail
_HEADS = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)


def open_files(packed: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Each CSV file of what was sent, with its name, one after another.

    Raises:
        FileRefusedError: it is something else, or larger than anything we take.

    """
    magic = packed.read(len(ZIP_MAGIC))
    packed.seek(0)
    if magic == ZIP_MAGIC:
        raise FileRefusedError("a workbook or a ZIP file: CSV is taken, plain, gzipped or in a tar")
    if not magic.startswith(GZIP_MAGIC):
        yield "", packed
        return
    content = io.BufferedReader(Gunzip(packed), BLOCK_BYTES)
    head = content.peek(tarfile.BLOCKSIZE)[: tarfile.BLOCKSIZE]
    if head[257:262] != b"ustar":
        yield "", content
        return
    yield from _members(content)


class Gunzip(io.RawIOBase):
    """What a gzip file holds, or several behind one another."""

    def __init__(self, packed: BinaryIO):
        super().__init__()
        self._packed = packed
        self._stream = zlib.decompressobj(GZIP)
        self._ahead = b""
        self._read = self._written = 0

    def readable(self) -> bool:
        """It is read, and no more."""
        return True

    def readinto(self, target: "memoryview") -> int:  # type: ignore[override]
        """Fill as much of `target` as one step brings.

        Raises:
            FileRefusedError: no gzip, broken off, or it unpacks to too much.

        """
        while True:
            if self._stream.eof:
                self._ahead = self._stream.unused_data or self._more()
                if not self._ahead.strip(b"\0"):
                    return 0
                self._stream = zlib.decompressobj(GZIP)
            data = self._ahead or self._more()
            if not data and not self._stream.unconsumed_tail:
                raise FileRefusedError("the gzip file is broken off")
            try:
                out = self._stream.decompress(data, len(target))
            except zlib.error as error:
                raise FileRefusedError("no gzip file, or a damaged one") from error
            self._ahead = self._stream.unconsumed_tail
            if out:
                target[: len(out)] = out
                self._count(len(out))
                return len(out)

    def _more(self) -> bytes:
        data = self._packed.read(BLOCK_BYTES)
        self._read += len(data)
        return data

    def _count(self, size: int) -> None:
        self._written += size
        if self._written > UNPACKED_BYTES_MAX:
            raise FileRefusedError(f"unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        if self._written > max(RATIO_FREE_BYTES, RATIO_MAX * self._read):
            raise FileRefusedError(f"unpacks to more than {RATIO_MAX} times its size")


class _BoundedInfo(tarfile.TarInfo):
    """A member's head; what stands before it is read whole, so it is bounded."""

    def _proc_member(self, tar: tarfile.TarFile):  # type: ignore[no-untyped-def]
        if self.type in _HEADS and self.size > TAR_HEAD_BYTES_MAX:
            raise FileRefusedError(f"a member's head has more than {TAR_HEAD_BYTES_MAX} bytes")
        return super()._proc_member(tar)  # type: ignore[misc]


def _members(content: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    try:
        with tarfile.open(fileobj=content, mode="r|", tarinfo=_BoundedInfo) as tar:
            for number, member in enumerate(tar, 1):
                name = member.name[:NAME_CHARACTERS_MAX]
                if number > MEMBERS_MAX:
                    raise FileRefusedError(f"more than {MEMBERS_MAX} files", name)
                if member.isdir():
                    continue
                _check(member, name)
                file = tar.extractfile(member)
                assert file is not None
                yield name, file  # type: ignore[misc]
                tar.members = []  # type: ignore[attr-defined] # it would remember each
    except (tarfile.TarError, EOFError) as error:
        raise FileRefusedError("no tar, or a damaged one") from error


def _check(member: tarfile.TarInfo, name: str) -> None:
    parts = member.name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or len(member.name) > NAME_CHARACTERS_MAX:
        raise FileRefusedError("a file's name leads out of the archive", name)
    if not member.isreg() or member.issparse():
        raise FileRefusedError("something else than a file", name)
    if not member.name.lower().endswith(".csv"):
        raise FileRefusedError("something else than a CSV file", name)
