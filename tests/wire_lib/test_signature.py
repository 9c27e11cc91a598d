"""SDK-HMAC-SHA256 as the official SDK signs it, and nothing that differs by a byte."""

import hashlib
import random
import string
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer import signer as official

from wire.signature import (
    Reason,
    SignatureError,
    canonical_request,
    parse_authorization,
    sign,
    sign_request,
    verify,
)

ACCESS, SECRET = "AKEXAMPLE", "SKEXAMPLE"
NOW = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)
STAMP = "20261123T030000Z"
HASH = "X-Sdk-Content-Sha256"


@dataclass(frozen=True)
class Received:
    """A request as a server takes it from the wire."""

    method: str
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name.lower().encode()].decode("latin-1")

    def with_header(self, name: str, value: str) -> "Received":
        kept = tuple(pair for pair in self.headers if pair[0] != name.lower().encode())
        return replace(self, headers=(*kept, (name.lower().encode(), value.encode("latin-1"))))

    def without_header(self, name: str) -> "Received":
        return replace(
            self, headers=tuple(p for p in self.headers if p[0] != name.lower().encode())
        )

    def verify(self, now: datetime = NOW, secret: str = SECRET) -> None:
        authorization = parse_authorization(self.header("authorization"))
        verify(
            authorization,
            self.method,
            self.path,
            self.query,
            self.headers,
            self.body,
            secret,
            now,
        )


def signed_by_the_sdk(
    method: str = "POST",
    path: str = "/v2/partners/sub-customers/query",
    query: list[tuple[str, object]] | None = None,
    headers: dict[str, str] | None = None,
    body: str = '{"limit": 10}',
    signer: type[official.Signer] = official.Signer,
) -> Received:
    """What the official signer makes of a request, as its bytes arrive."""
    given = {"Content-Type": "application/json", "X-Sdk-Date": STAMP, **(headers or {})}
    request = SdkRequest(
        method=method,
        schema="http",
        host="bss.myhuaweicloud.com",
        resource_path=path,
        query_params=query or [],
        header_params=given,
        body=body,
    )
    signed = signer(BasicCredentials(ACCESS, SECRET, "project")).sign(request)
    raw_path, _, raw_query = signed.uri.partition("?")
    sent = tuple(
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in signed.header_params.items()
    )
    content = signed.body if isinstance(signed.body, bytes) else (signed.body or "").encode()
    return Received(method, raw_path.encode(), raw_query.encode(), sent, content)


def refused(request: Received, now: datetime = NOW) -> Reason:
    with pytest.raises(SignatureError) as caught:
        request.verify(now)
    return caught.value.reason


# --- the vectors of docs/domain/wire-protocol.md D.2


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "digest", "signature"),
    [
        (
            "GET",
            b"/v2/orders/customer-orders",
            b"limit=10&offset=0&order_by=-createTime&order_id=CS%201%25",
            b"",
            "263b73c179d6432d13a105ca1e0e005cec61428d482db9850f0e8f5af61871ca",
            "56b3f58ae83ef916f97c4e2cc5451a33922d82f047a791545c9cef369530b6fa",
        ),
        (
            "POST",
            b"/v2/accounts/partner-accounts/adjust-amount",
            b"",
            b'{"customer_id": "c", "amount": 100.10}',
            "799f879a9d06b7d242c3529d270cc20a20b710ff2d8d75e0048669645616f887",
            "803ccd1b5289658a56d426e2f79b07d12647b06ffea3762f0224defb3c339734",
        ),
    ],
)
def test_the_published_vectors_come_out(
    method: str, path: bytes, query: bytes, body: bytes, digest: str, signature: str
) -> None:
    headers = {
        "Content-Type": "application/json",
        "Host": "bss.myhuaweicloud.com",
        "X-Domain-Id": "domain123",
        "X-Sdk-Date": STAMP,
    }
    names = ("content-type", "host", "x-domain-id", "x-sdk-date")
    canonical = canonical_request(method, path, query, headers, names, body)
    assert hashlib.sha256(canonical).hexdigest() == digest
    assert sign(method, path, query, headers, names, body, SECRET) == signature


