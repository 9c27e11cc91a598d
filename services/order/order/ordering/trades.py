"""What is ordered about resources that there are: a renewal, a change, a conversion to a period."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from order.approvals import NOTHING, Approvals
from order.copies import Customer
from order.ordering.refusals import NotSoldSoError
from order.orders.models import Order
from order.peers import Peers, Quote
from order.resources.models import Resource
from wire.vocabulary import ChargingMode, OrderType

NOT_PRICED = frozenset({"CBC.99006006", "CBC.99006016"})  # billing: no such product, no such price


@dataclass(frozen=True, slots=True)
class PlacedBy:
    """Who orders: an operator, a customer or the system."""

    source_type: int
    account: str
    login_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """A resource, and the line of the order about it."""

    resource: Resource
    resource_spec_code: str
    measure_size: Decimal | None
    period_type: int
    period_num: int
    effective_at: datetime | None  # none: when it is carried out
    expire_at: datetime | None
    extra_days: int = 0

    def as_quoted(self) -> dict[str, Any]:
        """The line as billing prices it; amounts travel as text."""
        one = self.resource
        size = None if self.measure_size is None else format(self.measure_size, "f")
        return {
            "service_type_code": one.service_type_code,
            "resource_type_code": one.resource_type_code,
            "resource_spec_code": self.resource_spec_code,
            "region_code": one.region_code,
            "charging_mode": int(ChargingMode.PERIOD),
            "period_type": self.period_type,
            "period_num": self.period_num,
            "quantity": 1,
            "measure_size": size,
            "extra_days": self.extra_days,
        }

    @property
    def promised(self) -> tuple[Any, ...]:
        """What a price was asked for; planned again under a lock it is the same, or refused."""
        return self.resource.resource_id, self.effective_at, self.expire_at


@dataclass(frozen=True, slots=True)
class Priced:
    """What each line costs, or gives back, and the discounts that the order is offered."""

    quote: Quote
    gives_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade(ABC):
    """What is asked: which resources of one customer, by whom they are seen."""

    order_type: ClassVar[OrderType]
    # Whether an attached piece is carried out only with its main one.
    attaches: ClassVar[bool] = False

    customer_id: str
    visible: ColumnElement[bool]
    resource_ids: Sequence[str]
    on_behalf: bool  # a partner asks in the customer's place: it needs the customer's grant
    discount_id: str | None = None  # that the order is to carry; a contract is named as one
    contract_id: str | None = None
    pay_before: datetime | None = None
    approvals: Approvals = NOTHING  # of what gives something back

    @abstractmethod
    async def plan(
        self, session: AsyncSession, now: datetime, *, lock: bool
    ) -> Sequence[PlannedLine]:
        """The lines, each main resource before what goes with it; refused as a whole."""

    async def price(
        self, peers: Peers, principal: Principal, planned: Sequence[PlannedLine]
    ) -> Priced:
        """Ask billing; nothing is locked meanwhile.

        Raises:
            NotSoldSoError: there is no such price; OutsideError: billing is silent.

        """
        lines = [one.as_quoted() for one in planned]
        return Priced(await self.ask_price(peers, principal, lines))

    async def ask_price(
        self, peers: Peers, principal: Principal, lines: Sequence[Mapping[str, Any]]
    ) -> Quote:
        """What billing says; a marketplace product is not ordered so."""
        asked = [dict(line) for line in lines]
        try:
            quote = await peers.quote_with_discounts(
                principal, self.customer_id, asked, self.order_type
            )
        except RefusedError as refusal:
            if refusal.refusal_code in NOT_PRICED:
                raise NotSoldSoError from refusal
            raise
        if any(line.is_marketplace for line in quote.lines):
            raise self.marketplace_refusal()
        return quote

    async def settle_at_once(
        self,
        session: AsyncSession,  # noqa: ARG002
        customer: Customer,  # noqa: ARG002
        planned: Sequence[PlannedLine],  # noqa: ARG002
        priced: Priced,  # noqa: ARG002
        by: PlacedBy,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> Order | None:
        """The order, where nothing is to be paid for it; most are recorded and wait for payment."""
        return None

    def latest_payment(self, planned: Sequence[PlannedLine]) -> datetime | None:  # noqa: ARG002
        """The configured effective time: from then on it can be paid no more."""
        return self.pay_before

    def marketplace_refusal(self) -> RefusedError:
        """How a product of the marketplace is refused."""
        return NotSoldSoError()
