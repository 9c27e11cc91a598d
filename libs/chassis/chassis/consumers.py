"""The events a service acts on: handlers are plain functions of one event and a session."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from chassis.database import EventSession
from contracts.event import Event, contracts_of

E = TypeVar("E", bound=Event)
Handler = Callable[[E, EventSession], Awaitable[None]]
BatchHandler = Callable[[Sequence[Event], EventSession], Awaitable[None]]


class Consumers:
    """A consumer group's table of contents: contract → handler.

    `name` is the consumer group and the name under which inbox, positions and parked keys are kept.
    """

    def __init__(self, name: str):
        self.name = name
        self.contracts: dict[str, type[Event]] = {}
        self._handlers: dict[str, Handler[Event]] = {}
        self._by_family: set[str] = set()  # types that only a family's handler takes
        self._batch_handler: BatchHandler | None = None

    @property
    def takes_batches(self) -> bool:
        """Whether one handler takes whole batches."""
        return self._batch_handler is not None

    @property
    def streams(self) -> list[str]:
        """The streams to subscribe to."""
        return sorted({contract.STREAM for contract in self.contracts.values()})

    def on(self, contract: type[E]) -> Callable[[Handler[E]], Handler[E]]:
        """Register a handler of one event; it runs again after a rollback, not after a commit.

        It takes the event instead of its family's handler, whichever was registered first.
        """

        def register(handler: Handler[E]) -> Handler[E]:
            if contract.TYPE in self.contracts.keys() - self._by_family:
                raise ValueError(f"{self.name} already acts on {contract.TYPE}")
            self._by_family.discard(contract.TYPE)
            self._take(contract, handler)
            return handler

        return register

    def on_each(self, family: type[E]) -> Callable[[Handler[E]], Handler[E]]:
        """Register a handler of every contract of a family, those to come included.

        Copies are kept by it: a contract that is added later cannot be forgotten.
        """

        def register(handler: Handler[E]) -> Handler[E]:
            members = contracts_of(family)
            if not members:
                raise ValueError(f"{family.__name__} has no contracts")
            for contract in members:
                if contract.TYPE in self._by_family:
                    raise ValueError(f"{self.name} already acts on {contract.TYPE}")
                if contract.TYPE not in self.contracts:
                    self._by_family.add(contract.TYPE)
                    self._take(contract, handler)
            return handler

        return register

    def _take(self, contract: type[Event], handler: Handler[E]) -> None:
        self.contracts[contract.TYPE] = contract
        self._handlers[contract.TYPE] = handler  # type: ignore[assignment]

    def on_batch(self, *contracts: type[Event]) -> Callable[[BatchHandler], BatchHandler]:
        """Register one handler for whole batches (read models); order within a key is kept."""

        def register(handler: BatchHandler) -> BatchHandler:
            if self.contracts:
                raise ValueError(f"{self.name}: a batch handler stands alone")
            self.contracts = {contract.TYPE: contract for contract in contracts}
            self._batch_handler = handler
            return handler

        return register

    async def handle(self, events: Sequence[Event], session: EventSession) -> None:
        """Run the handlers in order, in the caller's transaction."""
        if self._batch_handler is not None:
            await self._batch_handler(events, session)
            return
        for event in events:
            await self._handlers[event.TYPE](event, session)
