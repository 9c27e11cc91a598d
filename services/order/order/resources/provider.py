"""Who carries out what was paid for, asked for each piece until it answers.

See docs/domain/orders.md H.11.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from order.orders.models import Order
from order.resources.models import Piece


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider says of pieces, by their resources' ids; of the others nothing is heard."""

    done: Collection[str] = ()
    failed: Mapping[str, str] = field(default_factory=dict)  # with the code that says why


class Provider(Protocol):
    """Opens, renews or changes pieces. Asked again for a piece, it does the same, once."""

    async def ask(
        self, session: AsyncSession, order: Order, pieces: Sequence[Piece], now: datetime, /
    ) -> Heard:
        """What it has to say of the order's pieces; it may also name others, which counts for none.

        What a simulated provider notes belongs to the caller's transaction.
        """
        ...


class SimulatedProvider:
    """Does whatever it is asked for: in standalone mode there is no cloud behind."""

    async def ask(
        self, _session: AsyncSession, _order: Order, pieces: Sequence[Piece], _now: datetime
    ) -> Heard:
        """All of them."""
        return Heard(done={piece.resource_id for piece in pieces})
