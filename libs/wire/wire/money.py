"""Amounts on the wire: read exactly, cut and not rounded, written raw.

See docs/domain/money-and-time.md E.
"""

import re
from decimal import ROUND_DOWN, Context, Decimal

ACCOUNT_PLACES = 2
AMOUNT_MAX = Decimal(99_999_999_999)
"""The largest amount any operation takes (the face value of a coupon)."""

_EXACT = Context(prec=60, rounding=ROUND_DOWN)  # digits; far more than any column holds
_DIGITS_MAX = 20  # integer digits of a number that is looked at at all
_is_number = re.compile(r"\d{1,20}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII).fullmatch


def cut(value: Decimal, places: int) -> Decimal:
    """The value with that many decimals, the rest cut off toward zero."""
    return value.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def read_number(value: object) -> Decimal:
    """A number of a request as it was meant: 100.1, "100.10", 1E+2; ValueError for all else.

    A bool is no number. A float is read by its shortest spelling, so that 100.1 is 100.1 and
    0.30000000000000004 keeps its tail.
    """
    if isinstance(value, bool):
        raise ValueError("a bool is not a number")
    if isinstance(value, str) and not _is_number(value):
        raise ValueError("not a number")
    if not isinstance(value, str | int | float | Decimal):
        raise ValueError("not a number")
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite() or number.adjusted() >= _DIGITS_MAX:
        raise ValueError("out of range")
    return number


def read_amount(
    value: object, maximum: Decimal = AMOUNT_MAX, places: int = ACCOUNT_PLACES
) -> Decimal:
    """An amount a caller entered: more than 0, at most `places` decimals, at most `maximum`.

    More decimals are refused, not rounded. The answer always has `places` decimals.
    """
    number = read_number(value)
    if number <= 0 or number > maximum:
        raise ValueError("out of range")
    amount = cut(number, places)
    if amount != number:
        raise ValueError(f"more than {places} decimals")
    return amount


def number_text(value: Decimal) -> str:
    """The value as a JSON number: no exponent, and always with a decimal point.

    An integer literal reaches users of the SDK as int (docs/domain/money-and-time.md E), hence the
    point.
    """
    if not value.is_finite():
        raise ValueError("only finite numbers can be sent")
    text = f"{value if value else value.copy_abs():f}"
    return text if "." in text else f"{text}.0"
