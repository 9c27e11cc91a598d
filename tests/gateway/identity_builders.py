"""Events about who there is."""

from datetime import UTC, datetime
from typing import Any

from contracts.customer import (
    AuthorizationEvent,
    AuthorizationGranted,
    CustomerAssociated,
    CustomerEvent,
    CustomerRegistered,
)
from contracts.partner import PartnerJoined, PartnerOperatorAdded
from tests.gateway.gate import AccessPair, Gate

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
PLATFORM = "platform-7"


def partner(partner_id: str = "p1", kind: str = "solution_provider", **given: Any) -> PartnerJoined:
    """A partner account, named like its id."""
    told: dict[str, Any] = {
        "occurred_at": BEFORE,
        "partner_id": partner_id,
        "version": 1,
        "name": partner_id,
        "account_name": f"{partner_id}-account",
        "kind": kind,
        "site": "china",
        "currency": "CNY",
        "status": "active",
        "joined_on": BEFORE,
    }
    return PartnerJoined(**{**told, **given})


def operator(
    operator_id: str = "op1", partner_id: str = "p1", **given: Any
) -> PartnerOperatorAdded:
    """An operator without permission items."""
    told: dict[str, Any] = {
        "occurred_at": BEFORE,
        "partner_id": partner_id,
        "version": 1,
        "operator_id": operator_id,
        "account_name": f"{operator_id}-name",
        "name": "An operator",
        "role": "clerk",
        "permissions": [],
        "status": "active",
    }
    return PartnerOperatorAdded(**{**told, **given})


def customer(
    customer_id: str = "c1", kind: type[CustomerEvent] = CustomerAssociated, **given: Any
) -> CustomerEvent:
    """A resale customer of p1, associated."""
    told: dict[str, Any] = {
        "occurred_at": BEFORE,
        "partner_id": "p1",
        "version": 2,
        "customer_id": customer_id,
        "account_name": f"{customer_id}-account",
        "site": "china",
        "currency": "CNY",
        "xaccount_id": customer_id,
        "xaccount_type": PLATFORM,
        "association_type": "2",
        "association_status": "associated",
        "registered_at": BEFORE,
    }
    return kind(**{**told, **given})


def registered(customer_id: str = "c1", **given: Any) -> CustomerEvent:
    """A customer just made."""
    told: dict[str, Any] = {"version": 1, "association_status": "pending", **given}
    return customer(customer_id, CustomerRegistered, **told)


def authorization(
    kind: type[AuthorizationEvent] = AuthorizationGranted,
    status: str = "active",
    customer_id: str = "c1",
    **given: Any,
) -> AuthorizationEvent:
    """c1's grant to p1."""
    told: dict[str, Any] = {
        "occurred_at": BEFORE,
        "partner_id": "p1",
        "version": 2,
        "authorization_id": f"a-{customer_id}",
        "customer_id": customer_id,
        "status": status,
        "requested_at": BEFORE,
    }
    return kind(**{**told, **given})


def assume(customer_id: str = "c1", agency_name: str = PLATFORM, **given: Any) -> dict[str, Any]:
    """The body of an exchange."""
    role = {"domain_name": f"{customer_id}-account", "agency_name": agency_name, **given}
    return {"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}


async def acting_key(gate: Gate, caller: AccessPair, **given: Any) -> AccessPair:
    """Temporary keys of c1 in its partner's hands."""
    target = "/v3.0/OS-CREDENTIAL/securitytokens"
    answer = await gate.call(caller, "POST", target, assume(**given))
    assert answer.status == 201, answer.raw
    made = answer.content["credential"]
    return AccessPair(made["access"], made["secret"], made["securitytoken"])


async def acting_token(gate: Gate, caller: AccessPair, **given: Any) -> str:
    """A token of c1 in its partner's hands."""
    answer = await gate.call(caller, "POST", "/v3/auth/tokens", assume(**given))
    assert answer.status == 201, answer.raw
    return answer.headers["x-subject-token"]


async def story(gate: Gate) -> AccessPair:
    """p1 with a key, and its resale customer c1 that authorized it."""
    await gate.feed(partner(), customer(), authorization())
    return await gate.key("p1")
