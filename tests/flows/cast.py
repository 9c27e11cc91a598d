"""Who plays in the stories: an administrator, partners, customers, each with real credentials."""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from huaweicloudsdkbss.v2 import BssClient
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkiam.v3 import (
    AgencyAuth,
    AgencyAuthIdentity,
    CreateTemporaryAccessKeyByAgencyRequest,
    CreateTemporaryAccessKeyByAgencyRequestBody,
    IamClient,
    IdentityAssumerole,
)

from testkit.system import System
from wire.json import loads
from wire.signature import sign_headers
from wire.times import cycle_of

XACCOUNT_TYPE = "CHANNELBUS_IDP"

# Nothing here speaks TLS; httpx would read all certificates of the machine for every client, which
# takes longer than the request.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

# How long the asker of something that must succeed goes on while it is refused.
PATIENCE_SECONDS = 20

T = TypeVar("T")


def eventually(look: Callable[[], T], is_there: Callable[[T], object], seconds: float = 60) -> T:
    """Look until it is there; the last look is the failure's message."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if is_there(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not there after {seconds} s: {seen!r}")
        time.sleep(0.05)


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a request that must succeed, asked again while it is refused.

    Who was made a moment ago may be unknown to a service when the machine stands still for longer
    than the 2 s for which a command waits. The codes differ from service to service, and what is
    refused has written nothing: so every refusal is asked again, for a bounded time. So is what a
    service that was just started again did not answer.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = ask()
        again = answer.is_client_error or answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        if not again or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


def lasting_cycle(seconds: float = 90) -> str:
    """The bill cycle of now, which does not end within the time; waits for the next if it would."""
    while True:
        now = datetime.now(UTC)
        if cycle_of(now) == cycle_of(now + timedelta(seconds=seconds)):
            return cycle_of(now)
        time.sleep(1)


@dataclass(frozen=True)
class Caller:
    """Somebody with a key: calls by the official SDK and, for the native API, by plain HTTP."""

    gateway: str
    domain_id: str
    access: str
    secret: str
    security_token: str | None = None

    @property
    def bss(self) -> BssClient:
        """The vendor's client, pointed at the gateway."""
        credentials = GlobalCredentials(self.access, self.secret, self.domain_id)
        if self.security_token:
            credentials = credentials.with_security_token(self.security_token)
        return _client(BssClient, credentials, self.gateway)

    @property
    def iam(self) -> IamClient:
        """The vendor's identity client."""
        credentials = GlobalCredentials(self.access, self.secret, self.domain_id)
        return _client(IamClient, credentials, self.gateway)

    def acting_for(self, customer_id: str, account_name: str) -> "Caller":
        """Temporary keys of a customer that authorized this partner."""
        role = IdentityAssumerole(
            agency_name=XACCOUNT_TYPE, domain_name=account_name, duration_seconds=3600
        )
        identity = AgencyAuthIdentity(methods=["assume_role"], assume_role=role)
        body = CreateTemporaryAccessKeyByAgencyRequestBody(auth=AgencyAuth(identity=identity))
        key = self.iam.create_temporary_access_key_by_agency(
            CreateTemporaryAccessKeyByAgencyRequest(body=body)
        ).credential
        return Caller(self.gateway, customer_id, key.access, key.secret, key.securitytoken)

    def call(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """The answer to a signed request; `path` is percent-encoded already."""
        with httpx.Client(timeout=30, verify=NO_CERTIFICATES) as client:
            return client.send(self.request(client, method, path, content, **headers))

    def request(
        self, client: httpx.Client, method: str, path: str, content: Any = None, **headers: str
    ) -> httpx.Request:
        """Signed now, to be sent by the client."""
        body = b"" if content is None else json.dumps(content).encode()
        sent = {"Content-Type": "application/json", **headers}
        if self.security_token:
            sent["X-Security-Token"] = self.security_token
        url = self.gateway + path
        signed = sign_headers(method, url, sent, body, self.access, self.secret, datetime.now(UTC))
        return client.build_request(method, url, content=body, headers=signed)

    def get(self, path: str) -> dict[str, Any]:
        """The body of a successful GET, fractions as Decimal."""
        answer = patiently(lambda: self.call("GET", path))
        assert answer.status_code == 200, answer.text
        return dict(loads(answer.content))

    def post(self, path: str, content: Any) -> dict[str, Any]:
        """The body of a successful POST."""
        answer = patiently(lambda: self.call("POST", path, content))
        assert answer.is_success, answer.text
        return dict(loads(answer.content)) if answer.content else {}


def _client(kind: Any, credentials: Any, gateway: str) -> Any:
    return kind.new_builder().with_credentials(credentials).with_endpoints([gateway]).build()


class Stage:
    """A system and the administrator who sets the scene on it."""

    def __init__(self, system: System):
        self.system = system
        self.gateway = system.gateway_url
        self._http = httpx.Client(
            base_url=self.gateway,
            headers={"X-Auth-Token": system.admin_token},
            timeout=30,
            verify=NO_CERTIFICATES,
        )

    def admin(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        """A request of the administrator; it must succeed."""

        def ask() -> httpx.Response:
            return self._http.request(method, path, json=content)

        answer = patiently(ask)
        status, text = answer.status_code, answer.text
        assert httpx.codes.is_success(status), f"{method} {path}: {status} {text}"
        return dict(loads(text.encode())) if text else {}

    def caller(self, domain_id: str) -> Caller:
        """Permanent keys of a principal, without the limit of ten requests a second."""
        wanted = {"credential": {"user_id": domain_id, "description": "test"}}
        key = self.admin("POST", "/v3.0/OS-CREDENTIAL/credentials", wanted)["credential"]
        # The stories look more often than ten times a second.
        self.admin("PUT", f"/api/principals/{domain_id}/rate-limit", {"requests_per_second": 1000})
        return Caller(self.gateway, domain_id, key["access"], key["secret"])

    def partner(
        self, kind: str = "solution_provider", funds: str = "100000.00", **more: Any
    ) -> Caller:
        """A partner account with money and keys."""
        name = f"partner_{uuid4().hex[:12]}"
        told = {"account_name": name, "name": name, "kind": kind, "site": "china", **more}
        partner_id = self.admin("POST", "/api/partners", told)["partner_id"]
        if Decimal(funds):
            self.admin("POST", f"/api/accounts/{partner_id}/top-ups", {"amount": funds})
        return self.caller(partner_id)

    def quota(self, partner_id: str, value: str = "1000.00", **more: Any) -> str:
        """A cash coupon quota of the partner, valid now."""
        told = {
            "partner_id": partner_id,
            "quota_type": 0,
            "quota_value": value,
            "currency": "CNY",
            "effective_at": "2026-01-01T00:00:00Z",
            "expire_at": "2029-12-31T00:00:00Z",
            **more,
        }
        return str(self.admin("POST", "/api/quotas", told)["quota_id"])

    def authorize(self, partner: Caller, customer: Caller) -> None:
        """The customer lets its partner act on its behalf."""
        path = f"/api/customers/{customer.domain_id}/authorizations"
        asked = partner.post(path, {})
        customer.post(f"/api/authorizations/{asked['authorization_id']}/grant", {})

    def unlink(self, partner: Caller, customer: Caller) -> None:
        """The partner applies to unlink its customer, the customer agrees."""
        applied = partner.post(f"/api/customers/{customer.domain_id}/unlinking", {})
        customer.post(f"/api/association-applications/{applied['application_id']}/agree", {})
