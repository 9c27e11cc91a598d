"""How a partner's bill comes to its sum: from the total down, a dimension at a time, to lines."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field
from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.models import BillLine
from billing.partner_bills.find_bill import BillNotFoundError, SeenBill, find_bill
from billing.partner_bills.statements import (
    ROWS_MAX,
    SUMMED,
    StatementRow,
    customer_names,
    statement_row,
)
from billing.settlement.models import SettledLine, SettlementSum
from chassis.identity import Principal
from chassis.sums import read_tables_once
from wire.native import Money, NativeAnswer
from wire.types import NativeQuery
from wire.vocabulary import RESALE_TYPES

By = Literal["service", "customer", "manager", "project", "label"]
NONE = "null"  # as a filter: lines that have none
NEXT: tuple[By, ...] = ("service", "customer", "manager", "project", "label")
OF_LINES = ("project", "label")  # what only lines say, and no sum of the settlement


class BillFilters(NativeQuery):
    """Which lines of a bill: each narrows; `null` means those that have none."""

    service: str | None = Field(default=None, max_length=64)
    customer: str | None = Field(default=None, max_length=64)
    manager: str | None = Field(default=None, max_length=64)
    project: str | None = Field(default=None, max_length=64)
    label: str | None = Field(default=None, max_length=64)

    @property
    def given(self) -> dict[str, str]:
        """Those that narrow."""
        values = {name: getattr(self, name) for name in NEXT}
        return {name: value for name, value in values.items() if value is not None}


class ExplainBill(BillFilters):
    """The query of the explanation; without `by` the first dimension that is not narrowed."""

    by: By | None = None
    number: int | None = Field(default=None, ge=1)


class BillStep(NativeAnswer):
    """A step from what customers are charged to what the partner owes."""

    # customers_charged, partners_price, vouchers, forfeited, due
    step: str
    currency: str
    amount: Money  # added by the step; of `due` the sum of the steps before it


class ChosenBy(NativeAnswer):
    """A dimension, and the one that is chosen of it; `null`: lines that have none."""

    by: str
    value: str


class BillPart(StatementRow):
    """A group of lines, and where to go on from it."""

    link: str | None  # the same, of this group alone; null: every dimension is narrowed
    lines_link: str


class BillExplanation(NativeAnswer):
    """What was chosen, how it comes to its sum, and its parts; the parts add up to the whole."""

    partner_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    number: int
    currency: str
    digest: str | None
    by: str  # service, customer, manager, project, label
    chosen: list[ChosenBy]  # what narrows it
    steps: list[BillStep] | None  # null for a reseller
    whole: StatementRow
    parts: list[BillPart]
    lines_link: str


async def explain_bill(
    session: AsyncSession,
    principal: Principal,
    partner_id: str,
    cycle: str,
    query: ExplainBill,
) -> BillExplanation:
    """Sum up what is chosen, whole and by one dimension.

    Raises:
        BillNotFoundError: no such bill, or nothing of it is chosen.

    """
    seen = await find_bill(session, principal, partner_id, cycle, query.number)
    left = [name for name in NEXT if name not in query.given] or NEXT
    by: By = left[0] if query.by is None else query.by
    if {by, *query.given} & set(OF_LINES):
        await read_tables_once(session)
    parts = (await session.execute(_parts(seen, by, query))).all()
    whole = (await session.execute(_whole(seen, by, query))).one()
    if query.given and not whole.lines:
        raise BillNotFoundError
    names: dict[str | None, str] = {}
    if by == "customer":
        names = await customer_names(session, principal, [row.id for row in parts])
    links = _Links(f"/api/partner-bills/{partner_id}/{cycle}", seen, query)
    row = statement_row(seen, whole, None, None)
    return BillExplanation(
        partner_id=partner_id,
        bill_cycle=cycle,
        number=seen.number,
        currency=seen.currency,
        digest=seen.digest,
        by=by,
        chosen=[ChosenBy(by=name, value=value) for name, value in query.given.items()],
        steps=None if seen.is_resellers else _steps(seen, whole),
        whole=row,
        parts=[
            BillPart(
                **statement_row(seen, one, one.id, names.get(one.id)).model_dump(),
                link=links.down(by, one.id),
                lines_link=links.lines({by: one.id}),
            )
            for one in parts
        ],
        lines_link=links.lines({}),
    )


def _steps(seen: SeenBill, whole: Any) -> list[BillStep]:
    """What each takes off or adds; the last is the sum of those before."""
    sold = whole.settlement_amount + whole.margin_amount  # what resale customers are charged
    steps = {
        "customers_charged": sold,
        "partners_price": -whole.margin_amount,
        "vouchers": -whole.voucher_amount,
        "forfeited": whole.forfeited_amount,
        "due": whole.due_amount,
    }
    return [
        BillStep(step=name, currency=seen.currency, amount=amount or Decimal("0.00"))
        for name, amount in steps.items()
    ]


class _Links:
    def __init__(self, bill: str, seen: SeenBill, query: ExplainBill):
        self._bill, self._given = bill, query.given
        self._number = {} if query.number is None else {"number": f"{seen.number}"}

    def down(self, by: By, value: str | None) -> str | None:
        """To the next dimension; none when all are narrowed."""
        chosen: dict[str, str] = {**self._given, by: _text(value)}
        if all(name in chosen for name in NEXT):
            return None
        return f"{self._bill}/explanation?{urlencode({**chosen, **self._number})}"

    def lines(self, more: Mapping[str, str | None]) -> str:
        """To the lines."""
        chosen = {**self._given, **{name: _text(value) for name, value in more.items()}}
        asked = urlencode({**chosen, **self._number})
        return f"{self._bill}/lines" + (f"?{asked}" if asked else "")


def _text(value: str | None) -> str:
    return NONE if value is None else value


def _columns(table: Any) -> dict[str, Any]:
    return {
        "service": table.service_type_code,
        "customer": table.customer_id,
        "manager": table.account_manager_id,
        "project": BillLine.enterprise_project_id,
        "label": BillLine.customer_label,
    }


def narrowed(table: Any, query: BillFilters) -> list[ColumnElement[bool]]:
    """The filters as conditions on sums or settled lines."""
    columns = _columns(table)
    return [
        columns[name].is_(None) if value == NONE else columns[name] == value
        for name, value in query.given.items()
    ]


def _source(by: By, query: ExplainBill) -> Any:
    return SettledLine if {by, *query.given} & set(OF_LINES) else SettlementSum


def _summed(table: Any) -> list[ColumnElement[Any]]:
    lines = func.count() if table is SettledLine else func.sum(table.lines)
    sums = [
        func.coalesce(func.sum(getattr(table, name)), 0).label(name)
        for name in SUMMED
        if name != "lines"
    ]
    sold = case(
        (table.association_type.in_(RESALE_TYPES), table.customer_amount),
        else_=literal(Decimal(0)),
    )
    margin = func.coalesce(func.sum(sold - table.settlement_amount), 0).label("margin_amount")
    return [lines.label("lines"), *sums, margin]


def _chosen(wanted: Select[Any], table: Any, seen: SeenBill, query: ExplainBill) -> Select[Any]:
    source: FromClause = table.__table__
    if table is SettledLine:
        same = and_(BillLine.line_id == SettledLine.line_id, BillLine.bill_cycle == seen.cycle)
        source = source.join(BillLine.__table__, same)
    conditions = [table.settlement_id == seen.settlement_id, *narrowed(table, query)]
    if seen.is_resellers:
        conditions.append(table.partner_id == seen.partner_id)
    return wanted.select_from(source).where(*conditions)


def _parts(seen: SeenBill, by: By, query: ExplainBill) -> Select[Any]:
    table = _source(by, query)
    column = _columns(table)[by]
    wanted = select(column.label("id"), *_summed(table)).group_by(column)
    ordered = wanted.order_by(column.asc().nulls_first()).limit(ROWS_MAX)
    return _chosen(ordered, table, seen, query)


def _whole(seen: SeenBill, by: By, query: ExplainBill) -> Select[Any]:
    table = _source(by, query)
    return _chosen(select(*_summed(table)), table, seen, query)
