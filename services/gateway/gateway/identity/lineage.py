"""By which credentials a credential was exchanged: it lives no longer than any of them.

A credential is named "token:<hash>" or "key:<access>". Who exchanges holds all of the line until
its commit; who ends one of them waits for that and finds what was made (decision 0041).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import WrongPrincipalError
from gateway.identity.find_credential import ACTIVE, ENDED
from gateway.identity.models import AccessKey, Token

LENGTH_MAX = 8  # four exchanges in a row make sense


class CredentialEndedError(RefusedError):
    """A credential ended while something was exchanged by it."""

    code = "CBC.0154"


@dataclass(frozen=True, slots=True)
class Line:
    """The names of a line, its first credential first, and when the first of them expires."""

    names: tuple[str, ...]
    until: datetime | None

    def no_later_than(self, wished: datetime) -> datetime:
        """The end of what is exchanged now."""
        return wished if self.until is None else min(wished, self.until)


def token_name(token_hash: str) -> str:
    """A token's name in lines."""
    return f"token:{token_hash}"


def key_name(access: str) -> str:
    """An access key's name in lines."""
    return f"key:{access}"


async def hold_line(session: AsyncSession, names: Sequence[str], now: datetime) -> Line:
    """Lock the credentials by which something is exchanged, and all that they came from.

    Raises:
        CredentialEndedError: one of them ended meanwhile.
        WrongPrincipalError: too many exchanges in a row.

    """
    line: list[str] = []
    for name in names:
        line += (one for one in (*await _came_from(session, name), name) if one not in line)
    if len(line) > LENGTH_MAX:
        raise WrongPrincipalError("too many exchanges in a row")
    ends = [await _hold(session, name, now) for name in line]
    return Line(tuple(line), min((end for end in ends if end is not None), default=None))


async def end_below(session: AsyncSession, names: Sequence[str]) -> None:
    """End for good all that was exchanged by these credentials, whose own end was written before.

    A statement of its own: it sees what was committed while the one before waited.
    """
    if not names:
        return
    below = cast(list(names), ARRAY(Text))
    await _end_tokens(session, Token.ancestors.overlap(below))
    await _end_keys(session, AccessKey.ancestors.overlap(below))


async def end_password_tokens(session: AsyncSession, owner_id: str) -> None:
    """End what was got by a password that is none any more."""
    owned = func.coalesce(Token.operator_id, Token.account_id) == owner_id
    hashes = await _end_tokens(session, owned & (Token.method == "password"))
    await end_below(session, [token_name(one) for one in hashes])


async def end_operator(session: AsyncSession, operator_id: str) -> None:
    """End what the operator signed in and exchanged; its permanent keys wait for it to return."""
    await _end_tokens(session, Token.operator_id == operator_id)
    temporary = AccessKey.expires_at.is_not(None)
    await _end_keys(session, temporary & (AccessKey.operator_id == operator_id))


async def end_acting(session: AsyncSession, customer_id: str, partner_id: str) -> None:
    """End all by which the partner acts for the customer."""
    acts = Token.acting_partner_id == partner_id
    await _end_tokens(session, acts & (Token.account_id == customer_id))
    acts = AccessKey.acting_partner_id == partner_id
    await _end_keys(session, acts & (AccessKey.account_id == customer_id))


async def _came_from(session: AsyncSession, name: str) -> list[str]:
    kind, _, key = name.partition(":")
    table, column = (Token, Token.hash) if kind == "token" else (AccessKey, AccessKey.access)
    found = await session.scalar(select(table.ancestors).where(column == key))
    return list(found or ())


async def _hold(session: AsyncSession, name: str, now: datetime) -> datetime | None:
    """Lock one, which must live; when it expires."""
    kind, _, key = name.partition(":")
    ends: Select[datetime | None]
    if kind == "token":
        ends = select(Token.expires_at).where(Token.hash == key, Token.revoked_at.is_(None))
    else:
        ends = select(AccessKey.expires_at).where(
            AccessKey.access == key, AccessKey.status == ACTIVE
        )
    found = (await session.execute(ends.with_for_update(read=True))).one_or_none()
    if found is None or (found[0] is not None and found[0] <= now):
        raise CredentialEndedError
    return found[0]


async def _end_tokens(session: AsyncSession, which: ColumnElement[bool]) -> list[str]:
    ended = await session.scalars(
        update(Token)
        .where(which, Token.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Token.hash)
    )
    return list(ended)


async def _end_keys(session: AsyncSession, which: ColumnElement[bool]) -> None:
    await session.execute(
        update(AccessKey).where(which, AccessKey.status == ACTIVE).values(status=ENDED)
    )
