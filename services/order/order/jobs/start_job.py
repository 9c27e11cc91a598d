"""Take a job with all its items; they are carried out one by one afterwards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal, WrongPrincipalError, kept_claims
from chassis.ids import new_id
from chassis.jobs import RUNNING, WAITING, refuse_many_running
from order.jobs.models import JobItem, OrderJob
from order.orders.lines_wanted import Code, LinesWanted
from order.placing.orders_wanted import CHANGE, PURCHASE, RENEWAL, TO_PERIOD, read_order
from order.refunds.unsubscribe_resources import RESOURCES_MAX
from order.renewals.renew_resources import MONTHS_MAX
from order.renewals.set_auto_renewal import TIMES_MAX
from wire.types import Amount, Id, NativeInstant, WireRequest, error_of

ITEMS_MAX = 10_000
ITEMS_AT_ONCE = 500  # in one statement
Kind = Literal["renew", "unsubscribe", "cancel", "pay_requests", "auto_renewal", "place"]
FUNDS, ORDERS = "CHB_ITEM_FUNDS", "CHB_ITEM_ORDERS"


class ItemWanted(WireRequest):
    """One deed; which fields it has follows from the job's kind."""

    order_id: Id | None = None  # cancel
    request_id: Id | None = None  # pay_requests
    # unsubscribe, renew, place: of one customer
    resource_ids: Annotated[list[Id], Field(min_length=1, max_length=RESOURCES_MAX)] | None = None
    unsubscribe_type: Annotated[int, Field(ge=1, le=2)] | None = None
    period_type: Annotated[int, Field(ge=2, le=3)] | None = None  # renew, place
    period_num: Annotated[int, Field(ge=1, le=MONTHS_MAX)] | None = None
    is_auto_pay: Annotated[int, Field(ge=0, le=1)] | None = None
    resource_id: Id | None = None  # auto_renewal
    auto_renew_times: Annotated[int, Field(ge=0, le=TIMES_MAX)] | None = None
    auto_renew_period: Literal["MONTH", "YEAR"] | None = None
    # place, as POST /api/orders: 1 purchase, 2 renewal, 3 change, 11 period for on-demand
    order_type: Literal[1, 2, 3, 11] | None = None
    customer_id: Id | None = None
    lines: LinesWanted | None = None
    hold_for: Literal["payment", "review", "confirmation"] | None = None
    resource_spec_code: Code | None = None
    measure_size: Amount | None = None
    discount_id: Id | None = None
    contract_id: Id | None = None
    pay_before: NativeInstant | None = None


class StartJob(WireRequest):
    """The body of POST /api/order-jobs."""

    kind: Kind
    items: Annotated[list[ItemWanted], Field(min_length=1, max_length=ITEMS_MAX)]


# Kind → the fields of its items, and those that must be there.
FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "cancel": (frozenset({"order_id"}), frozenset({"order_id"})),
    "pay_requests": (frozenset({"request_id"}), frozenset({"request_id"})),
    "unsubscribe": (
        frozenset({"resource_ids", "unsubscribe_type"}),
        frozenset({"resource_ids", "unsubscribe_type"}),
    ),
    "renew": (
        frozenset({"resource_ids", "period_type", "period_num", "is_auto_pay"}),
        frozenset({"resource_ids", "period_type", "period_num"}),
    ),
    "auto_renewal": (
        frozenset({"resource_id", "auto_renew_times", "auto_renew_period"}),
        frozenset({"resource_id"}),
    ),
}
# The same of an order to be placed, by its type.
_ORDER = frozenset({"customer_id", "order_type", "discount_id", "contract_id", "pay_before"})
_OF_RESOURCES = frozenset({"customer_id", "resource_ids"})
_OF_A_PERIOD = _OF_RESOURCES | {"period_type", "period_num"}
PLACED: Mapping[int, tuple[frozenset[str], frozenset[str]]] = {
    PURCHASE: (_ORDER | {"lines", "hold_for"}, frozenset({"customer_id", "lines"})),
    RENEWAL: (_ORDER | _OF_A_PERIOD, _OF_A_PERIOD),
    CHANGE: (_ORDER | _OF_RESOURCES | {"resource_spec_code", "measure_size"}, _OF_RESOURCES),
    TO_PERIOD: (_ORDER | _OF_A_PERIOD, _OF_A_PERIOD),
}


async def start_job(
    session: AsyncSession, principal: Principal, wanted: StartJob, now: datetime
) -> OrderJob:
    """Keep the job and its items.

    Raises:
        BadFieldError: an item lacks a field of its kind, or has another's.
        RefusedError: what an item orders is refused as POST /api/orders refuses it.
        WrongPrincipalError: an operator that may not do such a thing once may not do it often.
        TooManyJobsError

    """
    _check_operator(principal, wanted.kind)
    for number, item in enumerate(wanted.items):
        _check_item(wanted.kind, number, item)
    await refuse_many_running(session, OrderJob, principal, "order.jobs")
    job = OrderJob(
        job_id=new_id(),
        partner_id=principal.partner_id,
        distributor_id=principal.distributor_id,
        kind=wanted.kind,
        status=RUNNING,
        total=len(wanted.items),
        started_by=kept_claims(principal),
        started_at=now,
    )
    session.add(job)
    await session.flush()
    await _keep_items(session, job, wanted.items, now)
    audit.record(session, principal, "order_job.start", job.job_id, now,
                 kind=job.kind, total=job.total)  # fmt: skip
    return job


def _check_operator(principal: Principal, kind: str) -> None:
    needed = FUNDS if kind == "pay_requests" else ORDERS
    if not principal.is_whole_account and needed not in principal.permissions:
        raise WrongPrincipalError


def _check_item(kind: str, number: int, item: ItemWanted) -> None:
    known, needed = PLACED[item.order_type or PURCHASE] if kind == "place" else FIELDS[kind]
    given = {name for name in ItemWanted.model_fields if getattr(item, name) is not None}
    for name in sorted(needed - given):
        raise BadFieldError(f"items[{number}].{name}", "missing")
    for name in sorted(given - known):
        raise BadFieldError(f"items[{number}].{name}", "not a field of this kind")
    if kind == "place":
        _check_order(number, item)


def _check_order(number: int, item: ItemWanted) -> None:
    """What only the type of the order knows of its fields."""
    try:
        read_order(_kept_item(item))
    except ValidationError as error:
        code, field = error_of(error.errors())
        raise RefusedError(f"items[{number}].{field}", code=code) from error


async def _keep_items(
    session: AsyncSession, job: OrderJob, items: Sequence[ItemWanted], now: datetime
) -> None:
    table = JobItem.__table__
    assert isinstance(table, Table)
    for begin in range(0, len(items), ITEMS_AT_ONCE):
        rows = [
            {
                "job_id": job.job_id,
                "position": position,
                "partner_id": job.partner_id,
                "distributor_id": job.distributor_id,
                "wanted": _kept_item(item),
                "state": WAITING,
                "tries": 0,
                "not_before": now,
            }
            for position, item in enumerate(items[begin : begin + ITEMS_AT_ONCE], begin + 1)
        ]
        await session.execute(insert(table), rows)


def _kept_item(item: ItemWanted) -> dict[str, Any]:
    kept = item.model_dump(mode="json", exclude_none=True, exclude={"pay_before"})
    if item.pay_before is not None:
        kept["pay_before"] = item.pay_before.isoformat()
    return kept
