"""Who looks at the console live: each holds a connection, so there are few seats, and few of one.

A viewer beyond its own seats gets the place of its oldest one; so a person whose browsers never
read, or were left open, keeps nobody else out, and not itself either.
"""

from dataclasses import dataclass

from chassis.errors import OutsideError

VIEWERS_MAX = 50
VIEWERS_OF_ONE_MAX = 10


@dataclass(eq=False, slots=True)
class Seat:
    """One stream; `given_up` tells it to end."""

    who: str
    given_up: bool = False


class Seats:
    """Those of one process, the oldest first."""

    def __init__(self) -> None:
        self._taken: list[Seat] = []
        self._ending = False

    def end(self) -> None:
        """Give up all seats and take nobody any more: the process ends, another one has seats."""
        self._ending = True
        for seat in self._taken:
            seat.given_up = True

    def __len__(self) -> int:
        """How many look."""
        return len(self._taken)

    def check(self, who: str) -> None:
        """Whether there is room.

        Raises:
            OutsideError: others have all seats, or the process ends.

        """
        if self._ending:
            raise OutsideError("the console is ending")
        if len(self._taken) >= VIEWERS_MAX and len(self._of(who)) < VIEWERS_OF_ONE_MAX:
            raise OutsideError(f"{VIEWERS_MAX} viewers")

    def take(self, who: str) -> Seat:
        """A seat; the oldest of one's own goes when one has as many as one may. Raises as above."""
        self.check(who)
        own = self._of(who)
        if len(own) >= VIEWERS_OF_ONE_MAX:
            own[0].given_up = True
            self.leave(own[0])
        seat = Seat(who)
        self._taken.append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """It is free; a stream that does not end at once holds it no longer."""
        if seat in self._taken:
            self._taken.remove(seat)

    def _of(self, who: str) -> list[Seat]:
        return [seat for seat in self._taken if seat.who == who]
