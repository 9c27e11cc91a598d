"""Whether what many clients heard at once could have happened one after another.

Tests ask through a `History`, which notes when each question was asked and answered. The service
says in which order it did what it did (a ledger's numbers, a thing's versions); a plain model says
what it would answer in a state. `check_history` replays the order by the model and tells every
breach: a thing done twice or lost, an order that time forbids, something done that the model
refuses, and a refusal that was right at no instant between its question and its answer.

A refusal changes nothing, so each is judged for itself; with the order known the check is exact.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Request = TypeVar("Request")
State = TypeVar("State")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Call(Generic[Request]):
    """One question and its answer; `code` is the refusal's, None: it was done."""

    name: str
    request: Request
    asked: float  # seconds of one monotonic clock
    answered: float
    code: str | None = None

    def overlaps(self, other: "Call[Any]") -> bool:
        """Whether both were under way at one instant."""
        return self.asked <= other.answered and other.asked <= self.answered


# What a model does: the state afterwards, and the code that refuses; None: done.
Model = Callable[[State, Request], tuple[State, str | None]]
# Whether `other`, which was under way beside it, is why the call was refused.
Excuse = Callable[[Call[Request], Call[Request]], bool]


@dataclass
class History(Generic[Request]):
    """What clients asked and heard, in the order of the answers."""

    calls: list[Call[Request]] = field(default_factory=list)

    async def ask(
        self,
        name: str,
        request: Request,
        work: Awaitable[Answer],
        code_of: Callable[[Answer], str | None],
    ) -> Answer:
        """Await the work and note it; `code_of` reads the refusal from its answer."""
        asked = time.perf_counter()
        answer = await work
        call = Call(name, request, asked, time.perf_counter(), code_of(answer))
        self.calls.append(call)
        return answer


@dataclass(frozen=True, slots=True)
class Checked(Generic[State]):
    """Every breach, in words; and the state that the model ends in."""

    breaches: list[str]
    final: State


def check_history(
    start: State,
    calls: Sequence[Call[Request]],
    order: Sequence[str],
    model: Model[State, Request],
    excuses: Mapping[str, Excuse[Request]] | None = None,
) -> Checked[State]:
    """Compare a history with a model; `order` names what was done, in the service's own order.

    A code in `excuses` refuses because of another call that is under way, not because of the
    state: it is right when one of those that overlap excuses it.
    """
    by_name = {call.name: call for call in calls}
    breaches = [*_names(calls, order)]
    known = [by_name[name] for name in dict.fromkeys(order) if name in by_name]
    breaches += _against_time(known)
    states = [start]
    for call in known:
        state, code = model(states[-1], call.request)
        if code is not None:
            breaches.append(f"{call.name} was done where it is to be refused by {code}")
        states.append(state if code is None else states[-1])
    for call in calls:
        if call.code is None:
            continue
        excuse = (excuses or {}).get(call.code)
        if excuse is not None:
            right = any(excuse(call, x) for x in calls if x is not call and call.overlaps(x))
        else:
            right = any(
                model(state, call.request)[1] == call.code for state in _met(call, known, states)
            )
        if not right:
            breaches.append(f"{call.name} was refused by {call.code} at an instant when it was not")
    return Checked(breaches, states[-1])


def _names(calls: Sequence[Call[Any]], order: Sequence[str]) -> list[str]:
    """Each thing done stands once in the order, and nothing else does."""
    found = []
    done = {call.name for call in calls if call.code is None}
    if len({call.name for call in calls}) != len(calls):
        found.append("two calls have one name")
    found += [f"{name} stands twice in the order" for name in _twice(order)]
    found += [f"{name} was done and is lost" for name in sorted(done - set(order))]
    found += [f"{name} was not done and took effect" for name in sorted(set(order) - done)]
    return found


def _twice(order: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(order).items() if count > 1]


def _against_time(order: Sequence[Call[Any]]) -> list[str]:
    """Nothing takes effect before another thing that was answered before it was asked."""
    found = []
    latest: Call[Any] | None = None  # the last to be asked of those before
    for call in order:
        if latest is not None and call.answered < latest.asked:
            found.append(f"{call.name} took effect behind {latest.name}, which was asked later")
        if latest is None or call.asked > latest.asked:
            latest = call
    return found


def _met(call: Call[Any], order: Sequence[Call[Any]], states: Sequence[State]) -> Sequence[State]:
    """The states that the call may have met: behind all that had ended, before all that came."""
    first = max((n for n, one in enumerate(order, 1) if one.answered < call.asked), default=0)
    last = min((n for n, one in enumerate(order) if one.asked > call.answered), default=len(order))
    return states[first : last + 1]
