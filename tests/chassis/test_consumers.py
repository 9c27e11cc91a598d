"""Handlers of single events and of whole families, as consumers register them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import ClassVar, cast

import pytest

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.event import Event

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NO_SESSION = cast(EventSession, None)  # the handlers here only note what they were given


class ProbeEvent(Event):
    """A family that only these tests know, on a stream of its own."""

    STREAM: ClassVar[str] = "probe"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "partner_id"


class ProbeOpened(ProbeEvent):
    """One of the family."""

    TYPE: ClassVar[str] = "probe.opened"


class ProbeClosed(ProbeEvent):
    """Another one."""

    TYPE: ClassVar[str] = "probe.closed"


def noting(
    taken: list[tuple[str, str]], name: str
) -> Callable[[Event, EventSession], Awaitable[None]]:
    """A handler that notes under its name which event it took."""

    async def handler(event: Event, _: EventSession) -> None:
        taken.append((name, event.TYPE))

    return handler


def fact(contract: type[Event]) -> Event:
    """A fact that says nothing but its kind."""
    return contract(partner_id="p1", version=1, occurred_at=NOW)


@pytest.mark.parametrize("own_first", [True, False])
async def test_an_events_own_handler_takes_it_instead_of_its_familys(own_first: bool) -> None:
    """Whichever was registered first; the family's takes the others, those of later too."""
    consumers, taken = Consumers("probe"), list[tuple[str, str]]()

    by_family, by_itself = noting(taken, "family"), noting(taken, "own")
    if own_first:
        consumers.on(ProbeClosed)(by_itself)
    consumers.on_each(ProbeEvent)(by_family)
    if not own_first:
        consumers.on(ProbeClosed)(by_itself)

    await consumers.handle([fact(ProbeOpened), fact(ProbeClosed)], NO_SESSION)

    assert taken == [("family", "probe.opened"), ("own", "probe.closed")]
    assert consumers.streams == ["probe"]
    assert sorted(consumers.contracts) == ["probe.closed", "probe.opened"]


def test_nobody_registers_twice() -> None:
    """Neither for one event nor for a family; and a family has contracts."""
    consumers, handler = Consumers("probe"), noting([], "any")
    consumers.on(ProbeClosed)(handler)
    with pytest.raises(ValueError, match=r"already acts on probe\.closed"):
        consumers.on(ProbeClosed)(handler)
    consumers.on_each(ProbeEvent)(handler)
    with pytest.raises(ValueError, match=r"already acts on probe\.opened"):
        consumers.on_each(ProbeEvent)(handler)

    class EmptyEvent(ProbeEvent):
        """A family that states nothing."""

    with pytest.raises(ValueError, match="EmptyEvent has no contracts"):
        consumers.on_each(EmptyEvent)(handler)
