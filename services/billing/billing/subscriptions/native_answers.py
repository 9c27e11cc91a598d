"""What the native API shows of a subscription: never its secret."""

from datetime import datetime

from billing.subscriptions.models import Delivery, FileSubscription
from wire.native import NativeAnswer


class TargetAnswer(NativeAnswer):
    """Where the files belong."""

    kind: str  # s3, folder
    endpoint: str | None
    region: str | None
    bucket: str | None
    access_key_id: str | None
    folder: str | None
    prefix: str | None


class SubscriptionAnswer(NativeAnswer):
    """A subscription, and how it goes with it."""

    subscription_id: str
    partner_id: str
    frequency: str  # daily, monthly
    format: str
    view: str
    language: str
    target: TargetAnswer
    state: str  # testing, active, failing, ended
    last_error: str | None
    last_delivered_at: datetime | None
    next_at: datetime
    created_at: datetime
    ended_at: datetime | None


class SubscriptionsAnswer(NativeAnswer):
    """A page; `next` goes into `after` for the next page, null on the last one."""

    subscriptions: list[SubscriptionAnswer]
    next: str | None


class DeliveryAnswer(NativeAnswer):
    """A file that was due, and what became of it."""

    delivery_id: str
    cycle: str
    export_id: str | None
    state: str  # waiting, delivered, given_up
    tries: int
    next_try_at: datetime
    error: str | None
    files: list[str]
    created_at: datetime
    ended_at: datetime | None


class DeliveriesAnswer(NativeAnswer):
    """A page; `next` goes into `after` for the next page, null on the last one."""

    deliveries: list[DeliveryAnswer]
    next: str | None


def native_subscription(found: FileSubscription) -> SubscriptionAnswer:
    """The subscription as it is."""
    target = TargetAnswer.model_validate({"kind": found.target_kind, **found.target})
    return SubscriptionAnswer.of(found, target=target)


def native_delivery(found: Delivery) -> DeliveryAnswer:
    """The delivery as it is."""
    return DeliveryAnswer.of(found)
