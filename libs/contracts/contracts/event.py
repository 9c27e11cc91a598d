"""What every event has in common.

An event becomes a CloudEvents 1.0 message in Kafka's binary mode: its attributes travel as headers
(`ce_id`, `ce_type`, …), its body is JSON. Contracts only grow: a field may be added with a default,
never renamed, retyped or removed; a new meaning is a new event.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from contracts.amounts import CURRENCY, with_currency
from contracts.amounts import Money as Money
from contracts.amounts import Quantity as Quantity
from contracts.audience import (
    Audience,
    ForCustomer,
    ForPartner,
    cut,
    readable_by,
    readable_fields,
)


class Event(BaseModel):
    """A fact that a service states. Subclasses are named in the past tense (`OrderPaid`).

    `version` is the aggregate's version after the fact: a copy takes the newer, ignores the older.
    `partner_id` owns the row the fact is about; `distributor_id` is the account above it, if any.

    Each field says who reads it outside (`contracts.audience`); one that does not is internal.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    STREAM: ClassVar[str]  # the stating service's topic, without prefix
    TYPE: ClassVar[str]  # `order.paid`
    VERSION: ClassVar[str] = "1.0"  # of the contract: minor versions add fields
    KEY: ClassVar[str]  # the field whose order must hold
    SUBJECT: ClassVar[str]  # the field that names the aggregate
    # The fields that name another account which pays for the customer, where there may be one
    PAYERS: ClassVar[tuple[str, ...]] = ()

    event_id: UUID = Field(default_factory=uuid7, exclude=True)  # travels as ce_id
    occurred_at: ForCustomer[AwareDatetime]
    partner_id: ForCustomer[str]
    distributor_id: ForPartner[str | None] = None
    version: ForCustomer[int] = Field(ge=1)
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


def is_told_to(contract: type[Event], reader: Audience) -> bool:
    """Whether the contract has something for that reader beyond what every event has."""
    readable = readable_by(reader)
    return not readable_fields(contract, readable).keys() <= readable_fields(Event, readable).keys()


def told_to(contract: type[Event], reader: Audience, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a partner or a customer reads of an event's body.

    An amount has two decimals, and each part with an amount the event's currency, unless the event
    is of a version that did not say it.
    """
    pays = all(body.get(name) is None for name in contract.PAYERS)
    told = cut(contract, body, readable_by(reader, pays=pays))
    return with_currency(contract, told, told.get(CURRENCY))


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
