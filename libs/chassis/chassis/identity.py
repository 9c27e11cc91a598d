"""Who asks: the principal, carried between processes in a signed header (decision 0014).

HMAC-SHA256 over method, raw path with query, body hash and the claims; two keys, so that they
rotate.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from time import time
from typing import Annotated, Any

from fastapi import Depends, Request

from chassis.errors import RefusedError
from chassis.logs import get_logger, note
from chassis.metrics import CLOCK_SKEW
from chassis.parts import application_of
from wire.callers import PARTNER_KINDS
from wire.permissions import ADMINISTRATOR as OPERATOR_ADMINISTRATOR

log = get_logger(__name__)

HEADER = "X-Channelbus-Identity"
LIFETIME_SECONDS = 60
CLOCK_LEEWAY_SECONDS = 120  # two processes' clocks may differ by so much before requests fail
KEY_ID_CHARACTERS_SHOWN = 32  # in a log, of what nobody signed


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who may ask.

    `kind`: "solution_provider", "distributor", "reseller", "government", "customer" or
    "administrator". `partner_id` is the partner account whose rows it may see (its own id for a
    partner, its partner's for a customer, "*" for the administrator). `acting_for_partner` names
    the partner that exchanged its credential for this customer's. An operator has the role and the
    permission items that its partner gave it (wire/permissions.json says what they are for).
    `login_name` is the operator's, else the account's; the platform's own administrator has none.
    """

    id: str
    kind: str
    partner_id: str
    site: str = "china"
    distributor_id: str | None = None
    acting_for_partner: str | None = None
    operator_id: str | None = None
    operator_role: str | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    login_name: str | None = None
    caller: str = "gateway"

    @property
    def name(self) -> str:
        """Kind and id, for two kinds may use one id; and who acts in its place."""
        name = f"{self.kind}:{self.id}"
        return f"{name} by {self.acting_for_partner}" if self.acting_for_partner else name

    @property
    def is_partner(self) -> bool:
        """A partner account of any kind."""
        return self.kind in PARTNER_KINDS

    @property
    def is_customer(self) -> bool:
        """A customer, or a partner that acts for one."""
        return self.kind == "customer"

    @property
    def is_whole_account(self) -> bool:
        """The account itself, or an operator that may all that the account may."""
        return self.operator_id is None or self.operator_role == OPERATOR_ADMINISTRATOR

    @property
    def is_administrator(self) -> bool:
        """The platform's own administrator."""
        return self.kind == "administrator"


_CLAIMS = frozenset(one.name for one in fields(Principal))


def kept_claims(principal: Principal) -> dict[str, Any]:
    """As a row keeps it, for work that goes on in its name after the request."""
    claims = asdict(principal)
    del claims["caller"]
    return {**claims, "permissions": sorted(principal.permissions)}


def principal_of(kept: Mapping[str, Any], caller: str) -> Principal:
    """Whose claims they are; `caller` is the service that goes on."""
    return Principal(**{**kept, "permissions": frozenset(kept["permissions"]), "caller": caller})


class IdentityMissingError(RefusedError):
    """The internal header is absent: the caller went past the gateway."""

    code = "CBC.0154"


class IdentityRefusedError(RefusedError):
    """The internal header is stale or wrong: keys, clocks or a proxy of ours, not the caller."""

    code = "CBC.0999"


class WrongPrincipalError(RefusedError):
    """This kind of principal may not call this operation."""

    code = "CBC.0151"


def _mac(secret: bytes, method: str, target: str, body: bytes, claims: str) -> str:
    text = f"{method}\n{target}\n{hashlib.sha256(body).hexdigest()}\n{claims}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def sign_identity(
    keys: dict[str, bytes], principal: Principal, method: str, target: str, body: bytes
) -> str:
    """The header's value for one request; `target` is the raw path with its query."""
    claims_of: dict[str, Any] = asdict(principal)
    claims_of["permissions"] = sorted(principal.permissions)
    for name in ("operator_role", "login_name"):
        if claims_of[name] is None:  # a service of the version before knows no such claim
            del claims_of[name]
    claims_of["expires"] = int(time()) + LIFETIME_SECONDS
    claims = urlsafe_b64encode(json.dumps(claims_of, separators=(",", ":")).encode()).decode()
    key_id, secret = next(iter(keys.items()))
    return f"{key_id}.{claims}.{_mac(secret, method, target, body, claims)}"


def read_identity(
    keys: dict[str, bytes], header: str, method: str, target: str, body: bytes
) -> Principal:
    """The principal of a verified header.

    Raises:
        IdentityRefusedError: malformed, signed by an unknown key or for another request, or
        signed at another time than ours.

    """
    key_id, _, rest = header.partition(".")
    claims, _, mac = rest.rpartition(".")
    secret = keys.get(key_id)
    expected = "" if secret is None else _mac(secret, method, target, body, claims)
    if secret is None or not hmac.compare_digest(mac.encode(), expected.encode()):
        raise _refused("does not verify", key_id=key_id[:KEY_ID_CHARACTERS_SHOWN])
    known: dict[str, Any] = json.loads(urlsafe_b64decode(claims))
    known["permissions"] = frozenset(known["permissions"])
    # A newer gateway may say more of a principal than this service knows yet.
    principal = Principal(**{name: value for name, value in known.items() if name in _CLAIMS})
    _check_clock(known["expires"] - LIFETIME_SECONDS, principal.caller)
    return principal


def _check_clock(signed_at: float, caller: str) -> None:
    ahead = time() - signed_at
    CLOCK_SKEW.labels(caller).set(ahead)
    if not -CLOCK_LEEWAY_SECONDS <= ahead <= LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS:
        raise _refused("was signed at another time", caller=caller, clock_ahead_seconds=ahead)


def _refused(why: str, **about: object) -> IdentityRefusedError:
    log.error("internal identity refused", why=why, **about)
    return IdentityRefusedError(f"internal identity {why}")


def raw_target(request: Request) -> str:
    """The path and query exactly as they were sent."""
    query = request.scope["query_string"]
    path: bytes = request.scope["raw_path"]
    return (path + b"?" + query if query else path).decode("latin-1")


async def current_principal(request: Request) -> Principal:
    """The caller, or a refusal."""
    settings = application_of(request.scope).parts.settings
    header = request.headers.get(HEADER)
    if header is None:
        raise IdentityMissingError("no internal identity")
    body = await request.body()
    principal = read_identity(settings.keys, header, request.method, raw_target(request), body)
    note(principal=principal.id, operator=principal.operator_id)
    return principal


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]
