"""The events of resources, each with the whole state after the fact."""

from datetime import datetime
from typing import Any, TypeVar

from contracts.order import (
    ResourceChanged,
    ResourceClosed,
    ResourceConverted,
    ResourceEvent,
    ResourceExpired,
    ResourceExpiring,
    ResourceFrozen,
    ResourceOpened,
    ResourceRenewalFailed,
    ResourceRenewed,
    ResourceSettingsChanged,
    ResourceUnfrozen,
    ResourceUnsubscribed,
)
from contracts.order import ResourcePeriod as PeriodOfEvent
from order.resources.models import Resource, ResourcePeriod

Fact = TypeVar("Fact", bound=ResourceEvent)


def resource_opened(resource: Resource, now: datetime) -> ResourceOpened:
    """The resource exists."""
    return _fact(ResourceOpened, resource, now)


def resource_changed(resource: Resource, now: datetime) -> ResourceChanged:
    """The resource is another, or ends at another time."""
    return _fact(ResourceChanged, resource, now)


def resource_unsubscribed(resource: Resource, now: datetime) -> ResourceUnsubscribed:
    """The resource was given back."""
    return _fact(ResourceUnsubscribed, resource, now)


def resource_renewed(
    resource: Resource, order_id: str, now: datetime, *, is_automatic: bool
) -> ResourceRenewed:
    """A further period was paid by that order."""
    return _fact(
        ResourceRenewed, resource, now, renewal_order_id=order_id, is_automatic=is_automatic
    )


def resource_renewal_failed(
    resource: Resource, reason_code: str, now: datetime
) -> ResourceRenewalFailed:
    """An automatic renewal would not have succeeded."""
    return _fact(ResourceRenewalFailed, resource, now, reason_code=reason_code)


def resource_settings_changed(resource: Resource, now: datetime) -> ResourceSettingsChanged:
    """What becomes of it at its end was set anew."""
    return _fact(ResourceSettingsChanged, resource, now)


def resource_expiring(resource: Resource, days_before: int, now: datetime) -> ResourceExpiring:
    """It ends soon."""
    return _fact(ResourceExpiring, resource, now, days_before=days_before)


def resource_expired(resource: Resource, now: datetime) -> ResourceExpired:
    """It is in its grace period."""
    return _fact(ResourceExpired, resource, now)


def resource_frozen(resource: Resource, now: datetime) -> ResourceFrozen:
    """It is retained and cannot be used."""
    return _fact(ResourceFrozen, resource, now)


def resource_closed(resource: Resource, now: datetime) -> ResourceClosed:
    """It is gone for good."""
    return _fact(ResourceClosed, resource, now)


def resource_unfrozen(resource: Resource, now: datetime) -> ResourceUnfrozen:
    """It is not frozen any more."""
    return _fact(ResourceUnfrozen, resource, now)


def resource_converted(resource: Resource, now: datetime) -> ResourceConverted:
    """It is charged otherwise."""
    return _fact(ResourceConverted, resource, now)


def _fact(contract: type[Fact], resource: Resource, now: datetime, **own: Any) -> Fact:
    return contract(
        occurred_at=now,
        partner_id=resource.partner_id,
        distributor_id=resource.distributor_id,
        version=resource.version,
        resource_id=resource.resource_id,
        resource_name=resource.resource_name,
        customer_id=resource.customer_id,
        order_id=resource.order_id,
        service_type_code=resource.service_type_code,
        service_type_name=resource.service_type_name,
        resource_type_code=resource.resource_type_code,
        resource_type_name=resource.resource_type_name,
        resource_spec_code=resource.resource_spec_code,
        region_code=resource.region_code,
        charging_mode=resource.charging_mode,
        status=resource.status,
        effective_at=resource.effective_at,
        expire_at=resource.expire_at,
        main_resource_id=resource.main_resource_id,
        product_id=resource.product_id,
        product_spec_desc=resource.product_spec_desc,
        measure_size=resource.measure_size,
        size_measure_id=resource.size_measure_id,
        expire_policy=resource.expire_policy,
        periods=[_period(period) for period in resource.paid_periods],
        auto_renew_period_type=resource.auto_renew_period_type,
        auto_renewals_left=resource.auto_renewals_left,
        next_renewal_at=resource.next_renewal_at,
        currency=resource.currency,
        **own,
    )


def _period(period: ResourcePeriod) -> PeriodOfEvent:
    return PeriodOfEvent(
        period_id=period.period_id,
        order_id=period.order_id,
        line_id=period.line_id,
        begin_at=period.begin_at,
        end_at=period.end_at,
        official_amount=period.official_amount,
        amount_after_discount=period.amount_after_discount,
        base_period_id=period.base_period_id,
    )