# --- docs/domain/worked-examples.md F.15


def test_what_was_received_is_verified_and_not_what_it_means() -> None:
    """F.15: the same number written otherwise, and what a proxy rewrites, break the signature."""
    agent = "huaweicloud-usdk-python/3.0"
    request = signed_by_the_sdk(body='{"amount": 100.10}', headers={"User-Agent": agent})
    request.verify()
    refused(replace(request, body=b'{"amount":100.1}'))
    refused(request.with_header("Host", "gateway.internal"))
    refused(request.with_header("User-Agent", "nginx"))


def test_a_path_is_signed_with_a_slash_at_its_end() -> None:
    """F.15: `/a` as `/a/`, whichever of the two is sent."""
    request = signed_by_the_sdk(method="GET", path="/a", body="")
    signed = canonical_request("GET", b"/a", b"", {"Host": "h"}, ("host",), b"")
    assert signed.splitlines()[1] == b"/a/"
    request.verify()
    replace(request, path=b"/a/").verify()
    refused(replace(request, path=b"/a/b"))


def test_a_stamp_of_more_than_a_quarter_of_an_hour_is_stale() -> None:
    """F.15: stamped 03:00:00, it is believed at 03:15:00 and refused at 03:15:01."""
    request = signed_by_the_sdk()
    at = datetime(2026, 11, 23, 3, 15, 0, tzinfo=UTC)
    request.verify(at)
    assert refused(request, at + timedelta(seconds=1)) is Reason.STALE


# --- whatever the SDK signs is believed

LETTERS = (
    string.ascii_letters + string.digits + "-._~ %+/&=?#:;,@!$'()*[]{}|\\^`\"<>\t" + "中é\u00a0𝄞"
)


def some_text(dice: random.Random, shortest: int = 0) -> str:
    return "".join(dice.choices(LETTERS, k=dice.randint(shortest, 8)))


def some_value(dice: random.Random) -> object:
    values: list[object] = [
        some_text(dice),
        "",
        dice.randint(-5, 10**9),
        dice.choice([True, False]),
        [some_text(dice) for _ in range(dice.randint(1, 4))],
    ]
    return dice.choice(values)


def some_request(seed: int) -> Received:
    dice = random.Random(seed)
    segments = [quote(some_text(dice, 1), safe="") for _ in range(dice.randint(1, 4))]
    names = {some_text(dice, 1) for _ in range(dice.randint(0, 5))}
    header = some_text(dice).replace("\t", " ")
    return signed_by_the_sdk(
        method=dice.choice(["GET", "PUT", "POST", "DELETE"]),
        path="/v2/" + "/".join(segments) + dice.choice(["", "/"]),
        query=[(name, some_value(dice)) for name in names],
        headers={"X-Language": f"  {header} ", "X-Domain-Id": "d1", "skip_me": "x"},
        body=dice.choice(["", "{}", '{"amount": 100.10, "name": "客户"}', some_text(dice)]),
    )


@pytest.mark.parametrize("seed", range(400))
def test_whatever_the_official_signer_signs_is_believed(seed: int) -> None:
    some_request(seed).verify()


@pytest.mark.parametrize("seed", range(400))
def test_a_changed_byte_is_not_believed(seed: int) -> None:
    request, dice = some_request(seed), random.Random(seed)
    path = with_a_changed_byte(request.path, dice)
    query = with_a_changed_byte(request.query, dice)
    if path_meaning(path) != path_meaning(request.path):
        refused(replace(request, path=path))
    if query_meaning(query) != query_meaning(request.query):
        refused(replace(request, query=query))
    refused(replace(request, body=with_a_changed_byte(request.body, dice)))


def with_a_changed_byte(old: bytes, dice: random.Random) -> bytes:
    if not old:
        return b"x"
    place = dice.randrange(len(old))
    return old[:place] + bytes([old[place] ^ (1 << dice.randrange(7))]) + old[place + 1 :]


