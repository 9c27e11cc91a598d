"""What a service is made of, each part under its type: `app.parts`, in a door `CurrentParts`.

The types are imported for the checker alone: a request's session asks the parts for the database,
so at run time the imports would be a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from fastapi import Depends, FastAPI, Request
from starlette.types import Scope

from chassis.business_clock import BusinessClock

if TYPE_CHECKING:
    from chassis.clock import WallClock
    from chassis.consumers import Consumers
    from chassis.database import Database
    from chassis.rebuild import Copied
    from chassis.restatement import Restater
    from chassis.schedules import AnySchedule
    from chassis.settings import ServiceSettings
    from chassis.sideways import Sideways
    from chassis.subscription import Subscription
    from chassis.unread import TopicReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every service has; a service that has more adds it in a class of its own."""

    name: str  # the service's package
    settings: ServiceSettings
    wall_clock: WallClock
    database: Database
    sideways: Sideways
    business_clock: BusinessClock = field(init=False)

    def __post_init__(self) -> None:
        """Without SANDBOX both clocks are one."""
        connector = self.database.connector if self.settings.sandbox else None
        object.__setattr__(self, "business_clock", BusinessClock(self.wall_clock, connector))


@dataclass(slots=True, kw_only=True)
class Running:
    """What the chassis does for a service beside answering requests, and how far it is."""

    bus_database: Database
    consumers: Mapping[str, Consumers]
    schedules: Sequence[AnySchedule]
    restaters: Sequence[Restater]
    copied: Copied | None
    warnings: Sequence[Callable[[], str | None]]  # `/readyz` tells them although it is ready
    subscriptions: Sequence[Subscription] = field(default_factory=list)
    reader: TopicReader | None = None  # of the topics, while the bus runs
    ready: bool = False
    ending: bool = False
    failed: bool = False  # a task that must not end has ended
    on_ending: list[Callable[[], None]] = field(default_factory=list)  # ends who waits for news

    def end(self) -> None:
        """Not ready from now on; who waits for something to happen is answered."""
        self.ready, self.ending = False, True
        for told in self.on_ending:
            told()


P_co = TypeVar("P_co", bound=Parts, covariant=True)


class Application(FastAPI, Generic[P_co]):
    """An application that knows what it is made of."""

    def __init__(self, parts: P_co, running: Running, **options: Any):
        super().__init__(**options)
        self.parts = parts
        self.running = running


class ServiceApp(Application[P_co]):
    """A service's application, with the one of its second listener: health and metrics."""

    def __init__(self, parts: P_co, running: Running, ops: Application[P_co], **options: Any):
        super().__init__(parts, running, **options)
        self.ops = ops


def application_of(scope: Scope) -> Application[Parts]:
    """The application that answers; the one place where its type is a promise, not a proof."""
    application: Application[Parts] = scope["app"]
    return application


async def current_parts(request: Request) -> Parts:
    """The service's parts; each service names their class: `Annotated[…, Depends(…)]`.

    `async`, or FastAPI would take a thread for it with every request.
    """
    return application_of(request.scope).parts


CurrentParts = Annotated[Parts, Depends(current_parts)]
