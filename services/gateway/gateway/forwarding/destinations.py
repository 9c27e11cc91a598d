"""Where a request goes: the vendor's operations by the wire's table, our own by ours."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http import HTTPMethod

from wire import routing
from wire.callers import ANYBODY, KINDS_OF, MIRRORED
from wire.json import BODY_BYTES_MAX, SIGN_IN_BYTES_MAX
from wire.native_routes import NativeRoute, match_native, routes_of
from wire.operations import Operation


class Service(StrEnum):
    """Who answers, by distribution name."""

    GATEWAY = "gateway"
    CUSTOMER_SYNC = "customer-sync"
    ORDER = "order"
    VOUCHER = "voucher"
    BILLING = "billing"
    PARTNER = "partner"


# Vendor's bodies with a password that must not leave the gateway, and the object that holds it.
_PASSWORD_IN: dict[str, tuple[str, ...]] = {
    "create_sub_customer": (),
    "create_sub_enterprise_account": ("new_sub_customer",),
}
REQUESTS_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Destination:
    """One operation: who answers it, who may call it and under which limit."""

    name: str
    path: str
    service: Service
    kinds: frozenset[str]
    in_connected_mode: bool
    operation: Operation | None = None
    anonymous: bool = False
    body_bytes_max: int = BODY_BYTES_MAX
    password_in: tuple[str, ...] | None = None
    """The way to the object of the body that may hold a password; None: there is none."""

    @property
    def is_native(self) -> bool:
        """Ours: refusals are problems of RFC 9457."""
        return self.path.startswith("/api/")

    @property
    def requests_per_second(self) -> int:
        """For one caller, unless its account has a limit of its own."""
        return self.operation.rate_limit_per_second if self.operation else REQUESTS_PER_SECOND

    @property
    def moves_value(self) -> bool:
        """Whether a repeated signature is refused."""
        return self.operation is not None and self.operation.moves_value


_IAM_PREFIXES = ("/v3/auth/", "/v3.0/")


def methods_of(path: str) -> list[str]:
    """The methods of a raw path that the tables name; of any other path none."""
    if path.startswith("/api/"):
        return [route.method for route in routes_of(path)]
    return [method.value for method in HTTPMethod if routing.match(method.value, path)]


def destination_of(method: str, path: str) -> Destination | None:
    """The destination of a raw path; None: APIGW.0101."""
    read = "GET" if method == "HEAD" else method
    found = routing.match(read, path)
    if found is not None:
        return _wire(found.operation)
    if path.startswith(_IAM_PREFIXES):
        anonymous = (method, path) == ("POST", "/v3/auth/tokens")
        return _own(method, path, segments=4, anonymous=anonymous)
    if path.startswith("/api/"):
        route = match_native(read, path)
        return _own(method, path, segments=3) if route is None else _native(route)
    return None


def _wire(operation: Operation) -> Destination:
    return Destination(
        name=operation.method_name,
        path=operation.path,
        service=Service(operation.service),
        kinds=KINDS_OF[operation.auth],
        in_connected_mode=operation.method_name in MIRRORED,
        operation=operation,
        body_bytes_max=operation.body_bytes_max,
        password_in=_PASSWORD_IN.get(operation.method_name),
    )


@cache
def _native(route: NativeRoute) -> Destination:
    return Destination(
        name=route.name,
        path=route.path,
        service=Service(route.service),
        kinds=route.kinds,
        in_connected_mode=route.connected,
        body_bytes_max=route.body_bytes_max,
        password_in=() if route.password else None,
    )


def _own(method: str, path: str, *, segments: int, anonymous: bool = False) -> Destination:
    """A path of the gateway itself, or none at all; its door says which. Counted by its family."""
    family = "/".join(path.split("/")[:segments])
    return Destination(
        name=f"{method} {family}",
        path=family,
        service=Service.GATEWAY,
        kinds=ANYBODY,
        in_connected_mode=True,
        anonymous=anonymous,
        body_bytes_max=SIGN_IN_BYTES_MAX if anonymous else BODY_BYTES_MAX,
    )
