"""Login names of partners, customers and operators are one name space, without regard to case.

Within a kind its owner keeps names unique; that no name is of two kinds is settled here, where
everybody who is made passes. A name is claimed before its command goes on, so that two commands at
once cannot both have it; the claim is needed until the event has brought the copy.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, Text, bindparam, delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from gateway.identity.models import LoginNameClaim


class NameKind(StrEnum):
    """Whose login name it is."""

    PARTNER = "partner"
    CUSTOMER = "customer"
    OPERATOR = "operator"


class LoginNameInUseError(RefusedError):
    """Somebody of another kind signs in by this name."""

    code = "CBC.99000038"


_OF_ANOTHER_KIND = text("""
    SELECT name FROM unnest(:names) AS wanted (name)
    WHERE EXISTS (
        SELECT FROM identity_accounts AS a WHERE lower(a.account_name) = wanted.name
        AND CASE WHEN a.kind = 'customer' THEN 'customer' ELSE 'partner' END <> :kind
    ) OR :kind <> 'operator' AND EXISTS (
        SELECT FROM identity_operators AS o WHERE lower(o.account_name) = wanted.name
    )
    LIMIT 1
""").bindparams(bindparam("names", type_=ARRAY(Text)))


async def claim_names(
    session: AsyncSession, kind: NameKind, names: Sequence[str], now: datetime
) -> list[str]:
    """Claim the names for a kind; how they are kept.

    Raises:
        LoginNameInUseError: one of them is another kind's, or was just claimed for one.

    """
    folded = sorted({name.lower() for name in names})  # in one order, so that none waits crosswise
    row = LoginNameClaim
    values = [{"name": n, "kind": kind.value, "claims": 1, "claimed_at": now} for n in folded]
    claim = insert(row).values(values)
    claimed = await session.scalars(
        claim.on_conflict_do_update(
            index_elements=[row.name],
            set_={"claims": row.claims + 1, "claimed_at": now},
            where=row.kind == kind.value,
        ).returning(row.name)
    )
    if missing := set(folded) - set(claimed):
        raise LoginNameInUseError(min(missing))
    told = {"names": folded, "kind": kind.value}
    if (taken := await session.scalar(_OF_ANOTHER_KIND, told)) is not None:
        raise LoginNameInUseError(taken)
    return folded


async def release_names(session: AsyncSession, folded: Sequence[str]) -> None:
    """The command was refused: the names are free again, unless another command claims them."""
    row = LoginNameClaim
    mine = row.name.in_(folded)
    await session.execute(update(row).where(mine).values(claims=row.claims - 1))
    await session.execute(delete(row).where(mine, row.claims <= 0))
