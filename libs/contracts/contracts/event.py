"""What every event has in common.

An event becomes a CloudEvents 1.0 message in Kafka's binary mode: its attributes travel as headers
(`ce_id`, `ce_type`, …), its body is JSON. Contracts only grow: a field may be added with a default,
never renamed, retyped or removed; a new meaning is a new event.
"""

from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from uuid_utils.compat import uuid7

# Money in an event is a JSON string, never a float, and never in exponent form.
Money = Annotated[Decimal, PlainSerializer(lambda amount: format(amount, "f"), return_type=str)]


class Event(BaseModel):
    """A fact that a service states. Subclasses are named in the past tense (`OrderPaid`).

    `version` is the aggregate's version after the fact: a copy takes the newer, ignores the older.
    `partner_id` owns the row the fact is about; `distributor_id` is the account above it, if any.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    STREAM: ClassVar[str]  # the stating service's topic, without prefix
    TYPE: ClassVar[str]  # `order.paid`
    VERSION: ClassVar[str] = "1.0"  # of the contract: minor versions add fields
    KEY: ClassVar[str]  # the field whose order must hold
    SUBJECT: ClassVar[str]  # the field that names the aggregate

    event_id: UUID = Field(default_factory=uuid7, exclude=True)  # travels as ce_id
    occurred_at: AwareDatetime
    partner_id: str
    distributor_id: str | None = None
    version: int = Field(ge=1)
    # True when the owner states an aggregate again for rebuilding copies: no new fact.
    restated: bool = Field(default=False, exclude=True)  # travels as ce_restated

    @property
    def key(self) -> str:
        """The Kafka message key."""
        return str(getattr(self, self.KEY))

    @property
    def subject(self) -> str:
        """The aggregate's id."""
        return str(getattr(self, self.SUBJECT))

    @property
    def data_schema(self) -> str:
        """Name and version of the contract, as in `order.paid/1.0`."""
        return f"{self.TYPE}/{self.VERSION}"


def contracts(stream: str) -> dict[str, type[Event]]:
    """Every contract of a stream by its type, in the order they were written."""
    return {c.TYPE: c for c in contracts_of(Event) if stream == c.STREAM}


def contracts_of(family: type[Event]) -> list[type[Event]]:
    """Every contract of a family such as `CustomerEvent`, in the order they were written."""
    found: list[type[Event]] = []
    pending = [family]
    while pending:
        contract = pending.pop(0)
        pending.extend(contract.__subclasses__())
        if "TYPE" in contract.__dict__:
            found.append(contract)
    return found
