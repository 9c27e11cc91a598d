"""A statement as a workbook or a PDF, in either language."""

import io
from typing import Any

from billing.files.xlsx import CellKind, Workbook
from billing.partner_bills.statement_cells import COLUMNS, HEAD, about, rows_of
from billing.partner_bills.statements import Statement
from billing.partner_bills.words import WORDS

_KINDS: tuple[CellKind, ...] = ("text", "text", "whole", *("money",) * 7)


def workbook(statement: Statement, language: str) -> bytes:
    """One sheet of the rows and their sum, one of what it is a statement of."""
    words, file = WORDS[language], io.BytesIO()
    book = Workbook(file)
    headings = [words[name] for name in COLUMNS]
    book.add_sheet(words[statement.kind], headings, _KINDS, rows_of(statement, words))
    head = ((words[name], about(statement, name)) for name in HEAD)
    book.add_sheet(words["bill_cycle"], ["", ""], ("text", "text"), head)
    book.close()
    return file.getvalue()


def pdf(statement: Statement, language: str) -> bytes:
    """The same on pages; the same statement has the same bytes."""
    # A part of every start: who makes such a file pays for it.
    from billing.partner_bills import write_pages

    return write_pages.pdf(statement, language)


WRITERS: dict[str, Any] = {
    "xlsx": (workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pdf": (pdf, "application/pdf"),
}
