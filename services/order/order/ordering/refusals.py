"""Why an order about resources is refused (docs/domain/resources.md H.7, decision 0100)."""

from chassis.errors import RefusedError


class ResourceMissingError(RefusedError):
    """No such resource of the caller that is charged so, or its time is over."""

    code = "CBC.99003016"


class NotMainError(RefusedError):
    """An attached resource is renewed, and converted, with its main one."""

    code = "CBC.30010036"


class NotSoldSoError(RefusedError):
    """The product is not sold for that period, or the resource cannot be renewed."""

    code = "CBC.30010069"


class PeriodNotAllowedError(RefusedError):
    """More years than such an order may have."""

    code = "CBC.99000092"


class ResourceFrozenError(RefusedError):
    """A frozen resource is neither changed nor paid for a period."""

    code = "CBC.99003624"


class InPendingOrderError(RefusedError):
    """An order that waits for payment or review names the resource."""

    code = "CBC.99003100"


class BeingProcessedError(RefusedError):
    """A paid order that names the resource is being carried out."""

    code = "CBC.99003144"
