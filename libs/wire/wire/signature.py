"""SDK-HMAC-SHA256, both sides: what a request must carry to be believed.

See docs/domain/wire-protocol.md D.2, D.4a.

Everything is computed over the bytes as received: raw path, raw query, header values and body as
the server took them from the wire, never over something parsed and written again.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from wire.canonical import canonical_path, canonical_query

ALGORITHM = "SDK-HMAC-SHA256"
CLOCK_SKEW_SECONDS_MAX = 15 * 60
SIGNED_HEADERS_LENGTH_MAX = 1024  # characters of the names, joined
DATE_HEADER = "x-sdk-date"
CONTENT_HASH_HEADER = "x-sdk-content-sha256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

Headers = Mapping[str, str] | Iterable[tuple[bytes, bytes]]
"""Header names in any case, values latin-1; or ASGI's `scope["headers"]` (names in lower case)."""

_BLANKS = " \t"  # not every str.strip blank: 0xA0 may end a UTF-8 letter
_CACHED_STAMPS_MAX = 2048
_CACHED_NAMES_MAX = 512
_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 +Access=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9A-Za-z]+)"
)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)


class Reason(StrEnum):
    """Why a signature is refused; the gateway answers APIGW.0301 and logs which."""

    MALFORMED = "the Authorization header is malformed"
    ALGORITHM = "the algorithm is not spoken here; sign with SDK-HMAC-SHA256"
    MISSING_SIGNED_HEADER = "a signed header is missing"
    REPEATED_SIGNED_HEADER = "a signed header came more than once"
    DATE_NOT_SIGNED = "X-Sdk-Date must be among the signed headers"
    DATE_MALFORMED = "X-Sdk-Date must be like 20261123T030000Z"
    STALE = "X-Sdk-Date is more than 15 minutes away from the server's clock"
    UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD is not accepted; sign the body"
    CONTENT_HASH = "X-Sdk-Content-Sha256 is not the hash of the body"
    MISMATCH = "the signature does not match"


class SignatureError(Exception):
    """The request is not believed; `reason` says why, `detail` which header or algorithm."""

    def __init__(self, reason: Reason, detail: str = ""):
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The Authorization header, taken apart; header names in lower case, in the order given."""

    access: str
    signed_headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request ready to be sent as it is: url, headers and body must not be touched again."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def parse_authorization(header: str) -> Authorization:
    """Take the header apart; refuses other algorithms by their name."""
    found = _AUTHORIZATION.fullmatch(header)
    if found is None:
        algorithm = header.split(" ", 1)[0][:40]
        if algorithm and algorithm != ALGORITHM:
            raise SignatureError(Reason.ALGORITHM, algorithm)
        raise SignatureError(Reason.MALFORMED)
    access, names, signature = found.groups()
    if len(names) > SIGNED_HEADERS_LENGTH_MAX:
        raise SignatureError(Reason.MALFORMED, "too many signed headers")
    return Authorization(access, _signed_names(names), signature)


@lru_cache(_CACHED_NAMES_MAX)
def _signed_names(text: str) -> tuple[str, ...]:
    return tuple(text.lower().split(";"))


def verify(
    authorization: Authorization,
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
    body: bytes,
    secret: str,
    now: datetime,
) -> None:
    """Believe the request or raise `SignatureError`.

    `raw_path` is without the query, `raw_query` without `?`, both as received. What can be said
    without the secret is said first; the comparison takes constant time.
    """
    given = _needed(headers, authorization.signed_headers)
    stamp = given.get(DATE_HEADER)
    if stamp is None:  # only signed headers are in `given`
        raise SignatureError(Reason.DATE_NOT_SIGNED)
    _check_stamp(stamp, now)
    body_hash = _check_body(given.get(CONTENT_HASH_HEADER), body)
    canonical = _canonical(
        method, raw_path, raw_query, given, authorization.signed_headers, body_hash
    )
    expected = _signature(secret, stamp, canonical)
    if not hmac.compare_digest(expected, authorization.signature):
        raise SignatureError(Reason.MISMATCH)


def sign(
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
    signed_headers: tuple[str, ...],
    body: bytes,
    secret: str,
) -> str:
    """The signature as lower-case hex; `headers` holds X-Sdk-Date and every signed header."""
    given = _needed(headers, signed_headers)
    body_hash = hashlib.sha256(body).hexdigest() if body else EMPTY_HASH
    canonical = _canonical(method, raw_path, raw_query, given, signed_headers, body_hash)
    return _signature(secret, given[DATE_HEADER], canonical)


def canonical_request(
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    headers: Headers,
    signed_headers: tuple[str, ...],
    body: bytes,
) -> bytes:
    """The bytes whose hash is signed (docs/domain/wire-protocol.md D.2.7)."""
    given = _needed(headers, signed_headers)
    body_hash = hashlib.sha256(body).hexdigest() if body else EMPTY_HASH
    return _canonical(method, raw_path, raw_query, given, signed_headers, body_hash)


def sign_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    access: str,
    secret: str,
    now: datetime,
) -> dict[str, str]:
    """The headers to send: those given, and Host, X-Sdk-Date and Authorization over all of them.

    `url` is percent-encoded already. Header values are text; they are signed and must be sent as
    UTF-8.
    """
    parts = urlsplit(url)
    out = {"Host": parts.netloc, **headers, "X-Sdk-Date": stamp_of(now)}
    sent = [(k.lower().encode(), v.strip().encode()) for k, v in out.items()]
    signed = tuple(sorted(name.decode() for name, _ in sent if b"_" not in name))
    path, query = parts.path.encode() or b"/", parts.query.encode()
    signature = sign(method, path, query, sent, signed, body, secret)
    out["Authorization"] = (
        f"{ALGORITHM} Access={access}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return out


def sign_request(
    method: str,
    url: str,
    *,
    access: str,
    secret: str,
    now: datetime,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> SignedRequest:
    """A JSON request as the official SDK would send it."""
    given = {"Content-Type": "application/json", **(headers or {})}
    return SignedRequest(
        method, url, sign_headers(method, url, given, body, access, secret, now), body
    )


def stamp_of(now: datetime) -> str:
    """X-Sdk-Date of an instant."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _needed(headers: Headers, signed: tuple[str, ...]) -> dict[str, str]:
    """The signed headers and the content hash, by lower-case name; each at most once."""
    pairs: Iterable[tuple[bytes, bytes]]
    if isinstance(headers, Mapping):
        pairs = ((n.lower().encode(), v.encode("latin-1")) for n, v in headers.items())
    else:
        pairs = headers
    wanted = _wanted(signed)
    given: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        if (name := wanted.get(raw_name)) is not None:
            if name in given:
                raise SignatureError(Reason.REPEATED_SIGNED_HEADER, name)
            given[name] = raw_value.decode("latin-1").strip(_BLANKS)
    for name in signed:
        if name not in given:
            raise SignatureError(Reason.MISSING_SIGNED_HEADER, name)
    return given


