"""The request under way: what of it cannot be undone any more, and what must be read again."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.types import Message


@dataclass(slots=True)
class Attempt:
    """Shared by all who work for one request; `chassis.try_again` begins it again."""

    answered: bool = False
    committed: bool = False
    tried_again: bool = False
    waits_until: float | None = None  # by the loop's clock, since it first waited
    waited_out: bool = False
    read: list[Message] = field(default_factory=list)

    @property
    def can_begin_anew(self) -> bool:
        """Whether nobody would notice."""
        return not self.answered and not self.committed


current_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def note_commit() -> None:
    """A transaction of the request under way was committed: it is not done again as a whole."""
    if (attempt := current_attempt.get()) is not None:
        attempt.committed = True
