"""What is wrong with one field of a request."""

from dataclasses import dataclass

MALFORMED = "CBC.0100"
"""Missing, malformed, too long or out of range (decision 0019)."""
NO_SUCH_VALUE = "CBC.0101"
"""Well-formed, but there is no such value."""


@dataclass(frozen=True, slots=True)
class Breach:
    """The field by its wire name (`coupon_infos[0].id`), the code, and why in a few words."""

    field: str
    code: str
    reason: str = ""


class BreachError(ValueError):
    """A request breaks the table's rules; `breach` is the first of them."""

    def __init__(self, breach: Breach):
        self.breach = breach
        super().__init__(f"{breach.code} {breach.field}: {breach.reason}")
