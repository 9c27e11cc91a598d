"""Everything that happens feeds the read model, a whole batch at a time."""

from collections.abc import Sequence

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts import STREAMS, contracts
from contracts.event import Event
from gateway.portfolio.project_events import project_events

consumers = Consumers("gateway_portfolio")

EVERY_CONTRACT = [contract for stream in STREAMS for contract in contracts(stream).values()]


@consumers.on_batch(*EVERY_CONTRACT)
async def on_events(events: Sequence[Event], session: EventSession) -> None:
    """Project the batch."""
    await project_events(session, events)
