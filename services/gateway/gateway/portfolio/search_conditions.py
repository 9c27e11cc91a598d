"""What a search of the portfolio asks for: eight filters in any combination.

See docs/domain/customers.md F4.

Filters: association type, association time, name, account manager, consumption this month, resource
expiry, mobile, label (docs/domain/customers.md F4).
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
)
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true, tuple_
from sqlalchemy.sql import literal

from gateway.portfolio.models import CustomerRow, ResourceRow
from gateway.portfolio.names import needed_grams, pattern
from wire.times import cycle_of
from wire.types import Figure, NativeInstant

PAGE_CUSTOMERS_MAX = 200
EXPIRY_DAYS_MAX = 3660

Text = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]
_BOOL = TypeAdapter(bool)
Row = type[CustomerRow]  # or an alias of it


def _read_count(told: Any) -> bool | Literal["exact"]:
    """A union's own errors name its members beside the field."""
    return "exact" if told == "exact" else _BOOL.validate_python(told)


class CustomerSearch(BaseModel):
    """The filters, the order and the page. Instants are ISO 8601 with an offset."""

    model_config = ConfigDict(extra="forbid")

    association_type: Literal["1", "2", "3"] | None = None
    association_status: Literal["pending", "associated", "unlinked", "any"] = "associated"
    associated_from: NativeInstant | None = None
    associated_until: NativeInstant | None = None
    name: Text | None = None
    account_manager: Text | None = None
    consumption_min: Annotated[Figure, Field(max_digits=20, decimal_places=2)] | None = None
    consumption_max: Annotated[Figure, Field(max_digits=20, decimal_places=2)] | None = None
    expires_within_days: Annotated[int, Field(ge=0, le=EXPIRY_DAYS_MAX)] | None = None
    mobile: Text | None = None
    label: Text | None = None
    partner_id: Text | None = None
    sort: Literal["account_name", "associated_on", "consumption", "customer_id"] = "associated_on"
    order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Field(ge=1, le=PAGE_CUSTOMERS_MAX)] = 20
    after: Annotated[str, StringConstraints(max_length=500)] | None = None
    count: Annotated[
        bool | Literal["exact"],
        PlainValidator(_read_count, json_schema_input_type=bool | Literal["exact"]),
        Field(
            description="true: a lower bound where `count_is_exact` is false; exact: of any number"
        ),
    ] = True


def conditions(row: Row, search: CustomerSearch, now: datetime) -> ColumnElement[bool]:
    """Whether a row is what the search asks for; consumption is that of the month of `now`.

    The name that it asks for is folded already.
    Names and expiries are looked at row by row: an index would list all who match, first.
    """
    given = [_simple_conditions(row, search, now)]
    if search.name is not None:
        given.append(_has_grams(row, search.name).is_(True))
    if search.expires_within_days is not None:
        something = select(true()).where(
            ResourceRow.customer_id == row.customer_id,
            ResourceRow.partner_id == row.partner_id,
            _expires(search.expires_within_days, now),
        )
        given.append(something.limit(1).scalar_subquery().is_(True))
    return and_(*given)


def by_index(
    row: Row, search: CustomerSearch, now: datetime, resources: Select[str, str]
) -> ColumnElement[bool]:
    """The same conditions, but names and expiries are found by their indexes.

    `resources` selects the ids of customer and partner of the resources that are looked through;
    its own conditions say which partners' and how many of them.
    """
    given = [_simple_conditions(row, search, now)]
    if search.name is not None:
        given.append(_has_grams(row, search.name))
    if search.expires_within_days is not None:
        ends = resources.where(_expires(search.expires_within_days, now))
        given.append(tuple_(row.customer_id, row.partner_id).in_(ends))
    return and_(*given)


def _simple_conditions(row: Row, search: CustomerSearch, now: datetime) -> ColumnElement[bool]:
    cycle = cycle_of(now)
    given: list[ColumnElement[bool]] = [true()]
    if search.association_status != "any":
        given.append(row.association_status == search.association_status)
    if search.association_type is not None:
        given.append(row.association_type == search.association_type)
    if search.associated_from is not None:
        given.append(row.associated_on >= search.associated_from)
    if search.associated_until is not None:
        given.append(row.associated_on < search.associated_until)
    given.append(age_between(row, search))  # says no more, but is what the index is of
    if search.name is not None:
        given.append(_contains(row, search.name))
    if search.account_manager is not None:
        manager = search.account_manager
        given.append(or_(row.account_manager_name == manager, row.account_manager_id == manager))
    if search.mobile is not None:
        given.append(row.mobile == search.mobile)
    if search.label is not None:
        given.append(row.label == search.label)
    if search.partner_id is not None:
        given.append(row.partner_id == search.partner_id)
    if search.consumption_min is not None or search.consumption_max is not None:
        given.append(_consumption_between(row, search, cycle))
    return and_(*given)


def consumption(row: Row, cycle: str) -> ColumnElement[Decimal]:
    """What the customer has consumed in the bill cycle; nothing, unless a line says otherwise."""
    return case((row.consumption_cycle == cycle, row.consumption_amount), else_=literal(0))


def age(row: Row) -> ColumnElement[Any]:
    """Since when the customer is associated, or known at least: the order by `associated_on`."""
    return func.coalesce(row.associated_on, row.registered_at)


def age_between(row: Row, search: CustomerSearch) -> ColumnElement[bool]:
    """Whether the row may be associated in the time that is asked for."""
    given: list[ColumnElement[bool]] = [true()]
    if search.associated_from is not None:
        given.append(age(row) >= search.associated_from)
    if search.associated_until is not None:
        given.append(age(row) < search.associated_until)
    return and_(*given)


def amount_between(amount: Any, search: CustomerSearch) -> ColumnElement[bool]:
    """Whether the search asks for who has consumed so much."""
    given: list[ColumnElement[bool]] = [true()]
    if search.consumption_min is not None:
        given.append(amount >= search.consumption_min)
    if search.consumption_max is not None:
        given.append(amount <= search.consumption_max)
    return and_(*given)


def _contains(row: Row, name: str) -> ColumnElement[bool]:
    like = pattern(name)
    account = func.coalesce(row.folded_account_name, func.lower(row.account_name))
    customer = func.coalesce(row.folded_customer_name, func.lower(row.customer_name))
    return or_(account.like(like), customer.like(like))


def _has_grams(row: Row, name: str) -> ColumnElement[bool]:
    return row.names.contains(needed_grams(name))


def _consumption_between(row: Row, search: CustomerSearch, cycle: str) -> ColumnElement[bool]:
    """By the index also where nothing belongs to the range."""
    least, most = search.consumption_min, search.consumption_max
    this_month = and_(
        row.consumption_cycle == cycle, amount_between(row.consumption_amount, search)
    )
    if (least is not None and least > 0) or (most is not None and most < 0):
        return this_month
    other = row.consumption_cycle
    return or_(this_month, other < cycle, other > cycle, other.is_(None))


def _expires(within_days: int, now: datetime) -> ColumnElement[bool]:
    at = ResourceRow.expire_at
    return and_(at >= now, at < now + timedelta(days=within_days))
