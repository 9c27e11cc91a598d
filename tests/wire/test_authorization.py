"""Every operation × every kind of caller, expected from the vendor's reference.

The gateway is the real one; behind it an echo stands for the services, so that "allowed" is seen
as a request that arrived there (or as the truthful 501 of what no service answers yet).
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.not_yet import NOT_YET
from testkit.databases import ServiceDatabase, Templates, unique_prefix
from tests.gateway.gate import ADMIN, AccessPair, Answer, Gate, open_gate
from tests.gateway.identity_builders import acting_key, authorization, customer, operator, partner
from tests.wire.operators import wanted as wanted_items
from tests.wire.table import ALL, CALLERS, auth_class, least, path_of, permission
from wire.operations import Operation
from wire.permissions import items

NOBODY = (401, "APIGW.0301")
WRONG_CALLER = (403, "CBC.0151")
NOT_THERE_YET = (501, "CHB.0003")
ALLOWED = (200, "")


@pytest.fixture
async def gate(service_templates: Templates) -> AsyncIterator[Gate]:
    """A gateway that knows one account of every kind."""
    database: ServiceDatabase = service_templates.copy("gateway", unique_prefix())
    try:
        async with open_gate(database) as opened:
            await opened.feed(
                partner("p1"),
                partner("p2", kind="distributor"),
                partner("p3", kind="reseller", distributor_id="p2"),
                partner("p4", kind="government"),
                operator("op1", permissions=sorted(items())),
                operator("op3", role="administrator"),
                operator("op2", permissions=[]),
                customer("c1"),
                authorization(),
            )
            yield opened
    finally:
        service_templates.drop(database)


Caller = Callable[[Gate], Awaitable[AccessPair | dict[str, str]]]


async def _acting(gate: Gate) -> AccessPair:
    return await acting_key(gate, await gate.key("p1"))


async def _acting_operator(gate: Gate) -> AccessPair:
    return await acting_key(gate, await gate.key("p1", "op1"))


async def _acting_without_items(gate: Gate) -> AccessPair:
    return await acting_key(gate, await gate.key("p1", "op2"))


async def _administrator(_: Gate) -> dict[str, str]:
    return ADMIN


async def _nobody(_: Gate) -> dict[str, str]:
    return {}


CALLER_KINDS: dict[str, Caller] = {
    "solution provider": lambda gate: gate.key("p1"),
    "distributor": lambda gate: gate.key("p2"),
    "reseller": lambda gate: gate.key("p3"),
    "government": lambda gate: gate.key("p4"),
    "customer": lambda gate: gate.key("c1"),
    "customer by temporary keys": _acting,
    "operator with every item": lambda gate: gate.key("p1", "op1"),
    "operator without items": lambda gate: gate.key("p1", "op2"),
    "operator in the administrator's role": lambda gate: gate.key("p1", "op3"),
    "operator acting for a customer": _acting_operator,
    "operator without items acting for a customer": _acting_without_items,
    "administrator": _administrator,
    "nobody": _nobody,
}


def expected(caller: str, name: str) -> tuple[int, str]:
    """What the reference and docs/domain/partners.md B.1 say of this caller and this operation."""
    if caller == "nobody":
        return NOBODY
    stands_for, asked = caller, permission(name)
    if caller.startswith("operator"):
        stands_for = "customer" if caller.endswith("acting for a customer") else "solution provider"
        if asked and asked.startswith("partner operator"):
            return WRONG_CALLER
        if "without items" in caller and wanted_items(name):
            return WRONG_CALLER
    if stands_for not in CALLERS[auth_class(name)]:
        return WRONG_CALLER
    return NOT_THERE_YET if name in NOT_YET else ALLOWED


async def ask(gate: Gate, caller: AccessPair | dict[str, str], one: Operation) -> Answer:
    target = path_of(one)
    content = least(one.body) if one.body is not None else None
    if isinstance(caller, AccessPair):
        return await gate.call(caller, one.http_method, target, content)
    body = b"" if content is None else json.dumps(content).encode()
    return await gate.send(one.http_method, target, body=body, headers=caller)


@pytest.mark.parametrize("caller", CALLER_KINDS)
async def test_each_operation_is_for_the_callers_that_the_reference_names(
    gate: Gate, caller: str
) -> None:
    who = await CALLER_KINDS[caller](gate)
    said, wanted = {}, {}
    for name, one in ALL.items():
        arrived = len(gate.echo.seen)
        answer = await ask(gate, who, one)
        said[name] = (answer.status, "" if answer.status == 200 else answer.code)
        wanted[name] = expected(caller, name)
        assert len(gate.echo.seen) - arrived == (answer.status == 200), f"{name} reached a service"
    assert said == wanted


def test_the_matrix_has_every_operation_and_refuses_some_to_everybody() -> None:
    assert len(ALL) == 98
    for caller in CALLER_KINDS:
        outcomes = {expected(caller, name) for name in ALL}
        assert outcomes & {WRONG_CALLER, NOBODY}, f"{caller} may do everything"
