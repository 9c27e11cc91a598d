"""A statement on pages: the one module with reportlab, imported by who makes such a file alone."""

import io
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from billing.partner_bills.statement_cells import COLUMNS, HEAD, about, rows_of
from billing.partner_bills.statements import Statement
from billing.partner_bills.words import WORDS, Words

# The font has no Latin letters: those are of one that every reader has.
LATIN, CHINESE = "Helvetica", "DroidSansFallback"
_FONT = Path(__file__).with_name("fonts") / "DroidSansFallback.ttf"
TITLE_SIZE, TEXT_SIZE = 16, 8.5  # points
MARGIN, LINE_HEIGHT = 36, 15
LEFT_COLUMNS = 2  # texts; the others are numbers and end at the right
WIDTHS = (100, 130, 40, *(71,) * 7)


def pdf(statement: Statement, language: str) -> bytes:
    """The same on pages; the same statement has the same bytes."""
    _register()
    words, file = WORDS[language], io.BytesIO()
    canvas = Canvas(file, pagesize=landscape(A4), invariant=True)
    title = f"{words[statement.kind]} {statement.bill_cycle}"
    canvas.setTitle(title)
    _Pages(canvas, statement, words, title).write()
    canvas.save()
    return file.getvalue()


@cache
def _register() -> None:
    pdfmetrics.registerFont(TTFont(CHINESE, _FONT))


class _Pages:
    def __init__(self, canvas: Canvas, statement: Statement, words: Words, title: str):
        self._canvas, self._statement, self._words = canvas, statement, words
        self._title = title
        self._top = landscape(A4)[1] - MARGIN
        self._y = self._top

    def write(self) -> None:
        """Head, rows, sum; each page has its number and the headings."""
        self._text(MARGIN, self._title, TITLE_SIZE)
        self._down(1.6)
        for name in HEAD:
            value = about(self._statement, name)
            if value:
                self._text(MARGIN, f"{self._words[name]}: {value}")
                self._down()
        self._down(0.6)
        self._headings()
        rows = list(rows_of(self._statement, self._words))
        for row in rows[:-1]:
            self._row(row)
        self._rule()
        self._row(rows[-1])
        self._number()

    def _headings(self) -> None:
        self._row([self._words[name] for name in COLUMNS], turns=False)
        self._rule()

    def _row(self, cells: list[str], *, turns: bool = True) -> None:
        if turns and self._y < 2 * MARGIN:
            self._number()
            self._canvas.showPage()
            self._y = self._top
            self._headings()
        left = MARGIN
        for number, (text, width) in enumerate(zip(cells, WIDTHS, strict=True)):
            if number < LEFT_COLUMNS:
                self._text(left, _fitting(text, width - 4))
            else:  # an amount is never cut
                size = TEXT_SIZE * min(1.0, (width - 4) / max(_width(text), 1.0))
                self._text(left + width - 4 - _width(text) * size / TEXT_SIZE, text, size)
            left += width
        self._down()

    def _rule(self) -> None:
        y = self._y + LINE_HEIGHT - 4
        self._canvas.line(MARGIN, y, MARGIN + sum(WIDTHS), y)

    def _number(self) -> None:
        number = self._canvas.getPageNumber()
        self._y, before = MARGIN / 2, self._y
        self._text(MARGIN, f"{self._words['page']} {number}")
        self._y = before

    def _down(self, lines: float = 1) -> None:
        self._y -= LINE_HEIGHT * lines

    def _text(self, x: float, text: str, size: float = TEXT_SIZE) -> None:
        for font, part in _parts(text):
            self._canvas.setFont(font, size)
            self._canvas.drawString(x, self._y, part)
            x += pdfmetrics.stringWidth(part, font, size)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The text in runs of one font."""
    for is_latin, run in groupby(text, lambda character: ord(character) < 0x2000):
        yield LATIN if is_latin else CHINESE, "".join(run)


def _width(text: str) -> float:
    widths = [pdfmetrics.stringWidth(part, font, TEXT_SIZE) for font, part in _parts(text)]
    return float(sum(widths))


def _fitting(text: str, width: float) -> str:
    """As much of a text as its column holds."""
    if _width(text) <= width:
        return text
    while text and _width(text + "…") > width:
        text = text[:-1]
    return text + "…"
