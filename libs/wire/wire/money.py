"""Amounts on the wire: read exactly, cut and not rounded, written raw.

See docs/domain/money-and-time.md E.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, Context, Decimal

ACCOUNT_PLACES = 2
AMOUNT_MAX = Decimal(99_999_999_999)
"""The largest amount any operation takes (the face value of a coupon)."""

CENT = Decimal("0.01")

_EXACT = Context(prec=60, rounding=ROUND_DOWN)  # digits; far more than any column holds
_LAST_PLACE = {places: Decimal(1).scaleb(-places) for places in range(41)}
_DIGITS_MAX = 20  # integer digits of a number that is looked at at all
_is_number = re.compile(r"\d{1,20}(\.\d{1,40})?", re.ASCII).fullmatch


def cut(value: Decimal, places: int) -> Decimal:
    """The value with that many decimals, the rest cut off toward zero."""
    return value.quantize(_LAST_PLACE[places], context=_EXACT)


def read_number(value: object) -> Decimal:
    """A number of a request as it was meant: 100.1, "100.10", 1E+2; ValueError for all else.

    A bool is no number, and a text has no exponent (decision 0188). A float is read by its shortest
    spelling, so that 100.1 is 100.1 and 0.30000000000000004 keeps its tail.
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


def read_signed_amount(value: object) -> Decimal:
    """An amount of a bill, below zero for what is given back; else as `read_amount`."""
    if isinstance(value, str) and value.startswith("-"):
        return -read_amount(value[1:])
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value < 0:
        return -read_amount(-value)
    return read_amount(value)


def number_text(value: Decimal) -> str:
    """The value as a JSON number: no exponent, and always with a decimal point.

    An integer literal reaches users of the SDK as int (docs/domain/money-and-time.md E), hence the
    point.
    """
    if not value.is_finite():
        raise ValueError("only finite numbers can be sent")
    text = f"{value if value else value.copy_abs():f}"
    return text if "." in text else f"{text}.0"


def share(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Parts of `total` in proportion to `weights`, to the cent; none is above its weight.

    The cents that cutting leaves go to the largest remainders, the first of equals. Order shares
    the money that pays an order over its lines by it, and what goes back over the means that paid.

    Raises:
        ValueError: an amount has more than 2 decimals, or `total` is above the weights' sum.

    """
    cents, parts = _cents(total), [_cents(weight) for weight in weights]
    whole = sum(parts)
    if cents > whole:
        raise ValueError(f"{total} is more than the {whole * CENT} to share it over")
    if cents == 0:
        return [Decimal("0.00") for _ in parts]
    shares = [cents * part // whole for part in parts]
    remainders = [cents * part % whole for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda index: -remainders[index])
    for index in by_remainder[: cents - sum(shares)]:
        shares[index] += 1
    return [one * CENT for one in shares]


def split(total: Decimal, parts: int) -> list[Decimal]:
    """`total` in so many equal parts, to the cent; the earlier ones take the cents left over.

    Raises:
        ValueError: the amount has more than 2 decimals or is negative.

    """
    each, left_over = divmod(_cents(total), parts)
    return [(each + (1 if index < left_over else 0)) * CENT for index in range(parts)]


def _cents(amount: Decimal) -> int:
    cents = amount / CENT
    if cents != int(cents) or cents < 0:
        raise ValueError(f"{amount} is no amount of 2 decimals")
    return int(cents)
