"""Keep what the meters of bandwidth say, five minutes by five minutes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import AccountMissingError
from billing.copies import Customer
from billing.points.models import UsagePoint
from chassis import audit, copies
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.native import NativeAnswer
from wire.types import Figure, NativeInstant

POINTS_MAX = 288 * 7  # of a request: a week of one resource
POINT_SECONDS = 300

# docs/domain/bills.md I.6
Services = Literal[
    "hws.service.type.cdn", "hws.service.type.obs", "hws.service.type.vpc", "hws.service.type.iec"
]
Resources = Literal[
    "hws.resource.type.cdn", "hws.resource.type.obs", "hws.resource.type.bandwidth",
    "hws.resource.type.edgebandwidth",
]  # fmt: skip
UsageTypes = Literal["95Peak", "95peak_1000", "bandwidth95peak", "95peak_plus"]


class Point(BaseModel):
    """The bandwidth of a resource in the five minutes that begin at `stat_time`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id: str = Field(min_length=1, max_length=64)
    resource_id: str = Field(min_length=1, max_length=64)
    service_type_code: Services
    resource_type_code: Resources
    usage_type: UsageTypes
    stat_time: NativeInstant
    usage_value: Figure = Field(ge=0, lt=Decimal(10) ** 15, decimal_places=10)
    measure_id: int = 15  # Mbps
    guaranteed_value: Figure | None = Field(
        default=None, ge=0, lt=Decimal(10) ** 15, decimal_places=10
    )


class RecordPoints(BaseModel):
    """The body of POST /api/usage-points; a point that is known stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: list[Point] = Field(min_length=1, max_length=POINTS_MAX)


class PointsAnswer(NativeAnswer):
    """How many of them were new."""

    recorded: int


async def record_points(
    session: AsyncSession, principal: Principal, points: Sequence[Point], now: datetime
) -> PointsAnswer:
    """All or none; they are charged by a usage record of their month, and not by this.

    Raises:
        BadFieldError: a point that no five minutes begin at, or one of later.
        AccountMissingError: a customer that nobody has named.

    """
    for point in points:
        if point.stat_time > now:
            raise BadFieldError("points.stat_time", "is in the future")
        if point.stat_time.timestamp() % POINT_SECONDS:
            raise BadFieldError("points.stat_time", "out of range")
    owners = {}
    for customer_id in dict.fromkeys(point.customer_id for point in points):
        customer = await copies.find(session, Customer, customer_id)
        if customer is None:
            raise AccountMissingError(customer_id)
        owners[customer_id] = customer
    rows = [
        {
            **point.model_dump(),
            "partner_id": owners[point.customer_id].partner_id,
            "distributor_id": owners[point.customer_id].distributor_id,
        }
        for point in points
    ]
    made = insert(UsagePoint).values(rows).on_conflict_do_nothing()
    found = await session.scalars(made.returning(UsagePoint.resource_id))
    recorded = len(found.all())
    audit.record(session, principal, "usage_points.record", f"{len(points)} points", now)
    return PointsAnswer(recorded=recorded)
