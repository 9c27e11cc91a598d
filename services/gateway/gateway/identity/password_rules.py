"""What a password must look like: the gateway alone ever sees one.

See docs/domain/customers.md B.2.
"""

import re

from chassis.errors import BadFieldError, RefusedError

CHARACTERS_MIN = 8
CHARACTERS_MAX = 32
CLASSES_MIN = 2
_CLASSES = tuple(map(re.compile, (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")))


class WeakPasswordError(RefusedError):
    """The password does not follow the rules."""

    code = "CBC.99000036"


def check_password(password: object, account_name: object, phone: object) -> str:
    """The password, when it may be one.

    Raises:
        BadFieldError: it is no text.
        WeakPasswordError: empty, too short or long, too simple, or it gives name or phone away.

    """
    if not isinstance(password, str):
        raise BadFieldError("password")
    name = str(account_name or "").lower()
    phone_digits = str(phone or "")
    if (
        not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX
        or sum(bool(one.search(password)) for one in _CLASSES) < CLASSES_MIN
        or password.lower() in (name, name[::-1])
        or (phone_digits and phone_digits in password)
    ):
        raise WeakPasswordError
    return password
