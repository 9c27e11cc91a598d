"""Claim the login names that a command would give, while it is carried out."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.database import Database
from chassis.errors import BadFieldError, RefusedError
from chassis.routes import read_json
from chassis.try_again import twice
from gateway.forwarding.destinations import Destination
from gateway.identity.login_names import NameKind, claim_names, release_names

NAME_CHARACTERS_MAX = 128  # longer than any service takes
NAMES_MAX = 1000  # more than any service takes at once

# The operations that make somebody: of which kind, and the way to the name in the body.
_MAKES: dict[str, tuple[NameKind, tuple[str, ...]]] = {
    "create_sub_customer": (NameKind.CUSTOMER, ("domain_name",)),
    "create_sub_enterprise_account": (NameKind.CUSTOMER, ("new_sub_customer", "customer_name")),
    "POST /api/customers": (NameKind.CUSTOMER, ("customers", "domain_name")),
    "POST /api/partners": (NameKind.PARTNER, ("account_name",)),
    "POST /api/partners/{partner_id}/operators": (NameKind.OPERATOR, ("account_name",)),
}


@dataclass(slots=True)
class Claim:
    """What a command claimed, and whether it was refused."""

    names: list[str]
    refused: bool = False


@asynccontextmanager
async def claiming_login_names(
    database: Database, destination: Destination, body: bytes, now: datetime
) -> AsyncIterator[Claim]:
    """Hold the names; a command that was refused gives them back.

    After a failure they stay claimed: whether somebody was made is not known.

    Raises:
        LoginNameInUseError: a name is another kind's.

    """
    makes = _MAKES.get(destination.name)
    names = [] if makes is None else await _read_names(body, makes[1])
    if makes is None or not names or len(names) > NAMES_MAX:
        yield Claim([])
        return
    claim = Claim(await twice(lambda: _claim(database, makes[0], names, now)))
    try:
        yield claim
    except RefusedError as refused:
        claim.refused = refused.status < 500
        raise
    finally:
        if claim.refused:
            async with database.transaction() as session:
                await release_names(session, claim.names)


async def _claim(database: Database, kind: NameKind, names: list[str], now: datetime) -> list[str]:
    async with database.transaction() as session:
        return await claim_names(session, kind, names, now)


async def _read_names(body: bytes, way: tuple[str, ...]) -> list[str]:
    """The names in the body; one that cannot be read its service refuses, which reads it alike."""
    try:
        return list(_names(await read_json(body), way)) if body else []
    except BadFieldError:
        return []


def _names(content: Any, way: tuple[str, ...]) -> Iterator[str]:
    """The texts at the end of the way; whatever else stands there its service refuses."""
    if isinstance(content, list):
        for one in content:
            yield from _names(one, way)
    elif way and isinstance(content, dict):
        yield from _names(content.get(way[0]), way[1:])
    elif not way and isinstance(content, str) and _may_be_a_name(content):
        yield content


def _may_be_a_name(text: str) -> bool:
    return 0 < len(text) <= NAME_CHARACTERS_MAX and not _UNSTORABLE.search(text)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
