"""Why a renewal, or its setting, is refused (docs/domain/resources.md H.7, H.8)."""

from chassis.errors import RefusedError


class TooFarError(RefusedError):
    """The end would be more than ten years ahead."""

    code = "CBC.99003154"


class NotRenewableNowError(RefusedError):
    """It is expired or frozen: its automatic renewal cannot be set. Or closed: nor switched off."""

    code = "CBC.99003602"


class NoSuchResourceError(RefusedError):
    """No such period resource of the caller: the same whether or not it exists."""

    code = "CBC.99003012"


class NotPaidAutomaticallyError(RefusedError):
    """The order exists and waits for payment (docs/domain/orders.md H.5)."""

    code = "CBC.30050006"

    def __init__(self, order_id: str) -> None:
        super().__init__(beside={"order_ids": [order_id]})
