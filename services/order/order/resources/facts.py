"""The events of resources, each with the whole state after the fact."""

from datetime import datetime

from contracts.order import ResourceOpened
from order.resources.models import Resource

_OF_THE_EVENT = {"event_id", "occurred_at", "restated"}
_SAME_IN_RESOURCE = [name for name in ResourceOpened.model_fields if name not in _OF_THE_EVENT]


def resource_opened(resource: Resource, now: datetime) -> ResourceOpened:
    """The resource exists."""
    state = {name: getattr(resource, name) for name in _SAME_IN_RESOURCE}
    return ResourceOpened(occurred_at=now, **state)
