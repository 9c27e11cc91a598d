"""What names, phones and mailboxes look like; they differ per operation.

See docs/domain/customers.md B.2, F16.
"""

import re

_name = re.compile(r"[a-zA-Z_-][a-zA-Z0-9_-]*", re.ASCII).fullmatch
_searched_name = re.compile(r"[a-zA-Z-][a-zA-Z0-9_-]{4,31}", re.ASCII).fullmatch
_mobile = re.compile(r"1\d{10}", re.ASCII).fullmatch
_international_mobile = re.compile(r"(\d{4})-(\d+)", re.ASCII).fullmatch
_mainland_mobile = re.compile(r"(?:(?:\+|00)?86-?)?(1\d{10})", re.ASCII).fullmatch
_country_and_number = re.compile(r"\+?(\d{1,4})-(\d{4,15})", re.ASCII).fullmatch
_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch

MAINLAND = "0086"
NAME_LENGTH_MIN, NAME_LENGTH_MAX = 5, 32  # characters
_RESERVED = ("op_", "shadow_")


def is_login_name(name: str) -> bool:
    """A name that create_sub_customer takes; it may begin with an underscore."""
    fits = NAME_LENGTH_MIN <= len(name) <= NAME_LENGTH_MAX
    return fits and _name(name) is not None and not name.lower().startswith(_RESERVED)


def is_searched_name(name: str) -> bool:
    """A name that check_user_identity takes; it may not begin with an underscore (sic)."""
    return _searched_name(name) is not None and not name.lower().startswith(_RESERVED)


def is_mainland_mobile(text: str) -> bool:
    """A bare number of 11 digits."""
    return _mobile(text) is not None


def mobile_of(text: str) -> str | None:
    """The bare number of `0086-13…`; None when the text is no mainland number so written."""
    parts = _international_mobile(text)
    if parts is None or parts[1] != MAINLAND or not is_mainland_mobile(parts[2]):
        return None
    return parts[2]


def attribute_mobile(text: str) -> tuple[str, str] | None:
    """Country code (four digits) and number of a phone in an assertion.

    See docs/domain/customers.md F16.

    `0086-13…`, `+86-13…`, `+8613…` and a bare mainland number are the same phone, whatever blanks
    are in between; None when the text is no phone.
    """
    compact = "".join(text.split())
    if mainland := _mainland_mobile(compact):
        return MAINLAND, mainland[1]
    foreign = _country_and_number(compact)
    return (foreign[1].lstrip("0").zfill(len(MAINLAND)), foreign[2]) if foreign else None


def is_email(text: str) -> bool:
    """One @ with something on both sides, and no blanks."""
    return _email(text) is not None
