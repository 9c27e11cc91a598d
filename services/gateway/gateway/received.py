"""A request exactly as it came from the wire, and the bytes of its body."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Message, Receive, Scope

from chassis.errors import BadFieldError
from chassis.routes import BodyTooLargeError

Headers = list[tuple[bytes, bytes]]
Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


class ClientGoneError(Exception):
    """The caller closed the connection before its request was whole."""


@dataclass(slots=True)
class Received:
    """Nothing here was parsed and written again: signatures are over these bytes."""

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Headers
    client: str
    body_bytes_max: int
    receive: Receive = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    _is_whole: bool = False

    async def read(self) -> None:
        """Have the whole body; for who believes the headers."""
        if not self._is_whole:
            self.body = await read_body(self.receive, self.headers, self.body_bytes_max)
            self._is_whole = True

    @property
    def target(self) -> str:
        """Path and query as they came."""
        raw = self.raw_path + b"?" + self.raw_query if self.raw_query else self.raw_path
        return raw.decode("latin-1")

    def header(self, name: bytes) -> str | None:
        """A header's value; `name` in lower case. One that came twice is refused."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise BadFieldError(name.decode(), "came more than once")
        return values[0].decode("latin-1") if values else None


def received(scope: Scope, receive: Receive, proxies: Networks, body_bytes_max: int) -> Received:
    """The request of an ASGI scope, still without its body."""
    return Received(
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        scope["headers"],
        client_address(scope, proxies),
        body_bytes_max,
        receive,
    )


def client_address(scope: Scope, proxies: Networks) -> str:
    """Who sent it: the peer, or behind trusted proxies the last address they did not vouch for.

    Without the port that some proxies write behind it: each connection would be somebody else.
    """
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    address = _read_address(peer)
    if address is None or not _is_one_of(address, proxies):
        return peer if address is None else str(address)
    forwarded = b",".join(v for k, v in scope["headers"] if k == b"x-forwarded-for")
    for hop in reversed(forwarded.decode("latin-1").split(",")):
        if (before := _read_address(hop.strip())) is None:
            break
        address = before
        if not _is_one_of(address, proxies):
            break
    return str(address)


def _read_address(text: str) -> Address | None:
    """An address as proxies write it: with or without a port, an IPv6 one in brackets or not."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_one_of(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


async def read_body(receive: Receive, headers: Headers, bytes_max: int) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > bytes_max:
        raise BodyTooLargeError
    pieces: list[bytes] = []
    size = 0
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece = message.get("body", b"")
        size += len(piece)
        if size > bytes_max:
            raise BodyTooLargeError
        pieces.append(piece)
        more = message.get("more_body", False)
    return b"".join(pieces)
