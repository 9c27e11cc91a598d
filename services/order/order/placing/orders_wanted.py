"""What may be ordered, as a partner asks for it: new products, or about resources that there are.

See docs/domain/acting-on-behalf.md F6, decision 0100.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter, model_validator

from chassis.errors import BadFieldError
from order.changes.plan_change import WantedChange
from order.conversions.plan_to_period import WantedPeriod
from order.ordering.trades import Trade
from order.orders.lines_wanted import Code
from order.orders.place_order import PlaceOrder
from order.renewals.plan_renewal import WantedRenewal
from order.resources.models import Resource
from wire.types import Amount, Id, NativeInstant, WireRequest

RESOURCES_MAX = 10
MONTHS_MAX = 11


class ResourcesWanted(WireRequest, ABC):
    """Resources of one customer, with one discount at most; `pay_before` as of any order."""

    customer_id: Id
    order_type: int
    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)]
    discount_id: Id | None = None
    contract_id: Id | None = None
    pay_before: NativeInstant | None = None

    @model_validator(mode="after")
    def _one_discount(self) -> "ResourcesWanted":
        if self.discount_id is not None and self.contract_id is not None:
            raise ValueError("one discount at most")
        return self

    def check_named_once(self) -> None:
        """Raises BadFieldError where a resource is named twice."""
        if len(set(self.resource_ids)) != len(self.resource_ids):
            raise BadFieldError("resource_ids", "the same resource twice")

    @abstractmethod
    def trade(self, resource_ids: list[str] | None = None) -> Trade:
        """What it is to the use case; of some of its resources alone where these are given."""

    def _asked(self, resource_ids: list[str] | None) -> dict[str, Any]:
        return {
            "customer_id": self.customer_id,
            "visible": Resource.customer_id == self.customer_id,
            "resource_ids": resource_ids or self.resource_ids,
            "on_behalf": True,
            "discount_id": self.discount_id,
            "contract_id": self.contract_id,
            "pay_before": self.pay_before,
        }


class PeriodsWanted(ResourcesWanted):
    """Main resources, for the same period: 2 months, 3 years."""

    period_type: Literal[2, 3]
    period_num: Annotated[int, Field(ge=1, le=MONTHS_MAX)]


class RenewForCustomer(PeriodsWanted):
    """A further period behind the last one."""

    order_type: Literal[2]

    def trade(self, resource_ids: list[str] | None = None) -> Trade:
        """A renewal."""
        asked = self._asked(resource_ids)
        return WantedRenewal(**asked, period_type=self.period_type, period_num=self.period_num)


class PayByPeriod(PeriodsWanted):
    """Resources that are used on demand, to be paid for a period from now on."""

    order_type: Literal[11]

    def trade(self, resource_ids: list[str] | None = None) -> Trade:
        """A conversion."""
        asked = self._asked(resource_ids)
        return WantedPeriod(**asked, period_type=self.period_type, period_num=self.period_num)


class ChangeForCustomer(ResourcesWanted):
    """Period resources, main ones or attached, that become another specification or size.

    What is not named stays. What costs more is paid; what costs less goes back at once.
    """

    order_type: Literal[3]
    resource_spec_code: Code | None = None
    measure_size: Amount | None = None

    @model_validator(mode="after")
    def _to_something(self) -> "ChangeForCustomer":
        if self.resource_spec_code is None and self.measure_size is None:
            raise ValueError("a change names a resource_spec_code, a measure_size or both")
        return self

    def trade(self, resource_ids: list[str] | None = None) -> Trade:
        """A change."""
        return WantedChange(
            **self._asked(resource_ids),
            resource_spec_code=self.resource_spec_code,
            measure_size=self.measure_size,
        )


PURCHASE, RENEWAL, CHANGE, TO_PERIOD = 1, 2, 3, 11


def _type_of(body: Any) -> str:
    """A purchase, unless the body names another type; one that there is not is refused as 2."""
    named = body.get("order_type") if isinstance(body, dict) else getattr(body, "order_type", None)
    if named is None:
        return str(PURCHASE)
    is_known = type(named) is int and named in (PURCHASE, CHANGE, TO_PERIOD)
    return str(named) if is_known else str(RENEWAL)


OrderWanted = Annotated[
    Annotated[PlaceOrder, Tag(str(PURCHASE))]
    | Annotated[RenewForCustomer, Tag(str(RENEWAL))]
    | Annotated[ChangeForCustomer, Tag(str(CHANGE))]
    | Annotated[PayByPeriod, Tag(str(TO_PERIOD))],
    Discriminator(_type_of),
]
_ORDER_WANTED: TypeAdapter[PlaceOrder | ResourcesWanted] = TypeAdapter(OrderWanted)


def read_order(body: Any) -> PlaceOrder | ResourcesWanted:
    """What the body of POST /api/orders wants, wherever it was kept meanwhile.

    Raises:
        ValidationError

    """
    return _ORDER_WANTED.validate_python(body)
