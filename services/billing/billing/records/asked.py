"""Which lines a list asks for: the same words for lines and for their sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.account_of import NOT_SPLIT, Split
from billing.lines.models import BillLine, BillSum

CUSTOMER_VIEW_MONTHS = 36  # docs/domain/bills.md B.8
NOT_ASSIGNED = "null"  # of an enterprise project, in all lists but the monthly sum
EARLIEST_DETAIL = "2019-01"


@dataclass(frozen=True, slots=True)
class AskedLines:
    """Lines of some customers in one cycle; what is not asked for is not a condition."""

    customer_ids: Sequence[str]
    cycle: str
    equal: Mapping[str, Any] = field(default_factory=dict)  # column → value
    project: str | None = None
    days: tuple[date, date] | None = None
    without_zero: bool = False
    owed: bool | None = None
    payer_id: str | None = None
    split: Split = NOT_SPLIT  # of details; sums of a month are not split

    def on(self, table: type[BillLine] | type[BillSum]) -> list[ColumnElement[bool]]:
        """The conditions that both tables know."""
        whose: ColumnElement[bool] = table.customer_id.in_(self.customer_ids)
        if table is BillLine:
            whose = self.split.of(self.customer_ids)
        conditions = [whose, table.bill_cycle == self.cycle]
        for name, value in self.equal.items():
            if value is not None:
                column = getattr(table, name)
                conditions.append(
                    func.coalesce(column, "") == "" if value == "" else column == value
                )
        if self.project is not None:
            conditions.append(project_is(table, self.project))
        if self.days:
            conditions.append(table.bill_date.between(*self.days))
        if self.payer_id is not None:
            conditions.append(paying(table) == self.payer_id)
        return conditions

    def of_lines(self) -> list[ColumnElement[bool]]:
        """All conditions."""
        conditions = self.on(BillLine)
        if self.without_zero:
            conditions.append(BillLine.payment_amount != 0)
        if self.owed is not None:
            conditions.append((BillLine.debt_amount > 0) == self.owed)
        return conditions

    async def count(self, session: AsyncSession) -> int:
        """How many lines there are: from the sums, where these know all that is asked for."""
        known = all(
            hasattr(BillSum, name) for name, value in self.equal.items() if value is not None
        )
        if self.split.moved or not known or (self.without_zero and self.owed is not None):
            counted = select(func.count()).select_from(BillLine).where(*self.of_lines())
            return await session.scalar(counted) or 0
        number = BillSum.lines
        if self.without_zero:
            number = BillSum.lines - BillSum.zero_lines  # type: ignore[assignment]
        elif self.owed is not None:
            number = BillSum.owed_lines if self.owed else BillSum.lines - BillSum.owed_lines  # type: ignore[assignment]
        return int(await session.scalar(select(func.sum(number)).where(*self.on(BillSum))) or 0)


def project_is(table: type[BillLine] | type[BillSum], wanted: str) -> ColumnElement[bool]:
    """ "0" is the default project; the text `null` asks for lines that have none (I.1)."""
    if wanted == NOT_ASSIGNED:
        return table.enterprise_project_id.is_(None)
    return func.coalesce(table.enterprise_project_id, "") == wanted


def paying(table: type[BillLine] | type[BillSum]) -> ColumnElement[str]:
    """Whose account paid: the customer's, also where its partner paid for it, or its master's."""
    return func.coalesce(func.nullif(table.payer_id, table.partner_id), table.customer_id)
