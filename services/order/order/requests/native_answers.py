"""What the native API shows of a request to pay an order."""

from datetime import datetime

from order.requests.list_requests import ShownRequest
from order.requests.models import PaymentRequest
from wire.native import Money, NativeAnswer


class PaymentRequestAnswer(NativeAnswer):
    """A request; `lapsed`: its order was paid otherwise, cancelled or expired."""

    request_id: str
    order_id: str
    customer_id: str
    partner_id: str
    distributor_id: str | None
    currency: str
    amount: Money
    status: str  # requested, paid, rejected, withdrawn, lapsed
    requested_at: datetime
    ended_at: datetime | None
    reason: str | None  # of the partner that rejected it


class PaymentRequestsAnswer(NativeAnswer):
    """A page of requests; `next` goes into `after` for the next page, null on the last one."""

    payment_requests: list[PaymentRequestAnswer]
    next: str | None


def native_request(request: PaymentRequest) -> PaymentRequestAnswer:
    """The request as it was just left."""
    return PaymentRequestAnswer.of(request)


def listed_request(shown: ShownRequest) -> PaymentRequestAnswer:
    """The request as it stands with its order."""
    return PaymentRequestAnswer.of(shown.request, status=shown.status, ended_at=shown.ended_at)
