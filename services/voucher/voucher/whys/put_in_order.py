"""The order in which things happened to one coupon.

Their instants are of several clocks: an outcome has order's, a hold has voucher's. So an instant
alone would put a payment before its hold. What must be: a coupon's movements have the order of
their postings; one attempt at a time holds it, and its outcome comes after the hold.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Use(Generic[E]):
    """An attempt's hold, and what ended it; None: it still holds the coupon."""

    hold: E
    end: E | None


def chain_of(uses: Sequence[Use[E]], movements: Sequence[E]) -> list[E]:
    """Its first movement, then hold, end, hold, end …

    Of those that were paid the order is that of their movements.
    """
    number = {id(event): place for place, event in enumerate(movements)}
    paid = [use for use in uses if id(use.end) in number]
    paid.sort(key=lambda use: number[id(use.end)], reverse=True)
    known = [paid.pop() if id(use.end) in number else use for use in uses]
    known.sort(key=lambda use: use.end is None)  # what still holds it came last
    found = [event for use in known for event in (use.hold, use.end) if event is not None]
    return [*movements[:1], *found]


def put_in_order(
    chains: Iterable[Sequence[E]], others: Iterable[E], key: Callable[[E], tuple[Any, ...]]
) -> list[E]:
    """All of them once, each chain in its own order, and else the smaller key first.

    What comes behind another in a chain is no earlier than that by the key's first part.
    """
    after: dict[int, list[E]] = defaultdict(list)
    waits: dict[int, int] = defaultdict(int)
    known: dict[int, E] = {id(event): event for event in others}
    for chain in chains:
        known |= {id(event): event for event in chain}
        for earlier, later in pairwise(chain):
            after[id(earlier)].append(later)
            waits[id(later)] += 1
    keys = {one: key(event) for one, event in known.items()}
    ready = [(keys[one], one) for one in known if not waits[one]]
    heapq.heapify(ready)
    found = []
    while ready:
        _, one = heapq.heappop(ready)
        found.append(known[one])
        for later in after[one]:
            at, *rest = keys[id(later)]
            keys[id(later)] = max(at, keys[one][0]), *rest
            waits[id(later)] -= 1
            if not waits[id(later)]:
                heapq.heappush(ready, (keys[id(later)], id(later)))
    return found
