"""Until when a certificate holds, as its file says now."""

import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0
_LONG_FORM = 0x80


def seconds_left(path: Path, *, is_ca: bool) -> float:
    """Until what the file holds is of no use; not a number when it cannot be read.

    Of authorities the one that lasts longest counts, for an old one may stand beside the new one;
    else the first certificate, which is our own.
    """
    try:
        ends = list(_ends(path.read_text()))
        last = max(ends) if is_ca else ends[0]
    except (OSError, ValueError, IndexError):
        return float("nan")
    return last.timestamp() - time.time()


def _ends(text: str) -> Iterator[datetime]:
    for part in text.split(_BEGIN)[1:]:
        body, _, _ = part.partition(_END)
        yield _not_after(ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{body}{_END}\n"))


def _not_after(certificate: bytes) -> datetime:
    """X.509: the second time of the validity, which comes after serial, algorithm and issuer."""
    _, whole, _ = _element(certificate)
    _, signed, _ = _element(whole)
    kind, _, after = _element(signed)
    rest = after if kind == _VERSION else signed
    for _ in range(3):
        _, _, rest = _element(rest)
    kind, validity, _ = _element(rest)
    if kind != _SEQUENCE:
        raise ValueError("no certificate")
    _, _, rest = _element(validity)
    kind, said, _ = _element(rest)
    if kind not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("no time")
    digits = said.decode("ascii").removesuffix("Z")
    if kind == _UTC_TIME:
        digits = ("19" if digits >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _element(encoded: bytes) -> tuple[int, bytes, bytes]:
    """The first element of DER: its kind, what is in it, and what comes after it."""
    kind, length, begin = encoded[0], encoded[1], 2
    if length >= _LONG_FORM:
        begin += length - _LONG_FORM
        length = int.from_bytes(encoded[2:begin], "big")
    return kind, encoded[begin : begin + length], encoded[begin + length :]
