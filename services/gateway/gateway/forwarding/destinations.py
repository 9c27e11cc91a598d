"""Where a request goes: the vendor's operations by the wire's table, our own paths by this one."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPMethod

from chassis.identity import PARTNER_KINDS
from wire import routing
from wire.json import BODY_BYTES_MAX, LIST_BODY_BYTES_MAX, SIGN_IN_BYTES_MAX
from wire.operations import Auth, Operation


class Service(StrEnum):
    """Who answers, by distribution name."""

    GATEWAY = "gateway"
    CUSTOMER_SYNC = "customer-sync"
    ORDER = "order"
    VOUCHER = "voucher"
    BILLING = "billing"
    PARTNER = "partner"


CUSTOMER = frozenset({"customer"})
ADMINISTRATOR = frozenset({"administrator"})
ANYBODY = PARTNER_KINDS | CUSTOMER | ADMINISTRATOR
# The API work of a reseller is done by its distributor (docs/domain/partners.md B.1).
_WIRE_PARTNERS = frozenset({"solution_provider", "distributor", "government"})
_WIRE_KINDS = {
    Auth.P: _WIRE_PARTNERS,
    Auth.D: frozenset({"distributor"}),
    Auth.C: CUSTOMER,
    Auth.C_STAR: CUSTOMER,
    Auth.E: CUSTOMER,
    Auth.P_OR_C: _WIRE_PARTNERS | CUSTOMER,
}
# With an upstream as authority the gateway answers what is mirrored, and nothing else of the wire.
_MIRRORED = frozenset({"list_sub_customers", "query_customers_old"})
# Bodies with a password that must not leave the gateway, and the object in them that holds it.
_PASSWORD_IN: dict[str, tuple[str, ...]] = {
    "create_sub_customer": (),
    "create_sub_enterprise_account": ("new_sub_customer",),
    "POST /api/partners/{id}/operators": (),
    "PATCH /api/partners/{id}/operators/{operator_id}": (),
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

    @property
    def is_native(self) -> bool:
        """Ours: refusals are problems of RFC 9457."""
        return self.path.startswith("/api/")

    @property
    def password_in(self) -> tuple[str, ...] | None:
        """The way to the object of the body that may hold a password; None: there is none."""
        return _PASSWORD_IN.get(self.name)

    @property
    def requests_per_second(self) -> int:
        """For one caller, unless its account has a limit of its own."""
        return self.operation.rate_limit_per_second if self.operation else REQUESTS_PER_SECOND

    @property
    def moves_value(self) -> bool:
        """Whether a repeated signature is refused."""
        return self.operation is not None and self.operation.moves_value


def _native(
    methods: str,
    path: str,
    service: Service,
    kinds: frozenset[str],
    *,
    in_connected_mode: bool | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> list[tuple[str, tuple[str, ...], Destination]]:
    """Reads stay in connected mode, commands do not, unless said otherwise."""
    return [
        (
            method,
            tuple(path.split("/")),
            Destination(
                name=f"{method} {path}",
                path=path,
                service=service,
                kinds=kinds,
                in_connected_mode=method == "GET"
                if in_connected_mode is None
                else in_connected_mode,
                body_bytes_max=body_bytes_max,
            ),
        )
        for method in methods.split()
    ]


_READERS = PARTNER_KINDS | ADMINISTRATOR
_TWO_SIDES = PARTNER_KINDS | CUSTOMER  # of an association
_NATIVE = [
    *_native(
        "POST",
        "/api/customers",
        Service.CUSTOMER_SYNC,
        PARTNER_KINDS,
        body_bytes_max=LIST_BODY_BYTES_MAX,
    ),
    *_native(
        "POST",
        "/api/customers/verifications",
        Service.CUSTOMER_SYNC,
        ADMINISTRATOR,
        body_bytes_max=LIST_BODY_BYTES_MAX,
    ),
    *_native("PATCH", "/api/customers/{id}", Service.CUSTOMER_SYNC, PARTNER_KINDS),
    *_native("POST", "/api/customers/{id}/unlinking", Service.CUSTOMER_SYNC, _TWO_SIDES),
    *_native("POST", "/api/customers/{id}/switching", Service.CUSTOMER_SYNC, PARTNER_KINDS),
    *_native("POST", "/api/association-applications/{id}/agree", Service.CUSTOMER_SYNC, _TWO_SIDES),
    *_native(
        "POST", "/api/association-applications/{id}/refuse", Service.CUSTOMER_SYNC, _TWO_SIDES
    ),
    *_native(
        "POST", "/api/association-applications/{id}/withdraw", Service.CUSTOMER_SYNC, _TWO_SIDES
    ),
    *_native("GET", "/api/association-applications", Service.CUSTOMER_SYNC, ANYBODY),
    *_native("POST", "/api/customers/{id}/verification", Service.CUSTOMER_SYNC, ADMINISTRATOR),
    *_native("POST", "/api/customers/{id}/new-customer-tag", Service.CUSTOMER_SYNC, ADMINISTRATOR),
    *_native("POST", "/api/customers/{id}/realname-review", Service.CUSTOMER_SYNC, ADMINISTRATOR),
    *_native("POST", "/api/saml-bindings", Service.CUSTOMER_SYNC, PARTNER_KINDS),
    *_native("POST", "/api/face-tickets", Service.CUSTOMER_SYNC, ADMINISTRATOR),
    *_native("POST", "/api/customers/{id}/authorizations", Service.CUSTOMER_SYNC, PARTNER_KINDS),
    *_native("POST", "/api/customers/{id}/enterprise", Service.CUSTOMER_SYNC, ADMINISTRATOR),
    *_native("POST", "/api/enterprise/organizations", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("PATCH", "/api/enterprise/organizations/{id}", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("POST", "/api/enterprise/members/{id}/leaving", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("POST", "/api/authorizations/{id}/grant", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("POST", "/api/authorizations/{id}/refuse", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("POST", "/api/authorizations/{id}/terminate", Service.CUSTOMER_SYNC, CUSTOMER),
    *_native("GET", "/api/authorizations", Service.CUSTOMER_SYNC, ANYBODY),
    # The sweep is what connected mode is for.
    *_native("GET POST", "/api/sweeps", Service.CUSTOMER_SYNC, ANYBODY, in_connected_mode=True),
    *_native(
        "POST", "/api/orders", Service.ORDER, PARTNER_KINDS, body_bytes_max=LIST_BODY_BYTES_MAX
    ),
    *_native(
        "POST",
        "/api/orders/batch",
        Service.ORDER,
        PARTNER_KINDS,
        body_bytes_max=LIST_BODY_BYTES_MAX,
    ),
    *_native("GET", "/api/orders/{id}", Service.ORDER, ANYBODY),
    *_native("POST", "/api/orders/{id}/review", Service.ORDER, ADMINISTRATOR),
    *_native(
        "POST", "/api/quotas", Service.VOUCHER, ADMINISTRATOR, body_bytes_max=LIST_BODY_BYTES_MAX
    ),
    *_native("GET", "/api/quotas", Service.VOUCHER, _READERS),
    *_native("POST", "/api/accounts/{id}/top-ups", Service.BILLING, ADMINISTRATOR),
    *_native("PUT", "/api/accounts/{id}/credit-line", Service.BILLING, ADMINISTRATOR),
    *_native("GET", "/api/vouchers/proof", Service.VOUCHER, ADMINISTRATOR),
    *_native("GET", "/api/ledger/proof", Service.BILLING, ADMINISTRATOR),
    *_native(
        "POST",
        "/api/usage-records",
        Service.BILLING,
        ADMINISTRATOR,
        body_bytes_max=LIST_BODY_BYTES_MAX,
    ),
    *_native("GET", "/api/products", Service.BILLING, ANYBODY),
    # Accounts and operators are Channelbus's own: without them nobody could sign in.
    *_native("GET POST", "/api/partners", Service.PARTNER, _READERS, in_connected_mode=True),
    *_native("GET", "/api/partners/{id}", Service.PARTNER, _READERS),
    *_native(
        "GET POST",
        "/api/partners/{id}/operators",
        Service.PARTNER,
        _READERS,
        in_connected_mode=True,
    ),
    *_native(
        "PATCH",
        "/api/partners/{id}/operators/{operator_id}",
        Service.PARTNER,
        _READERS,
        in_connected_mode=True,
    ),
]
_IAM_PREFIXES = ("/v3/auth/", "/v3.0/")


def native_routes() -> list[tuple[str, str]]:
    """Method and path of every native route that another service answers."""
    return [(method, destination.path) for method, _, destination in _NATIVE]


def methods_of(path: str) -> list[str]:
    """The methods of a raw path that another service answers; of any other path none."""
    if path.startswith("/api/"):
        segments = path.split("/")
        return [
            method
            for method, template, _ in _NATIVE
            if len(template) == len(segments) and _fits(template, segments)
        ]
    return [method.value for method in HTTPMethod if routing.match(method.value, path)]


def destination_of(method: str, path: str) -> Destination | None:
    """The destination of a raw path; None: APIGW.0101."""
    found = routing.match(method, path)
    if found is not None:
        return _wire(found.operation)
    if path.startswith(_IAM_PREFIXES):
        anonymous = (method, path) == ("POST", "/v3/auth/tokens")
        return _own(method, path, segments=4, anonymous=anonymous)
    if path.startswith("/api/"):
        return _match_native("GET" if method == "HEAD" else method, path) or _own(
            method, path, segments=3
        )
    return None


def _wire(operation: Operation) -> Destination:
    return Destination(
        name=operation.method_name,
        path=operation.path,
        service=Service(operation.service),
        kinds=_WIRE_KINDS[operation.auth],
        in_connected_mode=operation.method_name in _MIRRORED,
        operation=operation,
        body_bytes_max=operation.body_bytes_max,
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


def _match_native(method: str, path: str) -> Destination | None:
    segments = path.split("/")
    for known, template, destination in _NATIVE:
        if known == method and len(template) == len(segments) and _fits(template, segments):
            return destination
    return None


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    return all(
        bool(got) if expected.startswith("{") else expected == got
        for expected, got in zip(template, segments, strict=True)
    )
