"""What stands in which cell of a statement, as texts in either language."""

from collections.abc import Iterator

from billing.partner_bills.statements import Statement, StatementRow
from billing.partner_bills.words import Words
from wire.native import money_text

COLUMNS = (
    "id", "name", "lines", "customer_amount", "settlement_amount", "voucher_amount",
    "forfeited_amount", "due_amount", "margin_amount", "performance_amount",
)  # fmt: skip
HEAD = ("partner_name", "customer_id", "bill_cycle", "number", "currency", "digest")


def rows_of(statement: Statement, words: Words) -> Iterator[list[str]]:
    """Its rows, and their sum at last."""
    for row in statement.rows:
        yield _cells(row, words)
    yield [words["total"], *_cells(statement.whole, words)[1:]]


def _cells(row: StatementRow, words: Words) -> list[str]:
    told = [words.get(row.id or "", row.id or "–"), row.name or "", str(row.lines)]
    amounts = [getattr(row, name) for name in COLUMNS[3:]]
    return told + ["" if amount is None else money_text(amount) for amount in amounts]


def about(statement: Statement, name: str) -> str:
    """One of the head's; empty where it has none."""
    value = getattr(statement, name)
    return "" if value is None else str(value)