@lru_cache(_CACHED_NAMES_MAX)
def _wanted(signed: tuple[str, ...]) -> dict[bytes, str]:
    """The names to look for, as they stand on the wire."""
    return {name.encode(): name for name in (*signed, CONTENT_HASH_HEADER)}


def _check_stamp(stamp: str, now: datetime) -> None:
    try:
        signed_at = _seconds(stamp)
    except ValueError:
        raise SignatureError(Reason.DATE_MALFORMED) from None
    if abs(now.timestamp() - signed_at) > CLOCK_SKEW_SECONDS_MAX:
        raise SignatureError(Reason.STALE)


@lru_cache(_CACHED_STAMPS_MAX)
def _seconds(stamp: str) -> float:
    found = _STAMP.fullmatch(stamp)
    if found is None:
        raise ValueError(stamp)
    return datetime(*map(int, found.groups()), tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


def _check_body(claimed: str | None, body: bytes) -> str:
    """The hash of the body received; a header that claims another is refused (D.2.6)."""
    actual = hashlib.sha256(body).hexdigest() if body else EMPTY_HASH
    if claimed is None or claimed == actual:
        return actual
    if claimed == UNSIGNED_PAYLOAD:
        raise SignatureError(Reason.UNSIGNED_PAYLOAD)
    raise SignatureError(Reason.CONTENT_HASH)


def _canonical(
    method: str,
    raw_path: bytes,
    raw_query: bytes,
    given: Mapping[str, str],
    signed: tuple[str, ...],
    body_hash: str,
) -> bytes:
    block = "".join([f"{name}:{given[name]}\n" for name in signed])
    head = f"{method.upper()}\n{canonical_path(raw_path)}\n{canonical_query(raw_query)}\n"
    return f"{head}{block}\n{';'.join(signed)}\n{body_hash}".encode("latin-1")


def _signature(secret: str, stamp: str, canonical: bytes) -> str:
    digest = hashlib.sha256(canonical).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{digest}"
    return hmac.digest(secret.encode(), text.encode("latin-1"), "sha256").hex()
