"""Why a resource is not charged otherwise (docs/domain/resources.md H.10)."""

from chassis.errors import RefusedError


class ProductNotConvertibleError(RefusedError):
    """The product is not sold on demand, or was bought once for all time."""

    code = "CBC.99003609"


class MarketplaceResourceError(RefusedError):
    """What the marketplace sells stays as it was bought."""

    code = "CBC.99003608"


class PackageNotConvertibleError(RefusedError):
    """A package is used up or over; it is never charged by use."""

    code = "CBC.99003611"


class ResourceOverdueError(RefusedError):
    """The resource is in grace or retention: what was paid for is over."""

    code = "CBC.99003610"


class OrderUnderWayError(RefusedError):
    """An order that names the resource is under way."""

    code = "CBC.99003623"


class FrozenResourceError(RefusedError):
    """The resource is frozen although its time is not over."""

    code = "CBC.99003624"


class FrozenAccountError(RefusedError):
    """The customer is frozen."""

    code = "CBC.99003626"