def path_meaning(raw: bytes) -> bytes:
    """What an application reads: two spellings of one meaning have one signature by design."""
    return unquote_to_bytes(raw).rstrip(b"/")


def query_meaning(raw: bytes) -> list[tuple[bytes, bytes]]:
    pairs = [piece.partition(b"=") for piece in raw.replace(b"+", b" ").split(b"&") if piece]
    return sorted((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs)


@pytest.mark.parametrize("name", ["host", "content-type", "x-domain-id", "user-agent"])
def test_a_changed_header_is_not_believed(name: str) -> None:
    request = signed_by_the_sdk(headers={"X-Domain-Id": "d1", "User-Agent": "sdk/3"})
    request.verify()
    assert refused(request.with_header(name, "other")) is Reason.MISMATCH


def test_another_method_or_secret_is_not_believed() -> None:
    request = signed_by_the_sdk()
    assert refused(replace(request, method="PUT")) is Reason.MISMATCH
    with pytest.raises(SignatureError, match="does not match"):
        request.verify(secret="SKOTHER")


def test_headers_that_are_not_signed_may_be_added_by_proxies() -> None:
    signed_by_the_sdk().with_header("x-forwarded-for", "10.0.0.1").verify()


def test_the_order_and_doubling_of_pairs_do_not_matter_but_their_number_does() -> None:
    request = signed_by_the_sdk("GET", query=[("a", ["2", "1"]), ("a-b", ""), ("c", "x y")])
    assert request.query == b"a=1&a=2&a-b=&c=x%20y"
    replace(request, query=b"c=x+y&&a-b&a=2&a=1").verify()
    assert refused(replace(request, query=b"a=1&a=2&a=2&a-b=&c=x%20y")) is Reason.MISMATCH


def test_an_escape_in_another_spelling_has_the_same_signature() -> None:
    request = signed_by_the_sdk("GET", path="/v2/x", query=[("a", "~A中"), ("b", "-_.")])
    assert request.query == b"a=~A%E4%B8%AD&b=-_."
    for query in (
        b"a=%7E%41%e4%b8%ad&b=%2D%5f%2e",
        b"b=-_.&a=%7EA%E4%B8%AD",
        b"%61=~A%E4%B8%AD&b=%2D_.",
    ):
        replace(request, query=query).verify()
    replace(request, path=b"/%762/x").verify()


def test_a_letter_whose_last_byte_looks_like_a_blank_is_kept() -> None:
    signed_by_the_sdk(headers={"X-Language": "à"}).verify()
    signed_by_the_sdk(headers={"X-Language": " \t中…\t "}).verify()


# --- the clock


@pytest.mark.parametrize("seconds", [-900, -1, 0, 1, 900])
def test_a_stamp_within_15_minutes_is_taken(seconds: int) -> None:
    signed_by_the_sdk().verify(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-901, 901, 86400])
def test_a_stamp_further_away_is_stale(seconds: int) -> None:
    assert refused(signed_by_the_sdk(), NOW + timedelta(seconds=seconds)) is Reason.STALE


@pytest.mark.parametrize(
    "stamp", ["20261123T0300Z", "2026-11-23T03:00:00Z", "20261323T030000Z", ""]
)
def test_a_stamp_in_another_spelling_is_refused(stamp: str) -> None:
    assert refused(signed_by_the_sdk().with_header("x-sdk-date", stamp)) is Reason.DATE_MALFORMED


# --- what is refused before anything is computed


def test_the_date_must_be_signed() -> None:
    request = signed_by_the_sdk()
    unsigned = request.header("authorization").replace(";x-sdk-date", "")
    assert refused(request.with_header("authorization", unsigned)) is Reason.DATE_NOT_SIGNED


