"""Whether a caller may use an operation at all (domain.md B.1, C); objects are the services'."""

from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from gateway.forwarding.destinations import Destination
from gateway.not_yet import NOT_YET

OPERATORS_EXCLUDED = "partner operator accounts cannot call"


class NotInConnectedModeError(RefusedError):
    """Another Partner Center is the authority; it is never carried out locally."""

    code = "CHB.0002"


class NotYetError(RefusedError):
    """No service answers the operation yet."""

    code = "CHB.0003"


def admit(principal: Principal, destination: Destination, *, connected: bool) -> None:
    """Refuse the wrong kind of principal, an operator without the item, and what is not there."""
    if principal.kind not in destination.kinds:
        raise WrongPrincipalError
    _check_operator(principal, destination)
    if connected and not destination.in_connected_mode:
        raise NotInConnectedModeError
    if destination.name in NOT_YET:
        raise NotYetError


def _check_operator(principal: Principal, destination: Destination) -> None:
    """An operator needs one of the items; acting for a customer, it is still an operator."""
    asked = destination.operation.permission if destination.operation else None
    if principal.operator_id is None or asked is None:
        return
    if asked == OPERATORS_EXCLUDED or principal.permissions.isdisjoint(asked.split("|")):
        raise WrongPrincipalError("operator account")
