"""Events that reach a service without a broker: its handlers run as the subscription runs them."""

from chassis.consumers import Consumers
from chassis.database import Database
from contracts.event import Event


async def hear(database: Database, consumers: Consumers, *events: Event) -> None:
    """Deliver the events in one batch: in order, in one transaction."""
    async with database.transaction() as session:
        await consumers.handle(events, session)