def test_a_signed_header_must_be_there_and_only_once() -> None:
    request = signed_by_the_sdk(headers={"X-Domain-Id": "d1"})
    assert refused(request.without_header("x-domain-id")) is Reason.MISSING_SIGNED_HEADER
    twice = replace(request, headers=(*request.headers, (b"x-domain-id", b"d2")))
    assert refused(twice) is Reason.REPEATED_SIGNED_HEADER


def test_a_content_hash_must_be_the_bodys() -> None:
    body = '{"amount": 100.10}'
    digest = hashlib.sha256(body.encode()).hexdigest()
    request = signed_by_the_sdk(headers={HASH: digest}, body=body)
    request.verify()
    assert refused(replace(request, body=b'{"amount":100.1}')) is Reason.CONTENT_HASH
    unsigned = signed_by_the_sdk().with_header(HASH, "00")
    assert refused(unsigned) is Reason.CONTENT_HASH


def test_an_unsigned_payload_is_accepted_for_nothing() -> None:
    request = signed_by_the_sdk(headers={"Content-Type": "text/plain"})
    assert request.header(HASH) == "UNSIGNED-PAYLOAD"
    assert refused(request) is Reason.UNSIGNED_PAYLOAD


@pytest.mark.parametrize(
    ("signer", "name"),
    [
        (official.SM3Signer, "SDK-HMAC-SM3"),
        (official.P256SHA256Signer, "SDK-ECDSA-P256-SHA256"),
        (official.SM2SM3Signer, "SDK-SM2-SM3"),
    ],
)
def test_other_algorithms_are_refused_by_name(signer: type[official.Signer], name: str) -> None:
    with pytest.raises(SignatureError, match="sign with SDK-HMAC-SHA256") as caught:
        signed_by_the_sdk(signer=signer).verify()
    assert (caught.value.reason, caught.value.detail) == (Reason.ALGORITHM, name)


def test_a_derived_key_is_refused_by_name() -> None:
    header = "V11-HMAC-SHA256 Credential=AK/20261123/cn/bss, SignedHeaders=host, Signature=00"
    with pytest.raises(SignatureError, match="V11-HMAC-SHA256"):
        parse_authorization(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 Access=, SignedHeaders=host, Signature=00",
        "SDK-HMAC-SHA256 Access=A, SignedHeaders=host",
        "SDK-HMAC-SHA256, Access=A, SignedHeaders=host, Signature=00",
        "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=00, More=1",
        f"SDK-HMAC-SHA256 Access=A, SignedHeaders={';'.join(['h'] * 600)}, Signature=00",
    ],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    with pytest.raises(SignatureError) as caught:
        parse_authorization(header)
    assert caught.value.reason in (Reason.MALFORMED, Reason.ALGORITHM)


# --- the client's side


@pytest.mark.parametrize("body", [b"", b'{"customer": "\xe4\xb8\xad"}'])
def test_what_we_sign_we_believe_and_so_would_the_sdk(body: bytes) -> None:
    url = "http://127.0.0.1:8080/v2/orders/customer-orders/details/a%2Fb?limit=10&x=%20%E4%B8%AD"
    made = sign_request("GET", url, access=ACCESS, secret=SECRET, now=NOW, body=body)
    sent = tuple((k.lower().encode(), v.encode()) for k, v in made.headers.items())
    path, query = b"/v2/orders/customer-orders/details/a%2Fb", b"limit=10&x=%20%E4%B8%AD"
    Received("GET", path, query, sent, made.body).verify()
    theirs = signed_by_the_sdk(
        "GET",
        path.decode(),
        [("limit", 10), ("x", " 中")],
        {"Host": "127.0.0.1:8080"},
        body.decode(),
    )
    assert theirs.header("authorization") == made.headers["Authorization"]


def test_headers_may_be_given_as_a_mapping_in_any_case() -> None:
    request = signed_by_the_sdk()
    authorization = parse_authorization(request.header("authorization"))
    given = {name.decode().title(): value.decode() for name, value in request.headers}
    parts: tuple[str, bytes, bytes] = (request.method, request.path, request.query)
    verify(authorization, *parts, given, request.body, SECRET, NOW)
