"""What an upstream tells of a customer, read without belief (domain.md B.2, D.4a.5)."""

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
class CustomerPage:
    """A page of customers, and how many match in all (None: not told).

    `records` is how many the page had, also those that could not be read.
    """

    customers: tuple[UpstreamCustomer, ...]
    count: int | None
    records: int


def read_page(answer: Mapping[str, Any]) -> CustomerPage:
    """The page; a record without an id cannot be kept and is left out."""
    told = answer.get("customer_infos")
    records = told if isinstance(told, list) else []
    known = tuple(read_customer(r) for r in records if isinstance(r, Mapping) and _text(r, _ID))
    return CustomerPage(known, _number(answer, "count"), len(records))


_ID = "customer_id"


def read_customer(record: Mapping[str, Any]) -> UpstreamCustomer:
    """One record; a value of the wrong kind counts as not told."""
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
    return told or None


def _number(record: Mapping[str, Any], name: str) -> int | None:
    """An integer, also one that came as a text."""
    text = _text(record, name)
    digits = text.removeprefix("-") if text else ""
    if text and digits.isascii() and digits.isdigit() and len(digits) <= 18:
        return int(text)
    return None


def _instant(record: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(record, name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
