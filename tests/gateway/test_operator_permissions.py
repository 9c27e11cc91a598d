"""Operations × roles × items: what an operator may, as the vendor's pages and our groups say."""

import re

import pytest

from chassis.identity import Principal, WrongPrincipalError
from gateway.app import build
from gateway.forwarding.admit import NotYetError, admit
from gateway.forwarding.destinations import (
    _IAM_PREFIXES,
    Destination,
    Service,
    destination_of,
)
from gateway.not_yet import NOT_YET
from gateway.settings import GatewaySettings
from testkit.databases import ServiceDatabase
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from tests.wire.operators import wanted
from tests.wire.table import ALL
from wire.callers import PARTNER_KINDS
from wire.native_routes import native_routes
from wire.permissions import NOBODY, PLATFORM_ITEMS, items, needs


@pytest.fixture(scope="module")
def destinations() -> dict[str, Destination]:
    """Every operation there is, by the name under which the table has it."""
    nowhere = ServiceDatabase("gateway", "postgresql://nowhere", "t_")
    settings = nowhere.settings(
        GatewaySettings, admin_token=ADMIN_TOKEN, encryption_keys=ENCRYPTION_KEYS
    )
    routes = [(one.http_method, one.path) for one in ALL.values()]
    routes += [(one.method, one.path) for one in native_routes().values()]
    for path, methods in build(settings).openapi()["paths"].items():
        if path.startswith(("/api/", *_IAM_PREFIXES)):
            routes += [(method.upper(), path) for method in methods]
    found = [destination_of(method, re.sub(r"\{\w+\}", "x", path)) for method, path in routes]
    return {one.name: one for one in found if one is not None}


def may(destination: Destination, role: str | None, *held: str) -> bool:
    """Whether an operator of the right kind of account gets in."""
    kind = next(iter(destination.kinds))
    who = Principal("p1", kind, "p1", operator_id="op1", operator_role=role,
                    permissions=frozenset(held))  # fmt: skip
    try:
        admit(who, destination, connected=False)
    except WrongPrincipalError:
        return False
    except NotYetError:
        assert destination.name in NOT_YET
    return True


def test_an_operator_may_what_its_role_and_its_items_say_and_nothing_else(
    destinations: dict[str, Destination],
) -> None:
    assert len(destinations) > 140
    for name, destination in destinations.items():
        need = wanted(name)
        assert may(destination, "administrator") == (need != NOBODY), name
        for role in ("account_manager", "finance", None):
            assert may(destination, role) == (need == set()), (name, role)
            # No item of another operation helps, not even all of them at once.
            others = items() - need if isinstance(need, set) else items()
            assert may(destination, role, *others) == (need == set()), (name, role)
            for item in need if isinstance(need, set) else ():
                assert may(destination, role, item), (name, role, item)


def test_every_operation_stands_in_the_table_and_nothing_else_does(
    destinations: dict[str, Destination],
) -> None:
    assert set(needs()) == set(destinations)
    named = {
        item for name in destinations if isinstance(need := wanted(name), set) for item in need
    }
    assert named <= items()
    assert items() >= PLATFORM_ITEMS


@pytest.mark.parametrize("kind", sorted(PARTNER_KINDS))
def test_an_operation_in_no_row_is_the_administrators(kind: str) -> None:
    unknown = Destination("POST /api/moon", "/api/moon", Service.ORDER, PARTNER_KINDS, True)
    every = Principal("p1", kind, "p1", operator_id="op1", operator_role="finance",
                      permissions=items())  # fmt: skip
    with pytest.raises(WrongPrincipalError):
        admit(every, unknown, connected=False)
    administrator = Principal("p1", kind, "p1", operator_id="op1", operator_role="administrator")
    admit(administrator, unknown, connected=False)
    admit(Principal("p1", kind, "p1"), unknown, connected=False)
