"""What the native API shows of a resource."""

from datetime import datetime

from order.resources.models import Resource
from wire.native import Money, NativeAnswer
from wire.types import DecimalText


class ResourceAnswer(NativeAnswer):
    """A resource as it stands."""

    resource_id: str
    resource_name: str
    customer_id: str
    partner_id: str
    distributor_id: str | None
    order_id: str  # that opened it
    main_resource_id: str | None  # what it is attached to
    product_id: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    product_spec_desc: str | None
    region_code: str
    measure_size: DecimalText | None
    size_measure_id: int | None
    charging_mode: int
    status: int
    effective_at: datetime
    expire_at: datetime | None
    expire_policy: int
    updated_at: datetime
    version: int


class PeriodAnswer(NativeAnswer):
    """A time that is paid for and was not given back; `base_period_id`: what a change cost more."""

    period_id: str
    base_period_id: str | None
    order_id: str
    line_id: str
    begin_at: datetime
    end_at: datetime | None
    currency: str
    official_amount: Money
    amount_after_discount: Money


class OneResourceAnswer(ResourceAnswer):
    """A resource with what is paid for, the earliest first."""

    periods: list[PeriodAnswer]


class ResourcesAnswer(NativeAnswer):
    """A page of resources, the newest first; `next` asks for the following one."""

    resources: list[ResourceAnswer]
    next: str | None


class DeedAnswer(NativeAnswer):
    """A fact of a resource's life: the event's type, and the state after it."""

    number: int
    at: datetime
    event: str
    order_id: str | None
    charging_mode: int
    from_status: int | None
    to_status: int
    expire_at: datetime | None


class HistoryAnswer(NativeAnswer):
    """A page of a resource's life, the earliest first; `next` asks for the following one."""

    history: list[DeedAnswer]
    next: str | None


def one_resource(resource: Resource) -> OneResourceAnswer:
    """The resource with its periods, each with the resource's currency."""
    periods = [
        PeriodAnswer.of(period, currency=resource.currency) for period in resource.paid_periods
    ]
    return OneResourceAnswer.of(resource, periods=periods)
