"""Who may call a route, and what only the authority carries out.

The tables of the wire and of our own routes say it; the gateway admits by them, and every service's
routes are guarded by them once more (`chassis.routes.Router`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache

from fastapi import Depends, Request

from chassis.errors import RefusedError
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.parts import application_of
from wire import routing
from wire.callers import KINDS_OF, MIRRORED
from wire.native_routes import rows_of_door

Guard = Callable[[Request, Principal], Awaitable[None]]


class NotInConnectedModeError(RefusedError):
    """The upstream is the authority, and the operation is neither mirrored nor forwarded.

    See decision 0001.
    """

    code = "CHB.0002"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the tables say of a door: the kinds that may call it, and its status of success."""

    kinds: frozenset[str]
    connected: bool
    answers: int


def rule_of(method: str, path: str) -> Rule | None:
    """The rule of a door by its path template; None: neither the vendor's nor below /api.

    Raises:
        LookupError: it is below /api, and the table does not know it.

    """
    if path.startswith("/api/"):
        rules = {Rule(row.kinds, row.connected, row.answers) for row in rows_of_door(method, path)}
        if len(rules) != 1:
            raise LookupError(f"{method} {path} needs its row in wire/native_routes.toml")
        return rules.pop()
    found = routing.match(method, path)
    if found is None:
        return None
    operation = found.operation
    mirrored = operation.method_name in MIRRORED
    return Rule(KINDS_OF[operation.auth], mirrored, operation.success_status)


@cache
def guard_of(rule: Rule) -> Guard:
    """Refuse the wrong kind of principal, and in connected mode what only the authority does.

    A caller without identity is refused for that (401) first.
    """

    async def guard(request: Request, principal: CurrentPrincipal) -> None:
        if principal.kind not in rule.kinds:
            raise WrongPrincipalError
        if not rule.connected:
            _refuse_if_connected(request)

    return guard


async def _standalone(request: Request, _principal: CurrentPrincipal) -> None:
    _refuse_if_connected(request)


def _refuse_if_connected(request: Request) -> None:
    if application_of(request.scope).parts.settings.connected:
        raise NotInConnectedModeError


class NoSandboxError(RefusedError):
    """What rehearses is there in a sandbox only."""

    code = "CHB.0404"

    def __init__(self) -> None:
        super().__init__("only with SANDBOX")


async def _in_a_sandbox(request: Request, _principal: CurrentPrincipal) -> None:
    if not application_of(request.scope).parts.settings.sandbox:
        raise NoSandboxError


IN_A_SANDBOX = Depends(_in_a_sandbox)
STANDALONE = Depends(_standalone)  # for what services ask each other, which is in no table
