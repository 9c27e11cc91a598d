"""Whether a caller may use an operation at all; objects are the services'.

See docs/domain/partners.md B.1, docs/domain/operations.md C.
"""

from chassis.authority import NotInConnectedModeError
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from gateway.forwarding.destinations import Destination, Service
from gateway.not_yet import NOT_YET
from wire.permissions import needs, operator_may


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
    """An operator needs role or item; acting for a customer, it is still an operator.

    A path of the gateway's own that stands in no row is none at all for it.
    """
    if principal.operator_id is None:
        return
    if operator_may(destination.name, principal.operator_role, principal.permissions):
        return
    if destination.service is Service.GATEWAY and destination.name not in needs():
        raise RefusedError(code="APIGW.0101")
    raise WrongPrincipalError("operator account")
