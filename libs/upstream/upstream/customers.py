"""What an upstream tells of a customer, read without belief.

See docs/domain/customers.md B.2, docs/domain/wire-protocol.md D.4a.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class UpstreamCustomer:
    """CustomerInformation as it was told. Codes nobody has heard of are kept as they are."""

    customer_id: str
    account_name: str
    customer_name: str | None
    associated_on: datetime | None
    association_type: str | None
    label: str | None
    telephone: str | None
    verified_status: str | None
    country_code: str | None
    customer_type: int | None
    is_frozen: int | None
    account_manager_name: str | None
    xaccount_id: str | None
    xaccount_type: str | None
    customer_level: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class UnreadableCustomer:
    """A record that names a customer and holds a value that nobody can keep."""

    customer_id: str
    field: str
    value: str  # as the upstream wrote it, cut to what a person needs to see


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A page of customers, and how many match in all (None: not told).

    `records` is how many the page had, also those that could not be read.
    """

    customers: tuple[UpstreamCustomer, ...]
    count: int | None
    records: int
    unreadable: tuple[UnreadableCustomer, ...] = ()

    @property
    def customer_ids(self) -> list[str]:
        """All that the page names, also those whose record cannot be read."""
        readable = [one.customer_id for one in self.customers]
        return readable + [one.customer_id for one in self.unreadable]

    def only(self, customer_id: str) -> "CustomerPage":
        """The same page with nobody else on it."""
        return CustomerPage(
            tuple(one for one in self.customers if one.customer_id == customer_id),
            self.count,
            self.records,
            tuple(one for one in self.unreadable if one.customer_id == customer_id),
        )


class ValueBeyondBoundsError(ValueError):
    """A value of the right kind that is too early, too late, too large or too long to be kept."""

    def __init__(self, field: str, value: str):
        self.field, self.value = field, value[:VALUE_SHOWN_CHARACTERS_MAX]
        super().__init__(field)


_ID = "customer_id"
ID_CHARACTERS_MAX = 64
TEXT_CHARACTERS_MAX = 512
VALUE_SHOWN_CHARACTERS_MAX = 100
NUMBER_MAX = 2**31 - 1
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def read_page(answer: Mapping[str, Any]) -> CustomerPage:
    """The page; a record without an id cannot be kept and is left out."""
    told = answer.get("customer_infos")
    records = told if isinstance(told, list) else []
    known: list[UpstreamCustomer] = []
    unreadable: list[UnreadableCustomer] = []
    for record in records:
        customer_id = _customer_id(record)
        if customer_id is None:
            continue
        try:
            known.append(read_customer(record))
        except ValueBeyondBoundsError as beyond:
            unreadable.append(UnreadableCustomer(customer_id, beyond.field, beyond.value))
    return CustomerPage(tuple(known), _count(answer), len(records), tuple(unreadable))


def _customer_id(record: Any) -> str | None:
    """The id, when there is one that may be kept."""
    if not isinstance(record, Mapping):
        return None
    try:
        customer_id = _text(record, _ID)
    except ValueBeyondBoundsError:
        return None
    return customer_id if customer_id and len(customer_id) <= ID_CHARACTERS_MAX else None


def _count(answer: Mapping[str, Any]) -> int | None:
    """A count that nobody can keep is none."""
    try:
        return _number(answer, "count")
    except ValueBeyondBoundsError:
        return None


def read_customer(record: Mapping[str, Any]) -> UpstreamCustomer:
    """One record; a value of the wrong kind counts as not told.

    Raises:
        ValueBeyondBoundsError: a value of the right kind that cannot be kept.

    """
    return UpstreamCustomer(
        customer_id=_text(record, _ID) or "",
        account_name=_text(record, "account_name") or "",
        customer_name=_text(record, "customer"),
        associated_on=_instant(record, "associated_on"),
        association_type=_text(record, "association_type"),
        label=_text(record, "label"),
        telephone=_text(record, "telephone"),
        verified_status=_text(record, "verified_status"),
        country_code=_text(record, "country_code"),
        customer_type=_number(record, "customer_type"),
        is_frozen=_number(record, "is_frozen"),
        account_manager_name=_manager(record),
        xaccount_id=_text(record, "xaccount_id"),
        xaccount_type=_text(record, "xaccount_type"),
        customer_level=_text(record, "customer_level"),
        email=_text(record, "email"),
    )


def _manager(record: Mapping[str, Any]) -> str | None:
    """The first of them; the vendor allows one."""
    managers = record.get("account_managers")
    if isinstance(managers, list) and managers and isinstance(managers[0], Mapping):
        return _text(managers[0], "account_name")
    return None


def _text(record: Mapping[str, Any], name: str) -> str | None:
    """A text or a number as text, without what no database stores; empty is not told."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    told = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    if len(told) > TEXT_CHARACTERS_MAX:
        raise ValueBeyondBoundsError(name, told)
    return told or None


def _number(record: Mapping[str, Any], name: str) -> int | None:
    """An integer, also one that came as a text."""
    text = _text(record, name)
    digits = text.removeprefix("-") if text else ""
    if not (text and digits.isascii() and digits.isdigit()):
        return None
    if int(digits) > NUMBER_MAX:
        raise ValueBeyondBoundsError(name, text)
    return int(text)


def _instant(record: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(record, name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    if not EARLIEST <= instant <= LATEST:  # in UTC the ends of time may not exist
        raise ValueBeyondBoundsError(name, text)
    return instant.astimezone(UTC)
