"""The operations as the vendor's reference has them, not as the gateway reads them."""

from typing import Any

from tests.wire_lib.builders import good_value, reference
from wire.operations import INTERNATIONAL, Field, Operation, everything

ALL: dict[str, Operation] = {**everything(INTERNATIONAL), **everything()}
ROWS: dict[str, dict[str, Any]] = {row["method_name"]: row for row in reference()}
PARTNER = frozenset({"solution provider", "distributor", "government"})
CUSTOMER = frozenset({"customer", "customer by temporary keys"})
# Who may call an operation of each class of the reference (docs/domain/operations.md C; a
# reseller's API work is its distributor's, B.1).
CALLERS = {
    "P": PARTNER,
    "D": frozenset({"distributor"}),
    "C": CUSTOMER,
    "C*": CUSTOMER,
    "E": CUSTOMER,
    "P|C": PARTNER | CUSTOMER,
}


def auth_class(name: str) -> str:
    """As the reference has it; our own column for the paths that the reference lacks."""
    row = ROWS.get(name)
    return str(row["auth"]["class"]) if row else ALL[name].auth.value


def permission(name: str) -> str | None:
    """What an operator needs, as the reference has it."""
    row = ROWS.get(name)
    return row["partner_operator_permission"] if row else None


def least(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Values for the fields that must be there, and for nothing else."""
    return {field.name: good_value(field) for field in fields if field.required}


def path_of(one: Operation, **values: str) -> str:
    """The path with its parameters; an order's id where nothing is given."""
    path = one.path
    for field in one.path_fields:
        path = path.replace(f"{{{field.name}}}", values.get(field.name, "CS26112300001"))
    return path
